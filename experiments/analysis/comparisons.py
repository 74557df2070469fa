"""From the pairs of every comparison to interval, p-values and verdict; how these fit together is decided here. Pure.

1. The interval of a comparison is its own: of 100 such intervals 95 hold the truth (`statistics.paired`).
2. The verdict `faster` or `slower` needs an interval without 1, and a t test corrected with Holm's procedure over every
   comparison of the sweep, so that a sweep in which nothing differs is called different in at most 5 % of the cases.
   It is the test that the interval inverts; below 6 blocks, where that one hardly passes a correction, its spread
   leans on the comparisons of the same phase (`statistics.moderated`). A plan fixes beforehand what it is about: the
   primary phase (boot, else ready) of each variant shares `PRIMARY_SHARE` of that error, the other phases the rest.
3. The permutation test rests on the plan's randomisation alone. Where it could contradict (from 6 blocks on its
   smallest p is below 5 %), a verdict `faster` or `slower` needs it, too; with fewer blocks it cannot speak.
4. `no-difference` says that the whole interval lies within the margin: two one-sided tests at half the level
   (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987). The margin that is named is the tightest
   that holds. What counts as none is twice the wanted precision, so an interval that is as narrow as wanted and holds
   1 always lies within it.
5. Everything else is `undecided`, also an interval without 1 that the correction does not let through: that one is
   said to be faster or slower "taken alone" (`Comparison.taken_alone`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison, Direction, Interval, Verdict
from experiments.analysis.statistics import moderated, paired, permutation, power
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.analysis.statistics.permutation import Permuted

PRIMARY_SHARE = 0.75


@dataclass(frozen=True)
class Terms:
    """What is asked of the comparisons of one sweep.

    ``level`` and ``precision`` are what is promised; a sweep that ended by the stopping rule keeps the promise by
    computing its intervals at ``nominal_level`` and multiplying its p-values by ``p_factor``.
    """

    level: float = 0.95
    precision: float = 0.05
    nominal_level: float = 0.95
    p_factor: float = 1.0

    @property
    def margin(self) -> float:
        """The largest relative difference that may count as none: twice the precision, on the scale of ratios."""
        return (1 + self.precision) ** 2 - 1


def compare(found: Sequence[Pairs], terms: Terms, primary_phases: Mapping[str, str]) -> tuple[Comparison, ...]:
    """A comparison for each of the pairs, corrected for all of them together."""
    weights = shares([pair.phase == primary_phases[pair.variant] for pair in found])
    pooled = _pooled(found)
    adjusted = _adjusted(found, pooled, weights, terms)
    return tuple(
        _comparison(pair, lean, p_adjusted, share, terms) if _testable(pair) else _without_interval(pair)
        for pair, lean, p_adjusted, share in zip(found, pooled, adjusted, weights, strict=True)
    )


def verdict(interval: Interval, p_adjusted: float, permuted: Permuted, margin: float) -> Verdict:
    """What may be said of a ratio, by the rules above."""
    alone = taken_alone(interval, permuted)
    if p_adjusted <= 1 - interval.level and alone is not None:
        return alone
    return "no-difference" if bound(interval) <= margin else "undecided"


def taken_alone(interval: Interval, permuted: Permuted) -> Direction | None:
    """What may be said of a ratio that is the only one: its interval excludes 1 and no permutation test contradicts."""
    if permuted.least <= 1 - interval.level < permuted.p_value:
        return None
    return "faster" if interval.high < 1 else "slower" if interval.low > 1 else None


def bound(interval: Interval) -> float:
    """The largest relative difference within an interval of a ratio."""
    return max(interval.high - 1, 1 - interval.low)


def _testable(pair: Pairs) -> bool:
    return len(pair.differences) >= LEAST_BLOCKS


def _pooled(found: Sequence[Pairs]) -> list[float | None]:
    """For each comparison the variance of a block's difference over all of its phase; None where it stands alone."""
    by_phase = defaultdict(list)
    for pair in filter(_testable, found):
        by_phase[pair.phase].append(pair.differences)
    variances = {phase: moderated.pooled(alike) for phase, alike in by_phase.items()}
    return [
        variances[pair.phase]
        if _testable(pair) and moderated.applies(len(pair.differences), len(by_phase[pair.phase]))
        else None
        for pair in found
    ]


