"""Turn the pairs of every comparison into interval, p-values and verdict, by the rules below. Pure.

1. Each interval stands on its own comparison: 95 of 100 such intervals contain the true ratio (`statistics.paired`).
2. The verdict `faster` or `slower` needs an interval that excludes 1, and a significant t test after Holm's correction
   over every comparison of the sweep. A sweep in which nothing differs is then called different in at most 5 % of
   cases. The test is the one that the interval inverts. Below 6 blocks that test hardly survives a correction, so its
   spread borrows from the comparisons of the same phase (`statistics.moderated`). The plan fixes beforehand which
   comparisons matter: the primary phases (boot, else ready) share `PRIMARY_SHARE` of the error, other phases the rest.
3. The permutation test relies on the plan's randomisation alone. From 6 blocks on its smallest p is below 5 %, so it
   can contradict, and a verdict `faster` or `slower` needs it too. With fewer blocks it can show nothing.
4. `no-difference` means that the whole interval lies within the margin: two one-sided tests at half the level
   (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987). The reported margin is the tightest one
   that holds. The largest that counts as no difference is twice the wanted precision, so an interval that contains 1
   and is as narrow as wanted always lies within it.
5. Everything else is `undecided`. If the interval excludes 1 but the corrected test is not significant, the comparison
   is reported as faster or slower "taken alone" (`Comparison.taken_alone`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison, Direction, Interval, Verdict
from experiments.analysis.statistics import moderated, paired, permutation, power, saved, stopping
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.analysis.statistics.permutation import Permuted

PRIMARY_SHARE = 0.75


@dataclass(frozen=True)
class Terms:
    """Confidence level and precision of one sweep's comparisons.

    ``level`` and ``precision`` are what the report promises. A sweep with a stopping rule keeps that promise by
    computing its intervals at ``nominal_level`` and multiplying its p-values by ``p_factor``.
    """

    level: float = 0.95
    precision: float = 0.05
    nominal_level: float = 0.95
    p_factor: float = 1.0
    points: bool = False
    """The precision is in points of the control's time."""

    def half_wanted(self, differences: Floats) -> float:
        """The half width of logarithms that the precision means for a comparison."""
        return float(stopping.half_wanted(differences, self.precision, points=self.points))

    @property
    def margin(self) -> float:
        """The largest relative difference that counts as none: twice the precision, on the scale of ratios."""
        return (1 + self.precision) ** 2 - 1


def compare(pairs: Sequence[Pairs], terms: Terms, primary_phases: Mapping[str, str]) -> tuple[Comparison, ...]:
    """Return one comparison per element of ``pairs``, corrected for all of them together."""
    weights = shares([pair.phase == primary_phases[pair.variant] for pair in pairs])
    variances = pooled_variances(pairs)
    adjusted = _adjusted(pairs, variances, weights, terms)
    return tuple(
        _comparison(pair, variance, p_adjusted, share, terms) if testable(pair) else _without_interval(pair)
        for pair, variance, p_adjusted, share in zip(pairs, variances, adjusted, weights, strict=True)
    )


def verdict(interval: Interval, p_adjusted: float, permuted: Permuted, margin: float) -> Verdict:
    """Return the verdict on a ratio, by the rules above."""
    alone = taken_alone(interval, permuted)
    if p_adjusted <= 1 - interval.level and alone is not None:
        return alone
    return "no-difference" if bound(interval) <= margin else "undecided"


def taken_alone(interval: Interval, permuted: Permuted) -> Direction | None:
    """Return the verdict without correction: the interval excludes 1 and the permutation test does not contradict."""
    if permuted.least <= 1 - interval.level < permuted.p_value:
        return None
    return "faster" if interval.high < 1 else "slower" if interval.low > 1 else None


def bound(interval: Interval) -> float:
    """Return the largest relative difference within an interval of a ratio."""
    return max(interval.high - 1, 1 - interval.low)


def testable(pair: Pairs) -> bool:
    """Whether a comparison has blocks enough for an interval."""
    return len(pair.differences) >= LEAST_BLOCKS


def pooled_variances(pairs: Sequence[Pairs]) -> list[float | None]:
    """Return for each comparison the pooled variance of its phase; None for one that uses its own variance alone."""
    by_phase = defaultdict(list)
    for pair in filter(testable, pairs):
        by_phase[pair.phase].append(pair)
    variances = {
        phase: moderated.pooled([each.differences for each in alike], [each.least_deviation for each in alike])
        for phase, alike in by_phase.items()
    }
    return [
        variances[pair.phase]
        if testable(pair) and moderated.applies(len(pair.differences), len(by_phase[pair.phase]))
        else None
        for pair in pairs
    ]


