"""Processes by identity: a process id alone may belong to another process by the time it is used.

A process id and its start time together are unique until the next boot. What a process creates is named after both,
so that a later process can tell whether the owner still runs.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psutil

Shown = TypeVar("Shown", list[str], dict[str, str])

_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_numbers = itertools.count(1)
_KERNEL_LETTERS = 15
"""The kernel keeps so many letters of a name; psutil takes the rest from the arguments."""
_START_SECONDS = 1.0
"""How long a program that is being started may show neither arguments nor environment; it takes microseconds."""


def owner_name() -> str:
    """A new name for something that this process creates: ``<pid>-<start time in clock ticks since boot>-<number>``."""
    return f"{os.getpid()}-{_start_ticks(psutil.Process())}-{next(_numbers)}"


def owner_is_alive(name: str) -> bool:
    """Whether the process that made this name still runs; False for any other name."""
    pid, ticks, *_ = (*name.split("-"), "")
    if not (pid.isdigit() and ticks.isdigit()):
        return False
    try:
        process = psutil.Process(int(pid))
        return alive(process) and _start_ticks(process) == int(ticks)
    except psutil.NoSuchProcess:
        return False


def alive(process: psutil.Process) -> bool:
    """Whether this very process still runs. A zombie does not."""
    try:
        return process.is_running() and process.status() not in _ENDED
    except psutil.NoSuchProcess:
        return False


def words(process: psutil.Process) -> list[str]:
    """Its command line, also when it is just being started; raises `psutil.Error` when it has ended or is not ours."""
    return _shown(process, process.cmdline)


def environment(process: psutil.Process) -> dict[str, str]:
    """Its environment, also when it is just being started; raises `psutil.Error` when it has ended or is not ours."""
    return _shown(process, process.environ)


def program(process: psutil.Process) -> str:
    """Its program's name, whole also when it is just being started; raises `psutil.Error` when it has ended."""
    if len(process.name()) >= _KERNEL_LETTERS:
        with suppress(psutil.AccessDenied):  # of another user: what the kernel keeps is all there is
            words(process)
    return process.name()


def find(arguments: tuple[str, ...]) -> psutil.Process | None:
    """The process whose command line ends with these arguments."""
    for process in psutil.process_iter():
        if tuple(_command_line(process)[-len(arguments) :]) == arguments:
            return process
    return None


def naming(text: str) -> list[int]:
    """Ids of the processes with ``text`` in one of their arguments."""
    return [process.pid for process in psutil.process_iter() if any(text in word for word in _command_line(process))]


def name(pid: int) -> str | None:
    """The program's name; None when there is no such process."""
    try:
        return program(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return None


def listener(port: int) -> str | None:
    """The program that listens on a TCP port here, as "nginx (process 123)"; None when it cannot be determined."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return f"{name(connection.pid) or 'a program'} (process {connection.pid})"
    return None


def listens(pid: int, port: int) -> bool:
    """Whether this process listens on a TCP port here; False when it has ended."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr[1:] == (port,) for each in connections)


def _shown(process: psutil.Process, read: Callable[[], Shown]) -> Shown:
    """What the kernel shows of a process. While it starts a program, it shows nothing; a kernel thread shows nothing
    ever, and has no program.
    """
    until = time.monotonic() + _START_SECONDS
    while not (shown := read()) and process.exe() and time.monotonic() < until:
        if process.cmdline():
            return read()
        time.sleep(0.001)
    return shown


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return words(process)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []  # it has ended, or belongs to another user


def _start_ticks(process: psutil.Process) -> int:
    """Ticks since boot: psutil gives seconds since the epoch, which move when the clock is set."""
    return round((process.create_time() - psutil.boot_time()) * _TICKS_PER_SECOND)
