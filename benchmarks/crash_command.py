"""A command of the campaign of `crash.py`, which is ended, or loses one of its programs, at some moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from benchmarks import crash_left
from benchmarks.crash_left import Home
from benchmarks.crash_moments import PROGRAMS, SIGNALS, Moment
from kit.machine.processes import program, words

WHOLE_SECONDS = 300.0
GONE_SECONDS = 15.0
"""What a killed command leaves running for a moment ends by then: the kernel kills it with its parent."""


class Command:
    """A `sociometer` command of the campaign's user, in a process of its own; what it says is read as it comes."""

    def __init__(self, home: Home, *words: str) -> None:
        argv = [Path(sys.executable).with_name("sociometer"), *words]
        self._home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=home.environment(),
            cwd=home.root,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        """All that it said."""
        return "\n".join(self.lines)

    def end_at(self, moment: Moment) -> bool:
        """End it, or one of its programs, at the moment; whether it was still running then."""
        if not self._reaches(moment.told, moment.round):
            return False
        try:
            self.process.wait(moment.delay)
        except subprocess.TimeoutExpired:
            return self._strike(moment.means)
        return False

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None, and it is killed, when it does not end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(GONE_SECONDS)
            return None
        self._reader.join(GONE_SECONDS)
        return code

    def _reaches(self, told: str, times: int) -> bool:
        until = time.monotonic() + WHOLE_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            if not told or sum(told in line for line in list(self.lines)) >= times:
                return True
            time.sleep(0.005)
        return False

    def _strike(self, means: str) -> bool:
        if means in SIGNALS:
            self.process.send_signal(SIGNALS[means])
            return True
        victims = [process for process in crash_left.processes(self._home) if is_victim(process, means)]
        for victim in victims[:1]:
            victim.kill()
        return bool(victims)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))


def is_victim(process: psutil.Process, means: str) -> bool:
    """Whether a process is the program to be killed; of the registries, the lab's own, which a round uses."""
    try:
        if program(process) != PROGRAMS[means]:
            return False
        return means != "registry" or any("/lab/run/" in word for word in words(process)[-1:])
    except psutil.Error:
        return False
