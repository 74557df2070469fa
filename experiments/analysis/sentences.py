"""What an analysis says in words: the headline, and one sentence per comparison. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from experiments import wording
from experiments.analysis.effects import primary_phase
from experiments.analysis.findings import Comparison, Direction, Interval, Verdict
from experiments.plan.plan import Design
from experiments.wording import _digits, percent, share, tasks_of
from infra.outputs import CONTROL

VERBS = {"connect": "connects", "pull": "pulls", "start": "starts", "ready": "is ready", "boot": "boots"}
MOST_IN_HEADLINE = 4


def headline(comparisons: Sequence[Comparison], design: Design) -> str:
    """The verdict in one sentence: each variant and form at its smallest task count, in the phase that matters most."""
    chosen = _leading(comparisons)
    if not chosen:
        return _nothing_to_say(design)
    shown = chosen[:MOST_IN_HEADLINE]
    subjects: dict[str, list[str]] = {}
    for one in shown:
        subjects.setdefault(_subject(one), []).append(_predicate(one))
    said = "; ".join(f"{subject} {', and '.join(predicates)}" for subject, predicates in subjects.items())
    more = len(chosen) - MOST_IN_HEADLINE
    return f"{said}{f'; and {more} more below' if more > 0 else ''}.{_by_chance(shown, len(comparisons))}"


def sentence(one: Comparison) -> str:
    """A comparison in words, without a full stop: what the verdict is, and how sure."""
    return f"{_subject(one)} {_predicate(one)}"


def _subject(one: Comparison) -> str:
    return f"{one.variant} with {tasks_of(one.task_count)} {VERBS[one.phase]}"


def _predicate(one: Comparison) -> str:
    against = f"as {one.form} than {one.control}"
    if one.interval is None:
        few = f"in {one.blocks} {'block' if one.blocks == 1 else 'blocks'}: too few to tell that from chance"
        return f"{change(one.ratio)} {against} {few}"
    low, high = one.interval.low, one.interval.high
    sure = f"{100 * one.interval.level:g} % CI"
    match one.verdict:
        case "faster":
            return f"{percent(1 - one.ratio)} ({sure} {_between(1 - high, 1 - low)}) faster {against}"
        case "slower":
            return f"{percent(one.ratio - 1)} ({sure} {_between(low - 1, high - 1)}) slower {against}"
        case "no-difference":
            none = f"no difference larger than {percent(one.margin or 0)}"
            return f"equally fast as {one.form} and {one.control}: {none}"
        case "undecided":
            return f"{_range(low, high)} ({sure}) {against}: undecided{_alone(one)}"


def _range(low: float, high: float) -> str:
    if high < 1:
        return f"{_between(1 - high, 1 - low)} faster"
    return f"{_between(low - 1, high - 1)} slower" if low > 1 else f"between {change(low)} and {change(high)}"


def _alone(one: Comparison) -> str:
    return f", {one.taken_alone} if taken alone" if one.taken_alone else ""


def change(ratio: float) -> str:
    """A ratio of durations in words: 0.81 is 19 % faster."""
    return f"{percent(1 - ratio)} faster" if ratio < 1 else f"{percent(ratio - 1)} slower"


def _between(low: float, high: float) -> str:
    return f"{100 * low:.{_digits(high)}f}-{100 * high:.{_digits(high)}f} %"


def _by_chance(shown: Sequence[Comparison], compared: int) -> str:
    """What "taken alone" leaves open; nothing where nothing is said so."""
    alone = [one.interval.level for one in shown if one.taken_alone is not None and one.interval is not None]
    if not alone:
        return ""
    expected = max(1, round((1 - alone[0]) * compared))
    return f" Of {compared} comparisons without a difference, about {expected} would look so when taken alone."


def _leading(comparisons: Sequence[Comparison]) -> list[Comparison]:
    leading: dict[tuple[str, str], Comparison] = {}
    for one in sorted(comparisons, key=lambda one: one.task_count):
        if one.phase == primary_phase(comparisons, one.variant):
            leading.setdefault((one.variant, one.form), one)
    return list(leading.values())


def _nothing_to_say(design: Design) -> str:
    if CONTROL not in design.forms:
        return f"Nothing can be compared: the plan has no {CONTROL!r} form."
    if len(design.forms) == 1:
        return f"Nothing can be compared: the plan has no form but {CONTROL!r}."
    return "Nothing can be concluded: no block has both a form and the control measured."


VERDICTS: dict[Verdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "no-difference": "no difference",
    "undecided": "not enough data",
}


def interval(found: Interval | None) -> str:
    """An interval of a ratio as one of changes in percent."""
    if found is None:
        return ""
    low, high = wording.change(found.low), wording.change(found.high)
    return f"{low.removesuffix(' %')} to {high}"


class Judged(Protocol):
    """A comparison of any kind: of forms within a sweep, or of two sweeps."""

    @property
    def verdict(self) -> Verdict:
        """What may be said."""

    @property
    def margin(self) -> float | None:
        """What no difference is larger than."""

    @property
    def taken_alone(self) -> Direction | None:
        """What might be said, were it the only one."""


def verdict(comparison: Judged) -> str:
    """A comparison's verdict, with the margin that it is about, or that it holds for this comparison alone."""
    if comparison.verdict == "no-difference" and comparison.margin is not None:
        return f"no difference above {share(comparison.margin)}"
    if comparison.taken_alone is not None:
        return f"{VERDICTS[comparison.verdict]} (alone: {comparison.taken_alone})"
    return VERDICTS[comparison.verdict]
