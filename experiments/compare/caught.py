"""The smallest slow-down that a sweep, or two, could have caught, with a chance of `power.POWER`. Pure.

Found by simulation, because three tests must agree before a change is called slower: the interval must lie above the
limit, the t test must pass its correction, and exchanging blocks (in one sweep: form and control within blocks) must
not contradict, which with 4 and 4 blocks means that every block after is slower than every block before. Each draw
gives the smallest shift at which all three agree; the power's quantile over the draws is the answer. A spread estimated
from few blocks is more often too small than too large, so each is raised until it is as often the one as the other.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, islice
from math import comb

import numpy as np
from scipy.special import chdtri, stdtrit

from experiments.analysis.comparisons import Terms
from experiments.analysis.statistics import moderated, paired
from experiments.analysis.statistics.between import WITHIN, Between, of_mean, spread
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.power import POWER

DRAWS = 500
MOST_EXCHANGES = 3_432
"""Of 7 and 7 blocks; with more, as many are drawn at random."""
_STEPS = 50
_SEED = 20_100
"""The same records must give the same answer."""


def slowdown(
    before: Floats,
    after: Floats,
    terms: Terms,
    share: float,
    limit: float,
    least: float = 0.0,
    between: Between | None = None,
) -> float:
    """Return the smallest relative slow-down that would be called slower by at least ``limit``.

    ``before`` and ``after`` are logarithms, one per block; ``share`` is the row's weight in Holm's procedure;
    ``least`` is the deviation that the clocks alone cause, ``between`` how much sweeps differ, where that is known.
    """
    generator = np.random.default_rng(_SEED)
    first, second = (generator.normal(0, _raised(side), (DRAWS, len(side))) for side in (before, after))  # of no change
    of_means: Floats | float = 0.0
    if between is not None:
        second += generator.normal(0, np.sqrt(2) * between.deviation, (DRAWS, 1))
        of_means = between.of_means * generator.chisquare(between.freedom, DRAWS) / between.freedom
    thresholds = _by_tests(first, second, terms, share, limit, least, between, of_means)
    exchanges = comb(len(before) + len(after), len(before))
    if 2 / exchanges <= 1 - terms.level:
        observed = second.mean(axis=1) - first.mean(axis=1)
        values, weights = np.concatenate([first, second], axis=1), _exchanges(len(before), len(after))
        thresholds = np.maximum(thresholds, _by_exchange(values, observed, *weights, terms))
    return _caught(thresholds, limit)


def slowdown_within(
    differences: Floats,
    pooled_variance: float | None,
    terms: Terms,
    share: float,
    limit: float,
    least: float = 0.0,
) -> float:
    """Return the same for one sweep, from the differences of its blocks' logarithms.

    ``pooled_variance`` is what the corrected test borrows from, if it does (`comparisons.pooled_variances`).
    """
    generator, blocks = np.random.default_rng(_SEED), len(differences)
    drawn = generator.normal(0, _raised(differences), (DRAWS, blocks))
    corrected, freedom = (1 - terms.level) / terms.p_factor * share, blocks - 1
    deviations = own = paired.deviation(drawn, least)
    if pooled_variance is not None:
        deviations, freedom = moderated.deviation(drawn, pooled_variance, least), moderated.freedom(blocks)
    by_interval = np.log1p(limit) + paired.half_width(own, blocks, terms.nominal_level)
    by_correction = stdtrit(freedom, 1 - corrected / 2) * deviations / np.sqrt(blocks)
    thresholds = np.asarray(np.maximum(by_interval, by_correction) - drawn.mean(axis=1))
    if 2.0 ** (1 - blocks) <= 1 - terms.level:
        thresholds = np.maximum(thresholds, _by_exchange(drawn, drawn.mean(axis=1), *_swaps(blocks), terms))
    return _caught(thresholds, limit)


def _caught(thresholds: Floats, limit: float) -> float:
    return float(np.expm1(max(np.quantile(thresholds, POWER), np.log1p(limit))))


def _raised(side: Floats) -> float:
    freedom = len(side) - 1
    return float(side.std(ddof=1) * np.sqrt(freedom / chdtri(freedom, 0.5)))


def _by_tests(
    first: Floats,
    second: Floats,
    terms: Terms,
    share: float,
    limit: float,
    least: float,
    between: Between | None,
    of_means: Floats | float,
) -> Floats:
    """Return for each draw the shift from which on interval and corrected test agree."""
    before, after = (of_mean(side, least) for side in (first, second))
    blocks = first.shape[1], second.shape[1]
    variance, freedom = spread(before, after, blocks, between or WITHIN, of_means)
    error = np.sqrt(variance)
    corrected = (1 - terms.level) / terms.p_factor * share
    by_interval = np.log1p(limit) + _quantiles(freedom, (1 + terms.nominal_level) / 2) * error
    by_correction = _quantiles(freedom, 1 - corrected / 2) * error
    return np.asarray(np.maximum(by_interval, by_correction) - (second.mean(axis=1) - first.mean(axis=1)))


def _quantiles(freedom: Floats, probability: float) -> Floats:
    """Return quantiles of Student's t, interpolated between some degrees of freedom: each takes long to compute."""
    steps = np.geomspace(freedom.min(), freedom.max(), _STEPS)
    return np.asarray(np.interp(freedom, steps, stdtrit(steps, probability)))


def _by_exchange(values: Floats, observed: Floats, weights: Floats, kept: Floats, terms: Terms) -> Floats:
    """Return for each draw the shift from which on few enough exchanges give a difference as large.

    An exchange that keeps a share ``kept`` of the shift gives as large a difference until the shift has passed its own
    difference minus the observed one, over 1 - ``kept``.
    """
    until = (values @ weights - observed[:, None]) / (1 - kept)
    allowed = int((1 - terms.level) / 2 * (len(kept) + 1))
    place = until.shape[1] - max(1, allowed)
    return np.asarray(np.partition(until, place, axis=1)[:, place])


@lru_cache(maxsize=16)
def _exchanges(before: int, after: int) -> tuple[Floats, Floats]:
    """Return a column of weights per exchange, whose product with the blocks is its difference, and what it keeps."""
    blocks = before + after
    if comb(blocks, after) <= MOST_EXCHANGES:
        chosen = np.array(list(islice(combinations(range(blocks), after), MOST_EXCHANGES)))
    else:
        drawn = np.random.default_rng(_SEED).random((MOST_EXCHANGES, blocks))
        chosen = np.argsort(drawn, axis=1)[:, :after]
    weights = np.full((len(chosen), blocks), -1 / before)
    np.put_along_axis(weights, chosen, 1 / after, axis=1)
    kept = weights[:, before:].sum(axis=1)
    return weights[kept < 1 - 1e-9].T, kept[kept < 1 - 1e-9]


@lru_cache(maxsize=16)
def _swaps(blocks: int) -> tuple[Floats, Floats]:
    """Return the same for swaps of form and control within blocks."""
    if 2**blocks <= MOST_EXCHANGES:
        swapped = (np.arange(2**blocks)[:, None] >> np.arange(blocks)) & 1
    else:
        swapped = np.random.default_rng(_SEED).integers(0, 2, (MOST_EXCHANGES, blocks))
    weights = (1.0 - 2.0 * swapped) / blocks
    kept = weights.sum(axis=1)
    return weights[kept < 1 - 1e-9].T, kept[kept < 1 - 1e-9]
