"""Shows long steps on standard error: a spinner with the elapsed time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kit.beside import repeating
from kit.values import Notify

REMINDER_SECONDS = 60.0
"""How often a log without a terminal is told that a step still goes on."""


class Steps:
    """A `kit.toolchain.install.Progress`: called with what is being done, the step, and how many there are."""

    def __init__(self, console: Console | None = None, reminder_seconds: float = REMINDER_SECONDS) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._reminder_seconds = reminder_seconds

    @contextmanager
    def __call__(self, doing: str, step: int, steps: int) -> Iterator[Notify]:
        """Show the step for as long as it takes, and at its end how long it took and what was noted last.

        Gives what to call with how far it is.
        """
        label = f"[{step}/{steps}] {doing}" if steps else doing
        began = time.monotonic()
        noted = ""

        def note(line: str) -> None:
            nonlocal noted
            noted = f", {line}"
            show(f"{label}{noted}")

        with (
            self._spinner(label)
            if self._console.is_terminal
            else self._lines(lambda so_far: f"{label}: {_elapsed(began)}{so_far}{noted}", label) as show
        ):
            yield note
        self._print(f"{label}: {_elapsed(began)}{noted}")

    @contextmanager
    def _spinner(self, label: str) -> Iterator[Notify]:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(label, total=None)
            yield lambda line: progress.update(task, description=line)

    @contextmanager
    def _lines(self, line: Callable[[str], str], label: str) -> Iterator[Notify]:
        self._print(f"{label} …")
        with repeating(self._reminder_seconds, lambda: self._print(line(" so far"))):
            yield lambda _line: None

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


def _elapsed(began: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
