"""Who holds a stack: read from its lock file before anything is done, or from what Pulumi says when it meets a lock."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from infra.automation import state
from infra.automation.files import pulumi_command
from infra.settings.model import NAMESPACE
from kit.documents import object_of
from kit.machine import processes

MOST_PID = 1 << 22
"""Linux's own limit (proc(5), pid_max)."""
_TOLD = re.compile(r"created by (?P<user>[^@\s]+)@(?P<host>\S+) \(pid (?P<pid>[0-9]{1,9})\) at (?P<since>\S+)")


@dataclass(frozen=True)
class Lock:
    """A stack's lock, with the process that took it."""

    user: str
    host: str
    pid: int
    since: str

    @property
    def is_stale(self) -> bool:
        """Whether its process is known to be gone: it was one of this machine, and runs no more."""
        return self.host == socket.gethostname() and processes.name(self.pid) is None

    def message(self, stack: str) -> str:
        """Who holds the stack, and what to do."""
        who = f"Stack {stack} is locked by {self.user}@{self.host}, process {self.pid}, since {self.since}."
        name = processes.name(self.pid)
        if name is None:
            return (
                f"{who} There is no such process on this machine: if it ended in the middle, "
                f"`{pulumi_command(stack, 'cancel --yes')}` clears the lock."
            )
        return f"{who} It is running ({name}): wait for it to end."


def told(output: str) -> Lock | None:
    """The first lock that Pulumi's output tells of."""
    if (match := _TOLD.search(output)) is None:
        return None
    return Lock(match["user"], match["host"], int(match["pid"]), match["since"])


def held(stack: str, backend: str | None) -> Lock | None:
    """The lock of a stack whose state lies in files below ``backend``, a URL; None when it is free, or elsewhere."""
    if (place := state.folder(backend)) is None:
        return None
    for path in sorted((place / "locks/organization" / NAMESPACE / stack).glob("*.json")):
        try:
            known = object_of(path.read_bytes())
            found = Lock(str(known["username"]), str(known["hostname"]), int(known["pid"]), str(known["timestamp"]))
            if 0 < found.pid <= MOST_PID:
                return found
        except (OSError, ValueError, KeyError, TypeError):
            continue  # just freed, or about to be written
    return None