def _adjusted(pairs: Sequence[Pairs], variances: Sequence[float | None], shares: Floats, terms: Terms) -> Floats:
    """Return p-values corrected for all comparisons, none below its own uncorrected value."""
    uncorrected = np.array([_t_p_value(pair, terms) if testable(pair) else 1.0 for pair in pairs])
    borrowing = [
        p_value
        if variance is None
        else min(1.0, float(moderated.p_value(pair.differences, variance, pair.least_deviation)) * terms.p_factor)
        for pair, variance, p_value in zip(pairs, variances, uncorrected, strict=True)
    ]
    return np.asarray(np.maximum(holm(np.array(borrowing), shares), uncorrected)) if pairs else uncorrected


def _comparison(pair: Pairs, variance: float | None, p_adjusted: float, share: float, terms: Terms) -> Comparison:
    differences = pair.differences
    low, high = np.exp(paired.interval(differences, terms.nominal_level, pair.least_deviation))
    interval = Interval(low=low, high=high, level=terms.level)
    permuted = permutation.test(differences)
    decision = verdict(interval, p_adjusted, permuted, terms.margin)
    return _without_interval(pair).model_copy(
        update={
            "interval": interval,
            "saved_interval": saved_interval(pair, terms),
            "p_value": permuted.p_value,
            "p_least": permuted.least,
            "t_p_value": _t_p_value(pair, terms),
            "p_adjusted": float(p_adjusted),
            "verdict": decision,
            "taken_alone": taken_alone(interval, permuted) if decision == "undecided" else None,
            "margin": bound(interval) if decision == "no-difference" else None,
            "detectable": _detectable(pair, variance, share, terms),
            "blocks_needed": _blocks_needed(pair, terms, 1.0),
            "blocks_needed_range": _blocks_needed_range(pair, terms),
        }
    )


def saved_interval(pair: Pairs, terms: Terms) -> Interval:
    """Return the interval of the seconds that the form saves."""
    low, high = saved.interval(pair.seconds, pair.control_seconds, terms.nominal_level, pair.least_deviation)
    return Interval(low=low, high=high, level=terms.level)


def _without_interval(pair: Pairs) -> Comparison:
    return Comparison(
        variant=pair.variant,
        form=pair.form,
        control_variant=pair.control_variant,
        control=pair.control,
        task_count=pair.task_count,
        phase=pair.phase,
        blocks=len(pair.seconds),
        seconds=geometric_mean(pair.seconds),
        control_seconds=geometric_mean(pair.control_seconds),
        ratio=_ratio(pair.differences),
        interval=None,
        verdict="undecided",
    )


def shares(is_primary: Sequence[bool]) -> Floats:
    """Return each comparison's weight in Holm's procedure, by whether its phase is primary; the weights sum to 1."""
    primary = np.array(is_primary, dtype=bool)
    if primary.all() or not primary.any():
        return np.full(len(primary), 1 / max(1, len(primary)))
    return np.asarray(np.where(primary, PRIMARY_SHARE / primary.sum(), (1 - PRIMARY_SHARE) / (~primary).sum()))


def _t_p_value(pair: Pairs, terms: Terms) -> float:
    return min(1.0, float(paired.p_value(pair.differences, pair.least_deviation)) * terms.p_factor)


def geometric_mean(seconds: Floats) -> float:
    """Return the mean whose ratio is the mean of ratios, so that seconds and change never contradict each other."""
    return float(np.exp(np.log(seconds).mean()))


def deviation_of(pair: Pairs) -> float:
    """Return the standard deviation of a block's difference."""
    return float(paired.deviation(pair.differences, pair.least_deviation))


def _ratio(differences: Floats) -> float:
    return float(np.exp(differences.mean()))


def _detectable(pair: Pairs, variance: float | None, share: float, terms: Terms) -> float:
    """Assume the strictest level that Holm's procedure may use, so that the other comparisons do not matter."""
    differences, least = pair.differences, pair.least_deviation
    alpha, blocks, deviation = (1 - terms.level) / terms.p_factor, len(differences), deviation_of(pair)
    if variance is None:
        return -math.expm1(-power.detectable(deviation, blocks, alpha * share))
    moderated_deviation = float(moderated.deviation(differences, variance, least))
    corrected = power.detectable(moderated_deviation, blocks, alpha * share, moderated.freedom(blocks))
    return -math.expm1(-max(corrected, power.detectable(deviation, blocks, alpha)))


def _blocks_needed(pair: Pairs, terms: Terms, factor: float) -> int | None:
    needed = power.blocks_for(factor * deviation_of(pair), terms.half_wanted(pair.differences), terms.nominal_level)
    return None if needed is None else max(0, needed - len(pair.differences))


def _blocks_needed_range(pair: Pairs, terms: Terms) -> tuple[int, int | None] | None:
    least, most = (_blocks_needed(pair, terms, each) for each in power.deviation_range(len(pair.differences) - 1))
    return None if least is None else (least, most)
