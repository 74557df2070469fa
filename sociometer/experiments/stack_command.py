"""The `pulumi` command, run so that an interrupt ends it in good order.

Left to itself, the Automation API closes the command's output at Ctrl-C. The command dies of that in the middle of its
changes, and leaves its lock, so that not even what it has made can be removed. Here it runs apart from the terminal and
is told itself: at the first interrupt it finishes what it has begun, keeps its state and frees its lock.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error

OnOutput = Callable[[str], object] | None


class OrderlyPulumi(PulumiCommand):
    """`PulumiCommand` whose runs raise `KeyboardInterrupt` only when the command has ended."""

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput = None,
        on_error: OnOutput = None,
    ) -> CommandResult:
        """Run a command to its end; raises `CommandError` when it fails."""
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            encoding="utf-8",
            start_new_session=True,  # else the terminal interrupts it, too, and the second time it drops everything
        )
        assert process.stdout is not None and process.stderr is not None  # noqa: S101 - for the type checker
        out, err = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
        interrupted = _waited(process)
        result = CommandResult(stdout=out.text(), stderr=err.text(), code=process.returncode)
        if interrupted:
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


def _waited(process: subprocess.Popen[str]) -> bool:
    """Wait for the end, passing interrupts on: at the second one the command drops everything. Whether one came."""
    interrupted = False
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
            process.send_signal(signal.SIGINT)
        else:
            return interrupted
