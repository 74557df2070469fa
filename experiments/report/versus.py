"""A comparison of two sweeps for people: a table for the terminal, the same as Markdown, and what limits it."""

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
_UNITS = {"seconds": "seconds, medians of rounds", "ratio-to-plain": "duration ÷ that of plain in the same block"}


def show(found: Versus, console: Console) -> None:
    """Print it on a rich console."""
    from rich.table import Table  # rich is for output alone
    from rich.text import Text

    console.print(Text(title(found), style="bold"))
    grid = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        grid.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left")
    for cells in rows(found):
        grid.add_row(*(Text(cell) for cell in cells))
    console.print(grid)
    for note in notes(found):
        console.print(Text(note, style="dim"))


def text(found: Versus) -> str:
    """As plain text."""
    from rich.console import Console

    buffer = io.StringIO()
    show(found, Console(file=buffer, width=TEXT_WIDTH, color_system=None))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def markdown(found: Versus) -> str:
    """For a pull request."""
    lines = [f"**{escaped(title(found))}**", "", *table(COLUMNS, rows(found))]
    return "\n".join([*lines, "", *(f"{escaped(note)}  " for note in notes(found))]) + "\n"


def title(found: Versus) -> str:
    """Which sweeps, and on what."""
    mark = "SIMULATED, no measurement: " if found.simulated else ""
    return visible(f"{mark}{found.before} (before) against {found.after} (after), target {found.target}")


def rows(found: Versus) -> Iterator[tuple[str, ...]]:
    """A row per change, with the cells of `COLUMNS`."""
    for one in found.changes:
        place = (visible(one.variant), str(one.task_count), visible(one.form), one.phase)
        yield (*place, seconds(one.before), seconds(one.after), change(one.ratio), *_certainty(one))


def notes(found: Versus) -> Iterator[str]:
    """What must be known to read the table."""
    yield from map(visible, _notes(found))


def _notes(found: Versus) -> Iterator[str]:
    yield f"before and after: {_UNITS[found.measure]}. change: of the geometric means over the blocks."
    yield "p: Welch's t test, corrected for all rows; from 8 blocks in all on a verdict needs the permutation test too."
    yield "Sweeps of two days can differ by the day: a change that matters is worth a second pair."
    if found.lost:
        yield f"Warning: measured before and not after, without one complete round: {', '.join(found.lost)}."
    yield from (f"Warning: {warning}" for warning in (*found.unfinished, *found.warnings))
    for aspect, lines in found.differing.items():
        yield f"Differs in {aspect}: {'; '.join(lines)}"


def _certainty(one: Change) -> Sequence[str]:
    if one.interval is None:
        return ("-", "-", f"undecided: {one.blocks_before} and {one.blocks_after} blocks")
    return (interval(one.interval), probability(one.p_adjusted), verdict(one))
