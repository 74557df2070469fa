"""What this machine lets a process of ours have."""

from __future__ import annotations

import resource
from pathlib import Path

_SYS_RESOURCE = 24
"""Bit of the capability to raise hard limits (capabilities(7))."""


def most_open_files() -> int:
    """The most open files that a process of ours may be given: a machine that is itself a container may set a limit."""
    if _effective_capabilities() >> _SYS_RESOURCE & 1:
        return int(Path("/proc/sys/fs/nr_open").read_text())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return int(Path("/proc/sys/fs/nr_open").read_text()) if hard == resource.RLIM_INFINITY else hard


def _effective_capabilities() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
