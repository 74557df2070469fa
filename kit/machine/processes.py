"""Processes by identity, read from /proc: a pid alone may belong to somebody else by the time it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True)
class Process:
    """A pid and when it started, in clock ticks since boot: together they name one process of this boot."""

    pid: int
    start_time: int


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none, or only its zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else None


def alive(process: Process) -> bool:
    """Whether this very process still runs."""
    return start_time(process.pid) == process.start_time


def find(arguments: tuple[str, ...]) -> Process | None:
    """The process whose command line ends with these arguments."""
    for folder in Path("/proc").glob("[0-9]*"):
        began = start_time(int(folder.name))
        if began is not None and _command_line(folder)[-len(arguments) :] == arguments:
            return Process(int(folder.name), began)
    return None


def name(pid: int) -> str | None:
    """The program's name, as `ps` shows it."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def listener(port: int) -> str | None:
    """Who listens on a TCP port of this machine, as "nginx (process 123)"; None when that cannot be known."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").glob("[0-9]*"):
        if inodes & _socket_inodes(folder):
            return f"{name(int(folder.name)) or 'a program'} (process {folder.name})"
    return None


def _command_line(process_folder: Path) -> tuple[str, ...]:
    try:
        return tuple((process_folder / "cmdline").read_text(errors="replace").split("\0")[:-1])
    except (FileNotFoundError, ProcessLookupError):
        return ()


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may itself hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _socket_inodes(process_folder: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (process_folder / "fd").iterdir()}
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return set()  # it ended meanwhile, or belongs to another user
