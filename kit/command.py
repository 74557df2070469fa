"""The one way to run a program: no shell, always a time limit, one return type, errors that carry the cause.

The child leads its own process group, so that a time limit or Ctrl-C ends it with everything it started.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit import child, credentials, interrupts
from kit.errors import CommandFailed, CommandNotFound, CommandTimeout

LAST_LINES = 8
"""The number of lines of a failed tool's output, from its end, that go into the error."""


@dataclass(frozen=True)
class Completed:
    """A finished command: its output as text, its exit code, and its duration in seconds."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float


def run(
    argv: Sequence[str | Path],
    *,
    timeout_seconds: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    check: bool = True,
    trusted: bool = False,
) -> Completed:
    """Run ``argv`` until it ends and return what it printed.

    ``env`` is added to this process's environment, of which only a ``trusted`` program, which goes to a registry, an
    index or AWS, gets the credentials. Raises `CommandNotFound`, `CommandTimeout` (the whole
    process group is killed), or, when ``check`` is true, `CommandFailed` with the last lines of its output.
    """
    words = tuple(str(word) for word in argv)
    began = time.monotonic()
    process: subprocess.Popen[str] | None = None
    try:
        with interrupts.held():  # until there is a process to kill
            process = _start(words, _environment(env, trusted=trusted), cwd, has_stdin=stdin is not None)
        stdout, stderr = process.communicate(stdin, timeout=timeout_seconds)
    except subprocess.TimeoutExpired as error:
        output = last_lines(*child.kill(process))
        raise CommandTimeout(f"{_name(words)} did not end within {timeout_seconds:g} s.{output}") from error
    except BaseException:
        child.kill(process)
        raise
    done = Completed(words, process.returncode, stdout, stderr, time.monotonic() - began)
    if check and done.exit_code != 0:
        raise CommandFailed(f"{_name(words)} failed with exit code {done.exit_code}.{last_lines(stdout, stderr)}")
    return done


def last_lines(stdout: str, stderr: str) -> str:
    """The end of a tool's output, of its errors if there are any, as text to append to a sentence."""
    lines = [line for line in (stderr.strip() or stdout.strip()).splitlines() if line.strip()]
    return "" if not lines else " It said:\n  " + "\n  ".join(lines[-LAST_LINES:])


def _environment(more: Mapping[str, str] | None, *, trusted: bool) -> dict[str, str]:
    return {**(os.environ if trusted else credentials.environment_without()), **(more or {})}


def _start(
    words: tuple[str, ...], env: Mapping[str, str], cwd: Path | None, *, has_stdin: bool
) -> subprocess.Popen[str]:
    try:
        return child.start(
            words,
            stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=cwd,
            env=env,
        )
    except FileNotFoundError as error:
        raise CommandNotFound(f"{words[0]} is not installed. `sociometer tools install` installs it.") from error


def _name(words: tuple[str, ...]) -> str:
    """The program and its subcommand: enough to recognise the call, without secrets from its arguments."""
    return " ".join([Path(words[0]).name, *(word for word in words[1:3] if not word.startswith("-"))])
