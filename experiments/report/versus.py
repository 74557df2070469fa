"""A comparison of two sweeps for people, for the terminal or as Markdown: a table and its limits."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.sentences import interval, share, verdict
from experiments.compare import gate
from experiments.compare.versus import Change, Versus
from experiments.report.markdown import escaped, table
from experiments.wording import change, percent, probability, seconds, visible

if TYPE_CHECKING:
    from rich.console import Console

TEXT_WIDTH = 120
COLUMNS = (
    *("variant", ">tasks", "form", "phase", ">before", ">after", ">change", ">95 % interval", ">p", ">could catch"),
    "verdict",
)
BOOTED = ("variant", ">tasks", "form", ">booted before", ">booted after", "")
_UNITS = {
    "seconds": "seconds; the geometric mean of the rounds' medians",
    "ratio-to-plain": "duration ÷ plain's duration in the same block, averaged likewise",
}


def show(versus: Versus, console: Console) -> None:
    """Print the comparison on a rich console."""
    from rich.table import Table  # rich is only needed for output
    from rich.text import Text

    console.print(Text(title(versus), style="bold"))
    for columns, lines in ((COLUMNS, rows(versus)), (BOOTED, booted(versus))):
        grid = Table(box=None, pad_edge=False)
        for name in columns:
            grid.add_column(
                name.removeprefix(">"), justify="right" if name.startswith(">") else "left", no_wrap=name == "form"
            )
        for cells in lines:
            grid.add_row(*(Text(cell) for cell in cells))
        if grid.row_count:
            console.print(grid)
            console.print()
    for note in notes(versus):
        console.print(Text(note, style="dim"))


def text(versus: Versus) -> str:
    """The comparison as plain text."""
    from rich.console import Console

    buffer = io.StringIO()
    show(versus, Console(file=buffer, width=TEXT_WIDTH, color_system=None))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def markdown(versus: Versus) -> str:
    """The comparison as Markdown for a pull request."""
    lines = [f"**{escaped(title(versus))}**", "", *table(COLUMNS, rows(versus)), "", *table(BOOTED, booted(versus))]
    return "\n".join([*lines, "", *(f"{escaped(note)}  " for note in notes(versus))]) + "\n"


def title(versus: Versus) -> str:
    """Which sweeps are compared, and on which target."""
    mark = "SIMULATED, not measured: " if versus.simulated else ""
    return visible(f"{mark}{versus.before} (before) against {versus.after} (after), target {versus.target}")


def rows(versus: Versus) -> Iterator[tuple[str, ...]]:
    """One row per change, with the cells of `COLUMNS`."""
    for each in versus.changes:
        form = f"{each.form}, as deployed" if each.as_deployed else each.form
        place = (visible(each.variant), str(each.task_count), visible(form), each.phase)
        yield (*place, seconds(each.before), seconds(each.after), change(each.ratio), *_certainty(each))


def booted(versus: Versus) -> Iterator[tuple[str, ...]]:
    """One row per treatment: how many of its tasks booted as promised, with the cells of `BOOTED`."""
    for each in versus.booting:
        place = (visible(each.variant), str(each.task_count), visible(each.form))
        yield (*place, share(each.before), share(each.after), "fewer, beyond chance" if each.less else "")


def notes(versus: Versus) -> Iterator[str]:
    """What a reader of the table must know."""
    yield from map(visible, _notes(versus))


def _notes(versus: Versus) -> Iterator[str]:
    yield f"before and after: {_UNITS[versus.measure]}. change: from before to after."
    yield "p: Welch's t test, corrected for all rows. From 8 blocks in all, verdicts must also pass a permutation test."
    yield gate.reach(versus)
    yield (
        "booted: tasks that booted as their form promises, with the exact 95 % interval. A task that never booted "
        "counts as slower than every other of its round."
    )
    yield "Sweeps from two days can differ because of the day. Confirm a change that matters with a second pair."
    if versus.lost:
        yield f"Warning: measured before but without a round that has a figure after: {', '.join(versus.lost)}."
    yield from (f"Warning: {warning}" for warning in (*versus.unfinished, *versus.warnings))
    for aspect, lines in versus.differing.items():
        yield f"Differs in {aspect}: {'; '.join(lines)}"


def _certainty(each: Change) -> Sequence[str]:
    if each.interval is None:
        return ("-", "-", "-", f"too few blocks: {each.blocks_before} and {each.blocks_after}, not 3")
    could_catch = "" if each.could_catch is None else f"+{percent(each.could_catch)}"
    return (interval(each.interval), probability(each.p_adjusted), could_catch, verdict(each))
