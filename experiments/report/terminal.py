"""A report as text for people: the verdict, the main comparisons, a table per variant, and notes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.analysis.why import PARTS
from experiments.records.phases import COMPARED_PHASES
from experiments.report.contents import SIMULATED, Contents
from experiments.report.figures import Table as Figure
from experiments.report.tables import ComparisonRow, VariantTables
from kit.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


TEXT_WIDTH = 120
_VERDICT_STYLES = {"faster": "bold cyan", "slower": "bold yellow"}
_LEGEND = (
    "Seconds: the geometric mean of the rounds' medians; below it the fastest and the slowest task. pull: of the "
    "image; start, ready and boot: from the task's creation to its container's start, to when it is ready (its first "
    "HTTP 200, or what --ready says) and to the end of its own boot work. saved: the control's seconds minus the "
    "form's, with the interval. booted: tasks that booted, loaded as their form promises, with the exact 95 % interval "
    "of that share. *: this machine was overloaded in some rounds."
)


def show(contents: Contents, console: Console) -> None:
    """Print the report on a rich console."""
    analysis = contents.analysis
    if analysis.simulated:
        console.print(_literal(f"{SIMULATED}: no figure here is a measurement", "bold reverse"))
    console.print(_literal(analysis.headline, "bold"))
    console.print(_literal(contents.standing, "dim"))
    for variant in contents.tables.variants:
        compared = variant.comparisons_of(variant.primary_phase, "pull")
        if compared:
            console.print(_comparisons(variant.name, compared, contents.tables.level))
        console.print(_treatments(variant))
        if variant.why:
            console.print(_why(variant))
    if analysis.cells:
        console.print(_literal(_LEGEND, "dim"))
    for figure in contents.tables.figures:
        console.print(_figure(figure))
        console.print(_literal(figure.lead, "dim"))
    for explanation in analysis.explanations:
        console.print(_literal(f"Why: {explanation}"))
    for alike in contents.tables.findings:
        for finding in alike.shown:
            console.print(_literal(f"Note: {finding}"))
        if alike.more:
            console.print(_literal(f"Note: {len(alike.more):,} more like these; --format html lists them.", "dim"))
    for line in contents.left_out:
        console.print(_literal(f"Left out: {line}"))
    console.print(_literal(f"Repeat with: {contents.command}", "dim"), soft_wrap=True)


def text(contents: Contents) -> str:
    """The report as plain text."""
    from rich.console import Console

    buffer = io.StringIO()
    show(contents, Console(file=buffer, width=TEXT_WIDTH, color_system=None, markup=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _literal(text: str, style: str = "") -> Text:
    """Text without markup or terminal control codes."""
    from rich.text import Text  # rich is only needed for output

    return Text(visible(text), style=style)


def _comparisons(variant: str, rows: Sequence[ComparisonRow], level: str) -> Table:
    control = rows[0].control
    table = _table(f"{variant}: against {control}")
    for name in (
        "phase",
        ">tasks",
        "form",
        f">{control}",
        ">seconds",
        ">change",
        f">{level} interval",
        ">saved, s",
        ">booted",
        "verdict",
    ):
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for number, row in enumerate(rows, start=1):
        table.add_row(
            *(row.phase, row.tasks, row.form, row.control_seconds, row.seconds, row.change, row.interval or "-"),
            *(_two_lines(row.saved), _two_lines(row.booted)),
            _literal(row.verdict, _VERDICT_STYLES.get(row.judged, "")),
            end_section=number == len(rows) or rows[number].phase != row.phase,
        )
    return table


def _two_lines(figure: str) -> str:
    """A figure with its interval below it."""
    return figure.replace(" (", "\n(")


def _treatments(variant: VariantTables) -> Table:
    table, rows = _table(variant.name), variant.treatments
    table.add_column("tasks", justify="right")
    table.add_column("form")
    table.add_column("rounds", justify="right")
    table.add_column("booted", justify="right")
    for phase in COMPARED_PHASES:
        table.add_column(phase, justify="right")
    table.add_column("outcomes")
    for number, row in enumerate(rows, start=1):
        measured = (row.phases.get(phase) for phase in COMPARED_PHASES)
        table.add_row(
            *(row.tasks, row.form, f"{row.rounds}{'*' if row.overloaded else ''}", row.booted or "-"),
            *("-" if phase is None else f"{phase.seconds}\n{phase.extremes}" for phase in measured),
            "\n".join(row.outcomes) or "-",
            end_section=number == len(rows) or rows[number].form == rows[0].form,
        )
    return table


def _why(variant: VariantTables) -> Table:
    table = _table(f"{variant.name}: what the seconds of its {variant.primary_phase} went into")
    for name in (">tasks", "form", ">seconds", *(f">{part}" for part in PARTS), ">floor", ">times"):
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for number, row in enumerate(variant.why, start=1):
        table.add_row(
            *(row.tasks, row.form, row.seconds),
            *(row.parts.get(part) or "-" for part in PARTS),
            *(row.floor or "-", row.times_floor or "-"),
            end_section=number == len(variant.why) or variant.why[number].tasks != row.tasks,
        )
    return table


def _figure(figure: Figure) -> Table:
    table = _table(figure.title)
    for name in figure.columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for row in figure.rows:
        table.add_row(*(cell or "-" * name.startswith(">") for name, cell in zip(figure.columns, row, strict=True)))
    return table


def _table(heading: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=_literal(f"\n{heading}"),
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )
