"""One effect of a form over all task counts of a plan, and a test of whether the counts agree. Pure.

The effect is the mean over the plan's task counts of a block's differences (logarithms of form ÷ control), with
Student's t over the blocks, like the effect at one count. It is the mean over these counts whether or not they agree;
only where they do is it *the* effect of the form. Whether they do is tested by each block's slope over the doublings
of the task count: a t test of the mean slope (Matthews et al., BMJ 300, 1990). An F test over all counts assumes that
each scatters alike, which eight tasks do not: it finds a difference that is not there in up to 13 % of sweeps. With
the correction of Greenhouse and Geisser it finds one in 0.5 % at 3 blocks where counts scatter alike, and so hardly
ever one that is there. The slope's test errs in 5 % in every simulated world (`benchmarks/bench_figures.py`). It does
not see a count in the middle that alone differs.

Nothing here gets a verdict: it adds no comparison to those that are corrected for each other. That counts differ is
said only if it holds after Holm's correction over all forms and images; they are pooled in the headline only if it does
not hold even without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from experiments.analysis.comparisons import Terms
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison, Finding, Interval, Pooled
from experiments.analysis.statistics import paired
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.analysis.statistics.trend import mean_slope
from experiments.records.phases import PHASES
from experiments.wording import change, percent, percent_number, tasks


def pooled(pairs: Sequence[Pairs], terms: Terms, phases: Mapping[str, str]) -> tuple[Pooled, ...]:
    """Return the effect over counts of each form in its variant's primary phase; none if there is one count."""
    grouped = defaultdict(list)
    for pair in pairs:
        if pair.phase == phases[pair.variant]:
            grouped[pair.variant, pair.form].append(pair)
    several = [of_form for of_form in grouped.values() if len(of_form) > 1]
    each = [_pooled(sorted(of_form, key=lambda pair: pair.task_count), terms) for of_form in several]
    tested = [one.agree_p for one in each if one.agree_p is not None]
    adjusted = iter(holm(np.array(tested)) if tested else ())
    return tuple(
        one if one.agree_p is None else one.model_copy(update={"agree_p_adjusted": float(next(adjusted))})
        for one in each
    )


def disagreeing(effects: Sequence[Pooled], level: float) -> Iterator[Finding]:
    """Yield a finding for each form whose effect depends on the task count beyond chance."""
    for each in effects:
        if each.differs(level) and each.doubling is not None:
            text = (
                f"What {each.form} changes for {each.variant} depends on the number of tasks: with each doubling, its "
                f"time until it {PHASES[each.phase].verb} changes by {change(each.doubling)} against {each.against}'s. "
                "Read each count by itself."
            )
            yield Finding(kind="task-count", text=text, variant=each.variant, form=each.form)


def over_counts(effect: Pooled | None, comparisons: Sequence[Comparison], level: float = 0.95) -> str:
    """Return what a headline adds to a form's gain at its smallest task count; ``comparisons`` are the form's others.

    The pooled effect where no count contradicts; where counts differ beyond chance, the gain at the largest.
    """
    if effect is None or effect.interval is None or effect.ratio is None:
        return ""
    if effect.agrees(level) and all(each.verdict == "faster" for each in comparisons):
        least, most = effect.task_counts[0], effect.task_counts[-1]
        return f", {percent(1 - effect.ratio)} over {least} to {tasks(most)} ({_gain(effect.interval)})"
    largest = max(comparisons, key=lambda each: each.task_count)
    if effect.differs(level) and largest.verdict == "faster":
        return f", but {percent(1 - largest.ratio)} with {tasks(largest.task_count)}"
    return ""


def _gain(interval: Interval) -> str:
    low, high = 1 - interval.high, 1 - interval.low
    return f"{percent_number(low, like=high)}\N{EN DASH}{percent(high)}"


def _pooled(of_form: Sequence[Pairs], terms: Terms) -> Pooled:
    """Return the effect of a form from its pairs at several counts, in their order; `agree_p_adjusted` is not known."""
    counts, table = np.array([pair.task_count for pair in of_form], dtype=float), _blocks(of_form)
    means, first = table.mean(axis=1) if len(table) else np.empty(0), of_form[0]
    enough = len(table) >= LEAST_BLOCKS
    least = np.array([pair.least_deviation for pair in of_form])
    slope = mean_slope(np.log2(counts), table, float(least.max())) if enough else None
    of_mean = np.sqrt((least**2).sum()) / len(least)
    low, high = np.exp(paired.interval(means, terms.nominal_level, of_mean)) if enough else (None, None)
    return Pooled(
        variant=first.variant,
        form=first.form,
        control_variant=first.control_variant,
        control=first.control,
        phase=first.phase,
        task_counts=tuple(pair.task_count for pair in of_form),
        blocks=len(table),
        ratio=float(np.exp(means.mean())) if len(means) else None,
        interval=Interval(low=low, high=high, level=terms.level) if enough else None,
        doubling=None if slope is None else float(np.exp(slope.slope)),
        agree_p=None if slope is None else min(1.0, slope.p_value * terms.p_factor),
        lost_blocks=max(pair.lost + pair.control_lost for pair in of_form),
    )


def _blocks(of_form: Sequence[Pairs]) -> Floats:
    """Return the differences of the blocks that measured every count: a row per block, a column per count."""
    by_block = [dict(zip(pair.blocks, pair.differences.tolist(), strict=True)) for pair in of_form]
    complete = sorted(set.intersection(*map(set, by_block)))
    return np.array([[at_count[block] for at_count in by_block] for block in complete])
