"""A comparison of two sweeps, or within one, for people, for the terminal or as Markdown: a table and its limits."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.sentences import interval, share, verdict
from experiments.compare import gate
from experiments.compare.versus import Change, Versus
from experiments.report.markdown import escaped, table
from experiments.wording import change, percent, probability, seconds
from kit.visible import visible

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
    "ratio-to-control": "duration ÷ the control's duration in the same block, averaged likewise",
}


def show(versus: Versus, console: Console) -> None:
    """Print the comparison on a rich console."""
    from rich.table import Table  # rich is only needed for output
    from rich.text import Text

    console.print(Text(title(versus), style="bold"))
    for names, lines in ((COLUMNS, rows(versus)), (BOOTED, booted(versus))):
        grid = Table(box=None, pad_edge=False)
        for name in named(names, versus):
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
    lines = [f"**{escaped(title(versus))}**", "", *tables(versus)]
    return "\n".join([*lines, "", *(f"{escaped(note)}  " for note in notes(versus))]) + "\n"


def tables(versus: Versus) -> Iterator[str]:
    """The lines of its tables as Markdown."""
    yield from table(named(COLUMNS, versus), rows(versus))
    yield ""
    yield from table(named(BOOTED, versus), booted(versus))


def named(columns: Sequence[str], versus: Versus) -> list[str]:
    """The names of columns; within one sweep `before` is the control, and `after` what is compared with it."""
    if versus.control is None:
        return list(columns)
    names = {
        ">before": f">{versus.control}",
        ">after": ">seconds",
        ">booted before": f">{versus.control} booted",
        ">booted after": ">booted",
    }
    return [visible(names.get(name, name)) for name in columns]


def title(versus: Versus) -> str:
    """Which sweeps are compared, and on which target."""
    mark = "SIMULATED, not measured: " if versus.simulated else ""
    if versus.control is not None:
        return visible(f"{mark}{versus.after}, against {versus.control} within this sweep, target {versus.target}")
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
    if versus.control is None:
        yield f"before and after: {_UNITS[versus.measure]}. change: from before to after."
        yield (
            "p: Welch's t test, corrected for all rows. From 8 blocks in all, verdicts must also pass a permutation "
            "test."
        )
    else:
        yield f"Columns of times: {_UNITS[versus.measure]}. change: from {versus.control}, in the same blocks."
        yield "p: t test, corrected for all rows. From 6 blocks on, verdicts must also pass a permutation test."
    yield gate.reach(versus)
    yield (
        "booted: tasks that booted as their form promises, with the exact 95 % interval. A task that never booted "
        "counts as slower than every other of its round."
    )
    if versus.control is None:
        yield _between(versus)
    if versus.lost:
        yield f"Warning: without a round that has a figure: {', '.join(versus.lost)}."
    yield from (f"Warning: {warning}" for warning in (*versus.unfinished, *versus.warnings))
    for aspect, lines in versus.differing.items():
        yield f"Differs in {aspect}: {'; '.join(lines)}"


def _between(versus: Versus) -> str:
    """What the intervals say of the difference from one sweep to the next."""
    known = [each for each in versus.changes if each.primary and each.between_sweeps is not None]
    if not known:
        return f"{gate.WITHIN_TWO} {gate.IN_ONE}" if versus.differing.keys() <= {"image"} else gate.WITHIN_TWO
    widest = max(known, key=lambda each: each.between_sweeps or 0)
    return (
        f"By {widest.sweeps} sweeps of the same images, sweeps differ by up to {percent(widest.between_sweeps or 0)} "
        f"({widest.variant} {widest.form}, {widest.phase}) without any change. Intervals, p and verdicts include that."
    )


def _certainty(each: Change) -> Sequence[str]:
    if each.interval is None:
        return ("-", "-", "-", f"too few blocks: {each.blocks_before} and {each.blocks_after}, not 3")
    could_catch = "" if each.could_catch is None else f"+{percent(each.could_catch)}"
    return (interval(each.interval), probability(each.p_adjusted), could_catch, verdict(each))
