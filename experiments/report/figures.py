"""The rows of a report's smaller tables as texts: the effect over all task counts. Pure.

Like `tables`, made once for the terminal, Markdown and the page; a missing value is an empty text.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.findings import Analysis, Pooled
from experiments.analysis.sentences import interval
from experiments.wording import change, probability
from kit.values import Frozen


class Table(Frozen):
    """A table of texts with its title and what to know to read it; a > before a column's name right-aligns it."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figures(analysis: Analysis) -> tuple[Table, ...]:
    """The tables that have rows."""
    return tuple(table for table in (_pooled(analysis.pooled, analysis.level),) if table.rows)


def _pooled(effects: Sequence[Pooled], level: float) -> Table:
    return Table(
        title="Over all task counts",
        lead="The mean effect over the counts, from blocks that measured each of them. Each doubling: the change of "
        "the form's time against the control's with each doubling of the number of tasks; p is the test that it is "
        "none, corrected for the number of rows. Where counts differ, read each by itself.",
        columns=(
            *("image", "form", "phase", "tasks", ">blocks", ">change", f">{100 * level:g} % interval"),
            *(">each doubling", ">p", "counts"),
        ),
        rows=tuple(
            (
                *(each.variant, each.form, each.phase, ", ".join(f"{count:,}" for count in each.task_counts)),
                *(f"{each.blocks:,}", "" if each.ratio is None else change(each.ratio), interval(each.interval)),
                *("" if each.doubling is None else change(each.doubling), probability(each.agree_p_adjusted)),
                _agreement(each, level),
            )
            for each in effects
        ),
    )


def _agreement(effect: Pooled, level: float) -> str:
    if effect.differs(level):
        return "differ"
    if effect.lost_blocks:
        return "too many failed"
    return "no sign that they differ" if effect.agrees(level) else "cannot tell"
