"""The kernel's table of mounts, /proc/PID/mountinfo (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mount:
    """One line of proc(5) mountinfo: where it is mounted, what it is, and its options."""

    point: Path
    kind: str
    options: str


def parse(mountinfo: str) -> list[Mount]:
    """The mounts in a mountinfo file."""
    mounts = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        mounts.append(Mount(Path(left.split(" ")[4]), kind, options))
    return mounts
