"""`sociometer` as a process of its own: run to its end, or started and interrupted where a test wants it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import IO

from tests.support.environments import ROOT

PROGRAM = (sys.executable, "-m", "tests.support.aws.impatient")
SECONDS = 240.0
"""After so long, a command hangs."""


def sociometer(*words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command run to its end, which is to have that exit code."""
    done = subprocess.run([*PROGRAM, *words], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == exit_code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@dataclass
class Running:
    """A command that runs; ``said`` is what was read of its standard error."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def until(self, *parts: str) -> None:
        """Read its progress until a line has all these parts."""
        for line in self._errors:
            self.said.append(line)
            if all(part in line for part in parts):
                return
        raise AssertionError(f"It never said {parts}:\n{''.join(self.said)}")

    def end(self) -> int:
        """Its exit code when it has ended by itself."""
        self.said.extend(self._errors)
        return self.process.wait()

    def ended_by(self, number: signal.Signals, *, with_children: bool = False) -> int:
        """Its exit code after a signal, to it alone or, as a terminal does it, to all its children that listen."""
        if with_children:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        self.said.extend(self._errors)
        return self.process.wait()

    @property
    def _errors(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr


@contextmanager
def started(*words: str) -> Iterator[Running]:
    """The command, started; killed if the block ends before it."""
    process = subprocess.Popen(
        [*PROGRAM, *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = Timer(SECONDS, process.kill)
    watchdog.start()
    try:
        with process:
            yield Running(process)
    finally:
        watchdog.cancel()
        process.kill()
