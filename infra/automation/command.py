"""The `pulumi` command, run so that an interrupt ends it in good order, and so that it ends at all.

Left to itself, the Automation API closes the command's output at Ctrl-C. That kills the command in the middle of its
changes and leaves its lock behind, so that not even what it has made can be removed. Here the command runs in a session
of its own and gets the signal passed on: at the first one it finishes what it has begun, saves its state and frees its
lock. A command that does not end then, or that runs for hours, is asked again, and at last killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
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

from kit import child
from kit.command import run
from kit.errors import CommandTimeout
from kit.interrupts import SIGNALS, is_ignored
from kit.toolchain.programs import ASK_SECONDS

OnOutput = Callable[[str], object] | None

LONGEST_SECONDS = 6 * 3600.0
"""No stack of ours takes a tenth of it; a command that does hangs."""
FINISH_SECONDS = 1800.0
"""What an interrupted command has begun may take that long: AWS drains a service, or makes a load balancer."""
DROP_SECONDS = 30.0
"""After the second signal it drops everything, and has only to save its state."""
READ_SECONDS = 10.0
"""Its output may be held open, by what it started, after its end."""


class OrderlyPulumi(PulumiCommand):
    """`PulumiCommand` whose runs raise `KeyboardInterrupt` only when the command has ended."""

    def __init__(self, program: Path) -> None:
        """Take this ``program``: the base class would look for one on this process's PATH."""
        self.command = str(program)
        answer = run([program, "version"], timeout_seconds=ASK_SECONDS, env={"PULUMI_SKIP_UPDATE_CHECK": "true"})
        self.version = VersionInfo.parse(answer.stdout.strip().removeprefix("v"))

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput = None,
        on_error: OnOutput = None,
    ) -> CommandResult:
        """Run a command to its end; raises `CommandError` when it fails, `CommandTimeout` when it does not end."""
        interrupts = _Interrupts()
        with interrupts.passed_on():
            # In a session of its own: else the terminal interrupts it, too, and the second time it drops everything.
            process = child.start(
                [self.command, "--non-interactive", *args],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
                encoding="utf-8",
            )
            interrupts.begin(process)
            assert process.stdout is not None and process.stderr is not None  # noqa: S101 - for the type checker
            out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            in_time = _wait(process, interrupts)
            result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if interrupts.came:
            raise KeyboardInterrupt
        if not in_time:
            raise CommandTimeout(f"pulumi {args[0]} did not end within {LONGEST_SECONDS:g} s, and was ended.")
        if result.code != 0:
            raise create_command_error(result)
        return result


def _wait(process: subprocess.Popen[str], interrupts: _Interrupts) -> bool:
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


def _ended(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Reader:
    """Reads a stream to its end beside the waiting, and hands on each line."""

    def __init__(self, stream: IO[str], told: OnOutput) -> None:
        self._stream, self._told = stream, told
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """All of it, once the stream or the patience for it has ended."""
        self._thread.join(READ_SECONDS)
        return "\n".join(self._lines)

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip())
                if self._told:
                    self._told(line.rstrip())


class _Interrupts:
    """Passes signals on to the command; none is raised here, where it could leave the command behind unwatched."""

    def __init__(self) -> None:
        self.came_at: float | None = None
        """When the first one came, in monotonic seconds."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def came(self) -> bool:
        """Whether one came."""
        return self.came_at is not None

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

    def begin(self, process: subprocess.Popen[str]) -> None:
        """The command runs; a signal that came before is passed on now."""
        self._process = process
        if self.came:
            process.send_signal(signal.SIGINT)

    def _pass(self, number: int, _frame: FrameType | None) -> None:
        """Pass on the first one, and then only Ctrl-C: a terminal that is gone, or a machine that is shut down, tells
        us more than once.
        """
        if self.came and number != signal.SIGINT:
            return
        self.came_at = self.came_at or time.monotonic()
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
