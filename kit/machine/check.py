"""The result of one check, and how a check tries the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.command import run
from kit.credentials import hidden
from kit.errors import CommandError

State = Literal["ok", "warning", "failure"]

TRY_SECONDS = 30
"""Time limit of one attempt; one that works takes milliseconds."""


@dataclass(frozen=True)
class Check:
    """What was checked, what was found, and, unless that is ok, what it means and what to do about it."""

    name: str
    state: State
    found: str
    meaning: str = ""
    advice: str = ""


def complaint(argv: Sequence[str | Path]) -> str | None:
    """Run a command to see whether it works here; return None if it does, else the last line of its output."""
    try:
        done = run(argv, timeout_seconds=TRY_SECONDS, check=False)
    except CommandError as error:
        return str(error)
    if done.exit_code == 0:
        return None
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return hidden(lines[-1]) if lines else f"{Path(argv[0]).name} failed with exit code {done.exit_code}"
