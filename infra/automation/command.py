"""The `pulumi` command, run so that an interrupt ends it in good order.

Left to itself, the Automation API closes the command's output at Ctrl-C. That kills the command in the middle of its
changes and leaves its lock behind, so that not even what it has made can be removed. Here the command runs in a session
of its own and gets the signal passed on: at the first one it finishes what it has begun, saves its state and frees its
lock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

OnOutput = Callable[[str], object] | None


class OrderlyPulumi(PulumiCommand):
    """`PulumiCommand` whose runs raise `KeyboardInterrupt` only when the command has ended."""

    def __init__(self, program: Path, version: str) -> None:
        """Take this ``program``, whose version is known: the base class would look for one on PATH, and ask it."""
        self.command = str(program)
        self.version = VersionInfo.parse(version)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput = None,
        on_error: OnOutput = None,
    ) -> CommandResult:
        """Run a command to its end; raises `CommandError` when it fails."""
        interrupts = _Interrupts()
        with interrupts.passed_on():
            process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
                encoding="utf-8",
                start_new_session=True,  # else the terminal interrupts it, too, and the second time it drops everything
            )
            interrupts.begin(process)
            assert process.stdout is not None and process.stderr is not None  # noqa: S101 - for the type checker
            out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            process.wait()
            result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if interrupts.came:
            raise KeyboardInterrupt
        if result.code != 0:
            raise create_command_error(result)
        return result


class _Reader:
    """Reads a stream to its end beside the waiting, and hands on each line."""

    def __init__(self, stream: IO[str], told: OnOutput) -> None:
        self._stream, self._told = stream, told
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def text(self) -> str:
        """All of it, once the stream has ended."""
        self._thread.join()
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
        self.came = False
        self._process: subprocess.Popen[str] | None = None

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """For as long as the block lasts; Python hands signals to the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = [(number, signal.signal(number, self._pass)) for number in (signal.SIGINT, signal.SIGTERM)]
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

    def _pass(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
