"""A program that runs beside us: started with a log of its own, waited for until it answers, and stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from kit import child
from kit.errors import MachineError, SociometerError
from kit.machine import load, processes

DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""Put before a command: the kernel kills it when the thread that started it ends, even by SIGKILL."""
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
LAST_LINES = 3
LAST_CHARACTERS = 600


@dataclass(frozen=True)
class Daemon:
    """A daemon that was started; everything it prints goes to ``log``. ``memory_kills`` is the machine's count then."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    memory_kills: int = 0

    def trouble(self) -> str | None:
        """How it ended, with its last lines; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        how = f"ended with exit code {code}"
        if code == -signal.SIGKILL and load.memory_kills() > self.memory_kills:
            how = "was killed while the kernel killed for lack of memory"
        return f"{self.name} {how}: {self.last_lines()}"

    def last_lines(self) -> str:
        """The end of its log, as one line."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-LAST_LINES:])[-LAST_CHARACTERS:]

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            stop(psutil.Process(self.process.pid))
            self.process.wait(STOP_SECONDS)

    def leave(self) -> None:
        """Let it outlive us: Popen must not report it as a leak."""
        self.process.returncode = 0


def start(
    name: str,
    argv: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Daemon:
    """Start a daemon in a process group of its own, so that Ctrl-C does not reach it; ``env`` is its whole
    environment, None for ours without credentials. What an earlier run wrote to ``log`` is kept.
    """
    kills = load.memory_kills()
    with log.open("ab") as output:
        process = child.start(argv, stdout=output, stderr=output, env=env, cwd=cwd)
    return Daemon(name, process, log, kills)


def wait_until(
    answers: Callable[[], bool],
    daemons: Sequence[Daemon],
    *,
    what: str,
    failure: type[SociometerError],
    seconds: float = START_SECONDS,
) -> None:
    """Wait until ``answers``. Raises ``failure``, with the daemons' last lines, when one ends or time is up."""
    until = time.monotonic() + seconds
    while True:
        answered = answers()
        if trouble := next(filter(None, (daemon.trouble() for daemon in daemons)), None):
            raise failure(f"{what} did not start: {trouble}")  # even if answered: then by somebody else
        if answered:
            return
        if time.monotonic() > until:
            last_lines = " ".join(daemon.last_lines() for daemon in daemons)
            raise failure(f"{what} did not start within {seconds:g} s: {last_lines}")
        time.sleep(POLL_SECONDS)


@contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    log: Path,
    answers: Callable[[], bool],
    *,
    failure: type[SociometerError],
    env: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:
    """A daemon that answers, for as long as the block lasts."""
    daemon = start(name, argv, log, env=env)
    try:
        wait_until(answers, [daemon], what=name, failure=failure)
        yield daemon
    finally:
        daemon.stop()


def stop(process: psutil.Process) -> None:
    """SIGTERM, then SIGKILL, until the process is gone; raises `MachineError` when it stays."""
    for send in (process.terminate, process.kill):
        with suppress(psutil.NoSuchProcess):
            send()
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            if not processes.alive(process):
                return
            time.sleep(POLL_SECONDS)
    raise MachineError(f"Process {process.pid} ({processes.name(process.pid)}) does not end.")
