"""The `pulumi` command, run so that an interrupt ends it in good order, and so that it ends at all.

Left to itself, the Automation API closes the command's output at Ctrl-C. That kills the command in the middle of its
changes and leaves its lock behind, so that not even what it has made can be removed. Here the command runs in a session
of its own and gets the signal passed on: at the first one it finishes what it has begun, saves its state and frees its
lock. A command that does not end then, or that runs for hours, is asked again, and at last killed.

When this process is killed, the kernel interrupts the command in the same way, and its output goes to files: a pipe
without a reader would kill it in the middle.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra.automation import strays
from kit import child
from kit.beside import repeating
from kit.errors import CommandTimeout
from kit.interrupts import SIGNALS, is_ignored
from kit.machine import processes

OnOutput = Callable[[str], object] | None

LONGEST_SECONDS = 6 * 3600.0
"""No stack of ours takes a tenth of it; a command that does hangs."""
FINISH_SECONDS = 1800.0
"""What an interrupted command has begun may take that long: AWS drains a service, or makes a load balancer."""
DROP_SECONDS = 30.0
"""After the second signal it drops everything, and has only to save its state."""
READ_SECONDS = 0.05
"""How often its output is looked at."""
_INTERRUPTED_WITH_US = ("setpriv", "--pdeathsig", "INT", "--")


class OrderlyPulumi(PulumiCommand):
    """`PulumiCommand` whose runs raise `KeyboardInterrupt` only when the command has ended."""

    def __init__(self, program: Path, version: str) -> None:
        """Take this ``program``, whose version is known: the base class would look for one on PATH, and ask it."""
        self.command = str(program)
        strays.clear_orphans()
        self.version = VersionInfo.parse(version)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput = None,
        on_error: OnOutput = None,
    ) -> CommandResult:
        """Run a command to its end; raises `CommandError` when it fails, `CommandTimeout` when it does not end."""
        interrupts, mark = _Interrupts(), processes.owner_name()
        with interrupts.passed_on(), _reading(on_output) as out, _reading(on_error) as err:
            # In a session of its own: else the terminal interrupts it, too, and the second time it drops everything.
            process = child.start(
                [*_with_us(), self.command, "--non-interactive", *args],
                stdout=out.file,
                stderr=err.file,
                cwd=cwd,
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true", strays.MARK: mark},
            )
            interrupts.begin(process)
            in_time = _wait(process, interrupts)
        result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if result.code != 0:
            strays.clear(mark)
        interrupts.raise_again()
        if not in_time:
            raise CommandTimeout(f"pulumi {args[0]} did not end within {LONGEST_SECONDS:g} s, and was ended.")
        if result.code != 0:
            raise create_command_error(result)
        return result


def _wait(process: subprocess.Popen[bytes], interrupts: _Interrupts) -> bool:
    """Wait for the command's end, and bring it about when it does not come; whether it came by itself."""
    began = time.monotonic()
    while not _ended(process, 1.0):
        if interrupts.came_at is not None and time.monotonic() - interrupts.came_at > FINISH_SECONDS:
            break
        if time.monotonic() - began > LONGEST_SECONDS:
            process.send_signal(signal.SIGINT)
            _ended(process, FINISH_SECONDS)
            break
    else:
        return True
    process.send_signal(signal.SIGINT)
    if not _ended(process, DROP_SECONDS):
        child.signal_group(process, signal.SIGKILL)
        process.wait(child.DEATH_SECONDS)
    return False


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _with_us() -> tuple[str, ...]:
    """Put before the command where the system has it; elsewhere a kill of ours leaves the command to its own end."""
    return _INTERRUPTED_WITH_US if shutil.which(_INTERRUPTED_WITH_US[0]) else ()


@contextmanager
def _reading(told: OnOutput) -> Iterator[_Reader]:
    """A reader of what is written while the block lasts."""
    with tempfile.TemporaryFile() as file:
        reader = _Reader(file, told)
        with repeating(READ_SECONDS, reader.read):
            yield reader
        reader.read(last=True)


class _Reader:
    """Reads a file that somebody else writes, beside the waiting, and hands on each line."""

    def __init__(self, file: IO[bytes], told: OnOutput) -> None:
        self.file, self._told = file, told
        self._lines: list[str] = []
        self._at, self._rest = 0, b""

    def text(self) -> str:
        """All that was read."""
        return "\n".join(self._lines)

    def read(self, *, last: bool = False) -> None:
        """Take the lines that are new; at last also one that has no end."""
        while new := os.pread(self.file.fileno(), 2**16, self._at):
            self._at += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            self._take(lines)
        if last and self._rest:
            self._take([self._rest])

    def _take(self, lines: list[bytes]) -> None:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            self._lines.append(text)
            if self._told:
                self._told(text)


class _Interrupts:
    """Passes signals on to the command; none is raised here, where it could leave the command behind unwatched."""

    def __init__(self) -> None:
        self.came_at: float | None = None
        """When the first one came, in monotonic seconds."""
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """For as long as the block lasts; Python hands signals to the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = [(number, signal.signal(number, self._pass)) for number in SIGNALS if not is_ignored(number)]
        try:
            yield
        finally:
            for number, handler in earlier:
                signal.signal(number, handler)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """The command runs; a signal that came before is passed on now."""
        self._process = process
        if self.came_at is not None:
            process.send_signal(signal.SIGINT)

    def raise_again(self) -> None:
        """The command has ended: now a signal that came goes to whoever handles it here."""
        if self.came_at is not None:
            if callable(signal.getsignal(self._number)):
                signal.raise_signal(self._number)
            raise KeyboardInterrupt

    def _pass(self, number: int, _frame: FrameType | None) -> None:
        """Pass on the first one, and then only Ctrl-C: a terminal that is gone, or a machine that is shut down, tells
        us more than once.
        """
        if self.came_at is None:
            self.came_at, self._number = time.monotonic(), number
        elif number != signal.SIGINT:
            return
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
