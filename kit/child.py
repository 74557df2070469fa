"""How every process of ours is started, and how its end is waited for: never without a limit.

A child leads a session of its own, so that Ctrl-C in the terminal does not reach it and its whole group can be killed,
and it finds every signal at its default, whatever this process was started to ignore.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kit import credentials, interrupts

DEATH_SECONDS = 10.0
"""How long a killed process may take to be gone: the kernel lets it finish what it does on a disk or a mount."""


def start(argv: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
    """Start a child; ``options`` as for `subprocess.Popen`. Unless they say otherwise, it has no input, and of our
    environment nothing that opens something.
    """
    interrupts.for_children()
    options["env"] = credentials.environment_without() if options.get("env") is None else options["env"]
    return subprocess.Popen(argv, **{"stdin": subprocess.DEVNULL, "start_new_session": True, **options})


def kill(process: subprocess.Popen[str] | None) -> tuple[str, str]:
    """Kill a child with its group, if there is one, and return what it printed; what holds its output open longer than
    that is left.
    """
    if process is None:
        return "", ""
    signal_group(process, signal.SIGKILL)
    try:
        return process.communicate(timeout=DEATH_SECONDS)
    except subprocess.TimeoutExpired as error:
        said = tuple(_text(printed) for printed in (error.stdout, error.stderr))
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.poll()  # it has ended all the same
    return said[0], said[1]


def signal_group(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Send a signal to a child and all that it started, and to those that outlived it."""
    with suppress(ProcessLookupError):  # it ended by itself in the meantime
        os.killpg(process.pid, number)


def reap(process: subprocess.Popen[Any]) -> bool:
    """Wait for the end of a child that was told to end; whether it came."""
    try:
        process.communicate(timeout=DEATH_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _text(printed: bytes | str | None) -> str:
    """What a time limit leaves of the output: bytes, even of a child whose output is text."""
    return printed.decode(errors="replace") if isinstance(printed, bytes) else printed or ""
