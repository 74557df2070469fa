"""A summary as text for people: a sentence per comparison, a table per variant, and the notes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sociometer.experiments.origin import NOT_MEASURED
from sociometer.experiments.summary import Cell, Spread, Summary
from sociometer.infra.outputs import CONTROL

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHOWN_PHASES = ("pull", "start", "ready", "boot")
TEXT_WIDTH = 110


def show(summary: Summary, console: Console) -> None:
    """Print the report on a rich console."""
    from rich.text import Text  # rich is for output alone

    console.print(Text(title(summary), style="bold"))
    for sentence in comparisons(summary):
        console.print(Text(f"  {sentence}"))
    for variant in dict.fromkeys(cell.variant for cell in summary.cells):
        console.print(_table(variant, [cell for cell in summary.cells if cell.variant == variant]))
    console.print(Text(_LEGEND, style="dim"))
    for note in summary.notes:
        console.print(Text(f"Note: {note}"))


def text(summary: Summary) -> str:
    """The report as plain text."""
    from rich.console import Console

    buffer = io.StringIO()
    show(summary, Console(file=buffer, width=TEXT_WIDTH, color_system=None, markup=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def comparisons(summary: Summary) -> Iterator[str]:
    """One sentence per form and variant against `plain`, at every task count where both were measured."""
    for cell in summary.cells:
        control = _control(summary, cell)
        if control is None or not {"pull", "boot"} <= cell.phases.keys() & control.phases.keys():
            continue
        tasks = "1 task" if cell.task_count == 1 else f"{cell.task_count} tasks"
        yield (
            f"{cell.variant}, {tasks}: {cell.form} pulls in {_against(cell, control, 'pull')} "
            f"and boots in {_against(cell, control, 'boot')}."
        )


_LEGEND = (
    "Seconds: median of the tasks, its change against plain, and below it the least and the most. pull: of the image; "
    "start, ready and boot count from the task's creation to its container's start, its first HTTP answer and the end "
    "of its own boot work."
)


def seconds(value: float) -> str:
    """A duration with about three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def change(ratio: float) -> str:
    """A ratio as a change in percent: 0.54 is -46 %."""
    return f"{(ratio - 1) * 100:+.0f} %"


def title(summary: Summary) -> str:
    """What sweep it is, and how far it came; of a simulation, that no figure of it is a measurement."""
    marked = "SIMULATED, no measurements: " if summary.target in NOT_MEASURED else ""
    return (
        f"{marked}Sweep {summary.sweep_id} ({summary.status}): plan {summary.plan}, seed {summary.seed}, target "
        f"{summary.target}, {summary.rounds_complete} of {summary.rounds_planned} rounds complete"
    )


def _control(summary: Summary, cell: Cell) -> Cell | None:
    if cell.form == CONTROL:
        return None
    place = (cell.variant, cell.task_count, CONTROL)
    return next((other for other in summary.cells if (other.variant, other.task_count, other.form) == place), None)


def _against(cell: Cell, control: Cell, phase: str) -> str:
    own, base = cell.phases[phase], control.phases[phase]
    changed = "" if own.ratio_to_plain is None else f" ({change(own.ratio_to_plain)})"
    return f"{seconds(own.median_seconds)} s instead of {seconds(base.median_seconds)} s{changed}"


def _table(variant: str, cells: Sequence[Cell]) -> Table:
    from rich.table import Table

    table = Table(title=variant, title_justify="left", title_style="bold")
    table.add_column("tasks", justify="right")
    table.add_column("form")
    table.add_column("rounds", justify="right")
    for phase in SHOWN_PHASES:
        table.add_column(phase, justify="right")
    table.add_column("outcomes")
    for cell in cells:
        table.add_row(
            *_cells(cell), end_section=cell is cells[-1] or cells[cells.index(cell) + 1].form == cells[0].form
        )
    return table


def _cells(cell: Cell) -> Iterator[str]:
    yield str(cell.task_count)
    yield cell.form
    yield f"{cell.rounds}{'*' if cell.rounds_under_load else ''}"
    for phase in SHOWN_PHASES:
        yield _phase(cell.phases.get(phase))
    yield "\n".join(f"{count} {outcome}" for outcome, count in sorted(cell.outcomes.items())) or "-"


def _phase(sample: Spread | None) -> str:
    if sample is None:
        return "-"
    changed = "" if sample.ratio_to_plain is None else f"  {change(sample.ratio_to_plain)}"
    return f"{seconds(sample.median_seconds)}{changed}\n{seconds(sample.least_seconds)}-{seconds(sample.most_seconds)}"
