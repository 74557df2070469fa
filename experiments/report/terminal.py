"""A report as text for people: the verdict, what each form changes, a table per variant, and what to know besides."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments import wording
from experiments.analysis.cells import Cell
from experiments.analysis.findings import Comparison
from experiments.report import tables
from experiments.report.contents import SIMULATED, Contents, left_out_lines, title

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SHOWN_PHASES = ("pull", "start", "ready", "boot")
TEXT_WIDTH = 110
_VERDICT_STYLES = {"faster": "bold cyan", "slower": "bold yellow"}
_LEGEND = (
    "Seconds: median of the tasks, and below it the least and the most. pull: of the image; start, ready and boot "
    "count from the task's creation to its container's start, its first HTTP answer and the end of its own boot work. "
    "A change is that of a form against the control within each block, averaged over the blocks. *: in some "
    "rounds this machine was overloaded."
)


def show(contents: Contents, console: Console) -> None:
    """Print the report on a rich console."""
    analysis = contents.analysis
    if analysis.simulated:
        console.print(_said(f"{SIMULATED}: no figure here is a measurement", "bold reverse"))
    console.print(_said(analysis.headline, "bold"))
    console.print(_said(title(contents.summary), "dim"))
    for variant in tables.variants(analysis):
        for table in _tables_of(contents, variant):
            console.print(table)
    if analysis.cells:
        console.print(_said(_LEGEND, "dim"))
    for alike in tables.findings(analysis):
        for said in alike.shown:
            console.print(_said(f"Note: {said}"))
        if alike.more:
            console.print(_said(f"Note: {len(alike.more):,} more like these; --format html has them.", "dim"))
    for line in left_out_lines(analysis):
        console.print(_said(f"Left out: {line}"))
    console.print(_said(f"Again: {contents.command}", "dim"), soft_wrap=True)


def text(contents: Contents) -> str:
    """The report as plain text."""
    from rich.console import Console

    buffer = io.StringIO()
    show(contents, Console(file=buffer, width=TEXT_WIDTH, color_system=None, markup=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _said(text: str, style: str = "") -> Text:
    """Text that is no markup and commands no terminal."""
    from rich.text import Text  # rich is for output alone

    return Text(wording.visible(text), style=style)


def _tables_of(contents: Contents, variant: str) -> Iterator[Table]:
    """What each form changes in the primary phase and the pull, where there is anything to compare; every treatment."""
    analysis = contents.analysis
    cells = tables.cells(analysis, variant)
    shown = (analysis.primary_phases[variant], "pull")
    compared = [row for row in tables.comparisons(analysis, variant) if row.phase in shown]
    if compared:
        yield _comparisons(variant, compared, tables.level(analysis))
    yield _treatments(variant, cells)


def _comparisons(variant: str, rows: Sequence[Comparison], level: str) -> Table:
    control = rows[0].control
    table = _table(f"{variant}: against {control}")
    for name in ("phase", ">tasks", "form", f">{control}", ">seconds", ">change", f">{level} interval", "verdict"):
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for number, row in enumerate(rows, start=1):
        last = number == len(rows) or rows[number].phase != row.phase
        texts = tables.compared(row)
        table.add_row(
            row.phase,
            f"{row.task_count:,}",
            row.form,
            *(texts.control_seconds, texts.seconds, texts.change, texts.interval or "-"),
            _said(texts.verdict, _VERDICT_STYLES.get(row.verdict, "")),
            end_section=last,
        )
    return table


def _treatments(variant: str, cells: Sequence[Cell]) -> Table:
    table = _table(variant)
    table.add_column("tasks", justify="right")
    table.add_column("form")
    table.add_column("rounds", justify="right")
    for phase in SHOWN_PHASES:
        table.add_column(phase, justify="right")
    table.add_column("outcomes")
    for number, cell in enumerate(cells, start=1):
        last = number == len(cells) or cells[number].form == cells[0].form
        table.add_row(*_cells(cell), end_section=last)
    return table


def _table(heading: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=_said(f"\n{heading}"),
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )


def _cells(cell: Cell) -> Iterator[str]:
    yield f"{cell.task_count:,}"
    yield cell.form
    yield f"{cell.rounds}{'*' if cell.rounds_under_load else ''}"
    for phase in SHOWN_PHASES:
        found = tables.measured(cell.phases.get(phase))
        yield "-" if found is None else f"{found.median}\n{found.extremes}"
    yield "\n".join(f"{count} {outcome}" for outcome, count in sorted(cell.outcomes.items())) or "-"
