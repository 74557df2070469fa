"""Who owns what lies around: a lab is named after the process that runs it, so that orphans can be told by name.

A process id alone may be given to somebody else; together with its start time it is unique until the next boot,
and what a boot takes away (processes, mounts, cgroups) needs no owner.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

_numbers = itertools.count(1)


def own_name() -> str:
    """A new name for a lab of this process: ``<pid>-<start time in clock ticks since boot>-<number>``."""
    return f"{os.getpid()}-{_start_ticks(os.getpid())}-{next(_numbers)}"


def is_alive(name: str) -> bool:
    """Whether the process that the name was made by still runs."""
    pid, ticks, *_ = (*name.split("-"), "")
    return pid.isdigit() and ticks.isdigit() and _start_ticks(int(pid)) == int(ticks)


def _start_ticks(pid: int) -> int | None:
    """Field 22 of proc(5) stat; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])