def _adjusted(found: Sequence[Pairs], pooled: Sequence[float | None], shares: Floats, terms: Terms) -> Floats:
    """p-values corrected for all comparisons, none below its own uncorrected one."""
    alone = np.array([_t_p_value(pair, terms) if _testable(pair) else 1.0 for pair in found])
    leaning = [
        p_value if lean is None else min(1.0, float(moderated.p_value(pair.differences, lean)) * terms.p_factor)
        for pair, lean, p_value in zip(found, pooled, alone, strict=True)
    ]
    return np.asarray(np.maximum(holm(np.array(leaning), shares), alone)) if found else alone


def _comparison(pair: Pairs, pooled: float | None, p_adjusted: float, share: float, terms: Terms) -> Comparison:
    differences = pair.differences
    low, high = np.exp(paired.interval(differences, terms.nominal_level))
    interval = Interval(low=low, high=high, level=terms.level)
    permuted = permutation.test(differences)
    said = verdict(interval, p_adjusted, permuted, terms.margin)
    plain = _without_interval(pair)
    return plain.model_copy(
        update={
            "interval": interval,
            "p_value": permuted.p_value,
            "p_least": permuted.least,
            "t_p_value": _t_p_value(pair, terms),
            "p_adjusted": float(p_adjusted),
            "verdict": said,
            "taken_alone": taken_alone(interval, permuted) if said == "undecided" else None,
            "margin": bound(interval) if said == "no-difference" else None,
            "detectable": _detectable(differences, pooled, share, terms),
            "blocks_needed": _blocks_needed(differences, terms),
        }
    )


def _without_interval(pair: Pairs) -> Comparison:
    return Comparison(
        variant=pair.variant,
        form=pair.form,
        control=pair.control,
        task_count=pair.task_count,
        phase=pair.phase,
        blocks=len(pair.seconds),
        median_seconds=float(np.median(pair.seconds)),
        control_median_seconds=float(np.median(pair.control_seconds)),
        ratio=_ratio(pair.differences),
        interval=None,
        verdict="undecided",
    )


def shares(is_primary: Sequence[bool]) -> Floats:
    """The weight of each comparison in Holm's procedure, by whether it is in a primary phase; they sum to 1."""
    primary = np.array(is_primary, dtype=bool)
    if primary.all() or not primary.any():
        return np.full(len(primary), 1 / max(1, len(primary)))
    return np.asarray(np.where(primary, PRIMARY_SHARE / primary.sum(), (1 - PRIMARY_SHARE) / (~primary).sum()))


def _t_p_value(pair: Pairs, terms: Terms) -> float:
    return min(1.0, float(paired.p_value(pair.differences)) * terms.p_factor)


def _ratio(differences: Floats) -> float:
    return float(np.exp(differences.mean()))


def _detectable(differences: Floats, pooled: float | None, share: float, terms: Terms) -> float:
    """At the strictest level that Holm's procedure may ask of it: the effect is then seen whatever the others are."""
    alpha, blocks, own = (1 - terms.level) / terms.p_factor, len(differences), float(differences.std(ddof=1))
    if pooled is None:
        return -math.expm1(-power.detectable(own, blocks, alpha * share))
    leaning = float(moderated.deviation(differences, pooled))
    corrected = power.detectable(leaning, blocks, alpha * share, moderated.freedom(blocks))
    return -math.expm1(-max(corrected, power.detectable(own, blocks, alpha)))


def _blocks_needed(differences: Floats, terms: Terms) -> int | None:
    wanted = power.blocks_for(float(differences.std(ddof=1)), float(np.log1p(terms.precision)), terms.nominal_level)
    return None if wanted is None else max(0, wanted - len(differences))
