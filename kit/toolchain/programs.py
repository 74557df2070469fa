"""The version of a program on this machine: ask once, and remember the answer while the file is the same."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

from kit.command import run
from kit.documents import object_of
from kit.errors import CommandError, SociometerError
from kit.files import write
from kit.toolchain.pins import Version

ASK_SECONDS = 30
"""Time limit for a program to report its version."""

_QUIET = {"PULUMI_SKIP_UPDATE_CHECK": "true"}


def parse_version(text: str) -> Version | None:
    """The first thing in a program's answer that looks like a version (two or three numbers with dots)."""
    match = re.search(r"(?<![\d.])(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", text)
    return tuple(int(number) for number in match.groups() if number is not None) if match else None


def show_version(version: Version) -> str:
    """A version as people write it."""
    return ".".join(str(number) for number in version)


def version_of(program: Path, arguments: tuple[str, ...], answers: Path) -> Version | None:
    """The version that ``program`` reports; None when it reports none or cannot run.

    ``answers`` is the file of remembered answers, keyed by path, size and time of modification.
    """
    status = program.stat()
    current = [status.st_size, status.st_mtime_ns]
    remembered = _read(answers)
    match remembered.get(str(program)):
        case [size, mtime, *numbers] if [size, mtime] == current:
            return tuple(numbers) or None
    version = _ask(program, arguments)
    _write(answers, {**remembered, str(program): [*current, *(version or ())]})
    return version


def _ask(program: Path, arguments: tuple[str, ...]) -> Version | None:
    try:
        answer = run([program, *arguments], timeout_seconds=ASK_SECONDS, env=_QUIET, check=False)
    except (CommandError, OSError):
        return None  # built for another machine, or it hangs: not usable, whatever its version
    return parse_version(answer.stdout) or parse_version(answer.stderr)


def _read(answers: Path) -> dict[str, Any]:
    try:
        return object_of(answers.read_bytes())
    except (OSError, ValueError):
        return {}  # none yet, or damaged: the programs are asked again


def _write(answers: Path, remembered: dict[str, Any]) -> None:
    # Remembering only saves time; on a full or read-only disk the answer is still right.
    with contextlib.suppress(OSError, SociometerError):
        answers.parent.mkdir(parents=True, exist_ok=True)
        write(answers, json.dumps(remembered))
