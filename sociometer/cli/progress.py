"""How a sweep and a stack's making are shown on standard error: a bar on a terminal, a line per phase elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from experiments.plan.plan import Look
from experiments.sweep import Listener, Progress


@contextmanager
def sweep_progress() -> Iterator[Listener]:
    """A listener for a sweep."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Lines()
        return
    columns = (
        *(TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), MofNCompleteColumn()),
        *(TimeElapsedColumn(), _TimeLeft()),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Bar(bars)


def say(line: str) -> None:
    """One line for whoever watches, apart from the result on standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Lines:
    """One line per phase."""

    def __init__(self, write: Callable[[str], None] = say) -> None:
        self._write = write

    def __call__(self, progress: Progress) -> None:
        """Write how far the sweep is."""
        left = clock(progress.seconds_left)
        self._write(
            f"[{progress.rounds_done + 1}/{progress.rounds_total}] {describe(progress)}: {progress.phase}, {left} left"
        )


def describe(progress: Progress) -> str:
    """The round in a few words."""
    round_ = progress.round
    again = f", attempt {progress.attempt}" if progress.attempt > 1 else ""
    narrow = f" ({_width(progress.look)})" if progress.look else ""
    return f"block {round_.block + 1}{narrow}, {round_.variant} {round_.form} x{round_.task_count}{again}"


def _width(look: Look) -> str:
    """How narrow the intervals are by now."""
    widest = "?" if look.widest is None else f"{look.widest:.1%}"
    return f"within {widest}, wanted {look.wanted:.1%}"


def clock(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=max(0, round(seconds))))


class _Bar:
    """Moves one bar through the rounds; the time left counts down within a round."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("preparing", total=None)

    def __call__(self, progress: Progress) -> None:
        self._bars.update(
            self._task,
            description=f"{describe(progress)}: {progress.phase}",
            completed=progress.rounds_done,
            total=progress.rounds_total,
            ends=(self._bars.get_time() + progress.seconds_left) if progress.phase == "starting" else self._ends(),
        )

    def _ends(self) -> float | None:
        ends: float | None = self._bars.tasks[0].fields.get("ends")
        return ends


class _TimeLeft(ProgressColumn):
    """What the sweep's own estimate says, counted down; rich's would be blind to how unlike rounds are."""

    def render(self, task: Task) -> Text:
        ends = task.fields.get("ends")
        return Text("" if ends is None else f"{clock(ends - task.get_time())} left")
