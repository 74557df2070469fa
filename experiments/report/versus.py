"""A comparison of two sweeps for people, for the terminal or as Markdown: a table and its limits."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.sentences import interval, verdict
from experiments.compare.versus import Change, Versus
from experiments.report.markdown import escaped, table
from experiments.wording import change, probability, seconds, visible

if TYPE_CHECKING:
    from rich.console import Console

TEXT_WIDTH = 120
COLUMNS = ("variant", ">tasks", "form", "phase", ">before", ">after", ">change", ">95 % interval", ">p", "verdict")
_UNITS = {
    "seconds": "seconds; the median of each round, averaged over the blocks (on a logarithmic scale)",
    "ratio-to-plain": "duration ÷ plain's duration in the same block, averaged likewise",
}


def show(versus: Versus, console: Console) -> None:
    """Print the comparison on a rich console."""
    from rich.table import Table  # rich is only needed for output
    from rich.text import Text

    console.print(Text(title(versus), style="bold"))
    grid = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        grid.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for cells in rows(versus):
        grid.add_row(*(Text(cell) for cell in cells))
    console.print(grid)
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
    lines = [f"**{escaped(title(versus))}**", "", *table(COLUMNS, rows(versus))]
    return "\n".join([*lines, "", *(f"{escaped(note)}  " for note in notes(versus))]) + "\n"


def title(versus: Versus) -> str:
    """Which sweeps are compared, and on which target."""
    mark = "SIMULATED, not measured: " if versus.simulated else ""
    return visible(f"{mark}{versus.before} (before) against {versus.after} (after), target {versus.target}")


def rows(versus: Versus) -> Iterator[tuple[str, ...]]:
    """One row per change, with the cells of `COLUMNS`."""
    for each in versus.changes:
        place = (visible(each.variant), str(each.task_count), visible(each.form), each.phase)
        yield (*place, seconds(each.before), seconds(each.after), change(each.ratio), *_certainty(each))


def notes(versus: Versus) -> Iterator[str]:
    """What a reader of the table must know."""
    yield from map(visible, _notes(versus))


def _notes(versus: Versus) -> Iterator[str]:
    yield f"before and after: {_UNITS[versus.measure]}. change: from before to after."
    yield "p: Welch's t test, corrected for all rows. From 8 blocks in all, verdicts must also pass a permutation test."
    yield "Sweeps from two days can differ because of the day. Confirm a change that matters with a second pair."
    if versus.lost:
        yield f"Warning: measured before but without a complete round after: {', '.join(versus.lost)}."
    yield from (f"Warning: {warning}" for warning in (*versus.unfinished, *versus.warnings))
    for aspect, lines in versus.differing.items():
        yield f"Differs in {aspect}: {'; '.join(lines)}"


def _certainty(each: Change) -> Sequence[str]:
    if each.interval is None:
        return ("-", "-", f"undecided: {each.blocks_before} and {each.blocks_after} blocks")
    return (interval(each.interval), probability(each.p_adjusted), verdict(each))
