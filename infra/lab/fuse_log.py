"""Reads in the soci-snapshotter's log what was asked of its file systems: which files were opened and read, and when.

With ``log_fuse_operations`` and level debug there is a line for each request (soci-snapshotter `fs/layer/node.go`),
with the path in the layer, but not the layer. A file with several names (hard links) goes by one of them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from infra.lab.snapshotter_log import lines, nanoseconds

_MARK = '"FUSE operation"'
OPEN, READ = "node.Open", "file.Read"


@dataclass(frozen=True)
class Access:
    """A file was opened (`OPEN`) or read (`READ`); ``at_ns`` is since the epoch, to the microsecond."""

    operation: str
    path: str
    at_ns: int


def accesses(log: str) -> Iterator[Access]:
    """Each of them, in the order of the log. Lines that are not JSON are skipped: the last may be half written."""
    asked = (line for line in log.splitlines() if _MARK in line and (OPEN in line or READ in line))
    for line in lines(asked):
        if line.get("operation") in (OPEN, READ):
            with suppress(KeyError, TypeError, ValueError, OverflowError):  # half written, or nobody's
                yield Access(line["operation"], str(line["path"]), nanoseconds(line["time"]))
