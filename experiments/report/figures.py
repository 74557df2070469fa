"""The rows of a report's smaller tables as texts: the effect over all task counts, the slowest tasks, the bill.
Pure.

Like `tables`, made once for the terminal, Markdown and the page; a missing value is an empty text.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.findings import Analysis, Bill, Interval, Pooled, Saving, Tail
from experiments.analysis.sentences import interval
from experiments.forecast.prices import no_price
from experiments.wording import change, dollars_between, plural, probability, seconds, seconds_between
from kit.values import Frozen

_TAILS = {"all": "all", "p95": "95 %", "p95-of-all": "95 %"}


class Table(Frozen):
    """A table of texts with its title and what to know to read it; a > before a column's name right-aligns it."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figures(analysis: Analysis) -> tuple[Table, ...]:
    """The tables that have rows."""
    level = analysis.level
    every = (_pooled(analysis.pooled, level), _tails(analysis.tails, level), _bill(analysis.bill))
    return tuple(table for table in every if table is not None and table.rows)


def _pooled(effects: Sequence[Pooled], level: float) -> Table:
    return Table(
        title="Over all task counts",
        lead="The mean effect over the counts, from blocks that measured each of them. Each doubling: the change of "
        "the form's time against the control's with each doubling of the number of tasks; p is the test that it is "
        "none, corrected for the number of rows. Where counts differ, read each by itself.",
        columns=(
            *("image", "form", "against", "phase", "tasks", ">blocks", ">change", f">{100 * level:g} % interval"),
            *(">each doubling", ">p", "counts"),
        ),
        rows=tuple(
            (
                *(
                    each.variant,
                    each.form,
                    each.against,
                    each.phase,
                    ", ".join(f"{count:,}" for count in each.task_counts),
                ),
                *(f"{each.blocks:,}", "" if each.ratio is None else change(each.ratio), interval(each.interval)),
                *("" if each.doubling is None else change(each.doubling), probability(each.agree_p_adjusted)),
                _agreement(each, level),
            )
            for each in effects
        ),
    )


def _tails(tails: Sequence[Tail], level: float) -> Table:
    return Table(
        title="The slowest tasks",
        lead="All: from the round's request to its last task. 95 %: the time in which 95 of 100 tasks get there; "
        "of a round, or, where rounds have fewer than 20 tasks, of all tasks together, without an interval. Both count "
        "every task, however it was loaded. They describe, and have no verdict.",
        columns=(
            *("image", ">tasks", "form", "phase", "until", ">rounds", ">seconds", f">{100 * level:g} % interval"),
            *(">change", f">{100 * level:g} % interval", "against", "note"),
        ),
        rows=tuple(
            (
                *(each.variant, f"{each.task_count:,}", each.form, each.phase, _TAILS[each.of], f"{each.rounds:,}"),
                *("" if each.seconds is None else seconds(each.seconds), _seconds(each.interval)),
                *("" if each.ratio is None else change(each.ratio), interval(each.ratio_interval)),
                *(each.against or "", _missing(each)),
            )
            for each in tails
        ),
    )


def _seconds(of: Interval | None) -> str:
    return "" if of is None else f"{seconds(of.low)} to {seconds(of.high)}"


def _missing(tail: Tail) -> str:
    if tail.seconds is None:
        return f"a task never got there in {tail.lost_rounds} of {plural(tail.rounds, 'round')}"
    return f"of {plural(tail.tasks, 'task')}" if tail.of == "p95-of-all" else ""


def _bill(bill: Bill | None) -> Table | None:
    if bill is None:
        return None
    return Table(
        title="What the seconds are worth on Fargate",
        lead="Billed seconds: from the start of the image pull, where Fargate's bill begins, to the end of the phase. "
        f"Saved: the control's minus the form's, with the interval, for tasks that run for a minute or longer; shorter "
        f"ones cost the same in every form. {_price(bill)}",
        columns=(
            "image",
            ">tasks",
            "form",
            "against",
            "phase",
            ">blocks",
            ">billed seconds saved",
            ">USD saved by 1,000 starts",
        ),
        rows=tuple(
            (
                *(each.variant, f"{each.task_count:,}", each.form, each.against, each.phase, f"{each.blocks:,}"),
                *(seconds_between(each.seconds, *_ends(each.interval)), _usd(each)),
            )
            for each in bill.savings
        ),
    )


def _price(bill: Bill) -> str:
    if bill.usd_per_second is None:
        return no_price(bill.region)
    return (
        f"A task of {bill.vcpu:g} vCPU and {bill.memory_gb:g} GB ({bill.architecture}) in {bill.region} costs "
        f"{bill.usd_per_second:.8f} USD a second (AWS Price List, published {bill.published} or later, on demand)."
    )


def _usd(saving: Saving) -> str:
    return "" if saving.usd is None else dollars_between(saving.usd, *_ends(saving.usd_interval))


def _ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.low, interval.high)


def _agreement(effect: Pooled, level: float) -> str:
    if effect.differs(level):
        return "differ"
    if effect.lost_blocks:
        return "too many failed"
    return "no sign that they differ" if effect.agrees(level) else "cannot tell"
