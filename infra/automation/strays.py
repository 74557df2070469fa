"""What a `pulumi` command starts and would leave behind when it is killed: providers, and builds within them.

They lead sessions of their own, so that no group holds them together. They are told by a mark in their environment: the
name of the process that ran the command. What is to outlive the command (the lab's registry) is started without it.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

import psutil

from kit.daemon import stop
from kit.machine import processes

MARK = "SOCIOMETER_PULUMI"
"""The environment variable whose value is the mark."""
ENGINE = "pulumi"


def clear(mark: str) -> None:
    """End everything with this mark."""
    for process in _marked().get(mark, ()):
        stop(process)


def clear_orphans() -> None:
    """End what commands left whose owner is gone; an engine that still runs finishes what it has begun, and is left."""
    for mark, found in _marked().items():
        if not processes.owner_is_alive(mark) and all(processes.name(process.pid) != ENGINE for process in found):
            clear(mark)


def _marked() -> dict[str, list[psutil.Process]]:
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or belongs to another user
            if mark := processes.environment(process).get(MARK):
                found[mark].append(process)
    return found
