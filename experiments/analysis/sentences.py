"""Put an analysis into words: the headline, a sentence per comparison, verdicts and intervals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from experiments.analysis.cells import Share
from experiments.analysis.findings import Comparison, Direction, Interval, Verdict
from experiments.plan.plan import Design
from experiments.records.phases import PHASES
from experiments.wording import change, faster_or_slower, percent, percent_number, plural, tasks
from infra.outputs import CONTROL

VERDICTS: dict[Verdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "no-difference": "no difference",
    "undecided": "not enough data",
}
MOST_IN_HEADLINE = 4


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


def headline(comparisons: Sequence[Comparison], primary_phases: Mapping[str, str], design: Design) -> str:
    """Return the verdict in one sentence: each variant and form at its smallest task count, in the primary phase."""
    leading = _leading(comparisons, primary_phases)
    if not leading:
        return _nothing_to_say(design)
    shown = leading[:MOST_IN_HEADLINE]
    subjects: dict[str, list[str]] = {}
    for comparison in shown:
        subjects.setdefault(_subject(comparison), []).append(_predicate(comparison))
    clauses = "; ".join(f"{subject} {', and '.join(predicates)}" for subject, predicates in subjects.items())
    more = len(leading) - MOST_IN_HEADLINE
    return f"{clauses}{f'; and {more} more below' if more > 0 else ''}.{_by_chance(shown, len(comparisons))}"


def sentence(comparison: Comparison) -> str:
    """Return a comparison in words, without a full stop: the verdict, and how certain it is."""
    return f"{_subject(comparison)} {_predicate(comparison)}"


def interval(of_ratio: Interval | None) -> str:
    """Return an interval of a ratio as changes in percent; empty for None."""
    if of_ratio is None:
        return ""
    return f"{change(of_ratio.low).removesuffix(' %')} to {change(of_ratio.high)}"


def share(of_tasks: Share | None) -> str:
    """Return how many tasks booted, with the exact interval: 22 of 24 (73-99 %); empty for None."""
    if of_tasks is None:
        return ""
    low, high = (f"{100 * end:.0f}" for end in (of_tasks.low, of_tasks.high))
    return f"{of_tasks.booted:,} of {of_tasks.tasks:,} ({low}\N{EN DASH}{high} %)"


def verdict(comparison: Judged) -> str:
    """Return a comparison's verdict, with its margin, or with the verdict it would have as the only comparison."""
    if comparison.verdict == "no-difference" and comparison.margin is not None:
        return f"no difference above {percent(comparison.margin)}"
    if comparison.taken_alone is not None:
        return f"{VERDICTS[comparison.verdict]} (alone: {comparison.taken_alone})"
    return VERDICTS[comparison.verdict]


def _subject(comparison: Comparison) -> str:
    return f"{comparison.variant} with {tasks(comparison.task_count)} {PHASES[comparison.phase].verb}"


def _predicate(comparison: Comparison) -> str:
    ratio, against = comparison.ratio, f"as {comparison.form} than {comparison.control}"
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
            return f"equally fast as {comparison.form} and {comparison.control}: {limit}"
        case "undecided":
            alone = f", {comparison.taken_alone} if taken alone" if comparison.taken_alone else ""
            return f"{_range(low, high)} ({coverage}) {against}: undecided{alone}"


def _range(low: float, high: float) -> str:
    if high < 1:
        return f"{_between(1 - high, 1 - low)} faster"
    if low > 1:
        return f"{_between(low - 1, high - 1)} slower"
    return f"between {faster_or_slower(low)} and {faster_or_slower(high)}"


def _between(low: float, high: float) -> str:
    return f"{percent_number(low, like=high)}-{percent(high)}"


def _by_chance(shown: Sequence[Comparison], compared: int) -> str:
    """What "taken alone" leaves open; empty when no comparison shown says that."""
    levels = [each.interval.level for each in shown if each.taken_alone is not None and each.interval is not None]
    if not levels:
        return ""
    expected = max(1, round((1 - levels[0]) * compared))
    return f" Taken alone, about {expected} of {compared} comparisons would look different even if none were."


def _leading(comparisons: Sequence[Comparison], primary_phases: Mapping[str, str]) -> list[Comparison]:
    leading: dict[tuple[str, str], Comparison] = {}
    for comparison in sorted(comparisons, key=lambda each: each.task_count):
        if comparison.phase == primary_phases[comparison.variant]:
            leading.setdefault((comparison.variant, comparison.form), comparison)
    return list(leading.values())


def _nothing_to_say(design: Design) -> str:
    if CONTROL not in design.forms:
        return f"Nothing can be compared: the plan has no {CONTROL!r} form."
    if len(design.forms) == 1:
        return f"Nothing can be compared: the plan has no form but {CONTROL!r}."
    return "Nothing can be concluded: no block measured both a form and the control."
