"""Put comparisons into words: a sentence for each, verdicts, intervals and shares. Pure."""

from __future__ import annotations

from typing import Protocol

from experiments.analysis.cells import Share
from experiments.analysis.findings import Comparison, Direction, Interval, Verdict
from experiments.records.phases import PHASES
from experiments.wording import change, faster_or_slower, percent, percent_number, plural, seconds_between, tasks

VERDICTS: dict[Verdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "no-difference": "no difference",
    "undecided": "cannot tell yet",
}


class Judged(Protocol):
    """A comparison of forms within a sweep, or of two sweeps."""

    @property
    def verdict(self) -> Verdict:
        """What the data show."""

    @property
    def margin(self) -> float | None:
        """The largest relative difference that the interval allows."""

    @property
    def taken_alone(self) -> Direction | None:
        """What the data would show if this were the only comparison."""

    @property
    def too_many_failed(self) -> str | None:
        """Which side's tasks failed in so many blocks that nothing can be told, in words; None: neither's."""


def sentence(comparison: Comparison) -> str:
    """Return a comparison in words, without a full stop: the verdict, and how certain it is."""
    return f"{_subject(comparison)} {_predicate(comparison)}"


def interval(of_ratio: Interval | None) -> str:
    """Return an interval of a ratio as changes in percent; empty for None."""
    if of_ratio is None:
        return ""
    return f"{change(of_ratio.low).removesuffix(' %')} to {change(of_ratio.high)}"


def saved(comparison: Comparison) -> str:
    """Return the seconds that a form saves, with their interval if there is one: 2.8 (1.9 to 3.7)."""
    of = comparison.saved_interval
    return seconds_between(comparison.saved_seconds, *((of.low, of.high) if of else ()))


def share(of_tasks: Share | None) -> str:
    """Return how many tasks booted, with the exact interval: 22 of 24 (73-99 %); empty for None."""
    if of_tasks is None:
        return ""
    return f"{of_tasks.booted:,} of {of_tasks.tasks:,} ({bounds(of_tasks)})"


def bounds(of_tasks: Share) -> str:
    """Return the exact interval of a share: 73-99 %."""
    return f"{100 * of_tasks.low:.0f}\N{EN DASH}{100 * of_tasks.high:.0f} %"


def verdict(comparison: Judged) -> str:
    """Return a comparison's verdict in a few words, with its margin; `probably` is what it would be as the only one."""
    if comparison.verdict == "no-difference" and comparison.margin is not None:
        return f"no difference above {percent(comparison.margin)}"
    if comparison.verdict == "undecided" and comparison.too_many_failed:
        return comparison.too_many_failed
    if comparison.taken_alone is not None:
        return f"probably {comparison.taken_alone}"
    return VERDICTS[comparison.verdict]


def _subject(comparison: Comparison) -> str:
    return f"{comparison.variant} with {tasks(comparison.task_count)} {PHASES[comparison.phase].verb}"


def _predicate(comparison: Comparison) -> str:
    ratio, against = comparison.ratio, f"as {comparison.form} than {comparison.against}"
    if comparison.interval is None:
        few = f"in {plural(comparison.blocks, 'block')}: too few to tell that from chance"
        return f"{faster_or_slower(ratio)} {against} {few}"
    low, high = comparison.interval.low, comparison.interval.high
    coverage = f"{100 * comparison.interval.level:g} % CI"
    match comparison.verdict:
        case "faster":
            return f"{percent(1 - ratio)} ({coverage} {_between(1 - high, 1 - low)}) faster {against}"
        case "slower":
            return f"{percent(ratio - 1)} ({coverage} {_between(low - 1, high - 1)}) slower {against}"
        case "no-difference":
            limit = f"no difference larger than {percent(comparison.margin or 0)}"
            if comparison.control_variant != comparison.variant:
                return f"as fast as {comparison.against} (as {comparison.form}): {limit}"
            return f"equally fast as {comparison.form} and {comparison.against}: {limit}"
        case "undecided":
            said = f"probably {comparison.taken_alone}" if comparison.taken_alone else "cannot tell yet"
            return f"{_range(low, high)} ({coverage}) {against}: {said}"


def _range(low: float, high: float) -> str:
    if high < 1:
        return f"{_between(1 - high, 1 - low)} faster"
    if low > 1:
        return f"{_between(low - 1, high - 1)} slower"
    return f"between {faster_or_slower(low)} and {faster_or_slower(high)}"


def _between(low: float, high: float) -> str:
    return f"{percent_number(low, like=high)}-{percent(high)}"
