"""Shows long steps on standard error: a spinner with the elapsed time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kit.beside import repeating

REMINDER_SECONDS = 60.0
"""How often a log without a terminal is told that a step still goes on."""


class Steps:
    """A `kit.toolchain.install.Progress`: called with what is being done, the step, and how many there are."""

    def __init__(self, console: Console | None = None, reminder_seconds: float = REMINDER_SECONDS) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._reminder_seconds = reminder_seconds

    @contextmanager
    def __call__(self, doing: str, step: int, steps: int) -> Iterator[None]:
        """Show the step for as long as it takes, and at its end how long it took."""
        label = f"[{step}/{steps}] {doing}" if steps else doing
        began = time.monotonic()
        with self._spinner(label) if self._console.is_terminal else self._lines(label, began):
            yield
        self._print(f"{label}: {_elapsed(began)}")

    @contextmanager
    def _spinner(self, label: str) -> Iterator[None]:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(label, total=None)
            yield

    @contextmanager
    def _lines(self, label: str, began: float) -> Iterator[None]:
        self._print(f"{label} …")
        with repeating(self._reminder_seconds, lambda: self._print(f"{label}: {_elapsed(began)} so far")):
            yield

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


def _elapsed(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
