"""Interval and tests for two sets of blocks measured separately, such as before and after a change. Pure.

Welch's t on logarithms (The Generalization of Student's Problem when Several Different Population Variances are
Involved, Biometrika 34, 1947; degrees of freedom after Satterthwaite, Biometrics Bulletin 2, 1946) allows the two
sweeps different variances. The permutation test exchanges whole blocks between the sweeps: every choice of blocks is
enumerated while that is cheap, else choices are drawn, with one added to numerator and denominator; two-sided is twice
the smaller tail. The order of the sweeps was not randomised, so both tests detect a difference between two days as well
as one between two images. Only repetition tells them apart.

`scipy.stats.ttest_ind` and `scipy.stats.permutation_test` give the same (tests compare them), but importing them takes
longer than comparing two sweeps, and at 10 blocks the latter takes 90 ms for each comparison.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics import between
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import DRAWS, ROUNDING, Permuted

_SEED = 20_100
"""The same records must give the same answer."""


def interval(before: Floats, after: Floats, level: float, least: float = 0.0) -> tuple[float, float]:
    """Return the interval of mean(after) - mean(before); each side has at least two values.

    ``least`` is the standard deviation of a value that the clocks alone cause, as in `paired.deviation`.
    """
    return between.interval(before, after, between.WITHIN, level, least)


def p_value(before: Floats, after: Floats, least: float = 0.0) -> float:
    """Return the two-sided p of the t test that the interval inverts; without spread 0, or 1 if the means agree."""
    return between.p_value(before, after, between.WITHIN, least)


def permuted(before: Floats, after: Floats) -> Permuted:
    """Run the permutation test of the difference of means."""
    pooled, every = np.concatenate([before, after]), comb(len(before) + len(after), len(before))
    # The other side has what is left of the same total, so one side's sum orders the differences.
    sums, observed = pooled[_choices(len(before), len(after))].sum(axis=1), before.sum()
    rounding = ROUNDING * np.abs(pooled).sum()
    tail = min(np.sum(sums <= observed + rounding), np.sum(sums >= observed - rounding))
    added = int(every > DRAWS)
    return Permuted(min(1.0, float(2 * (tail + added) / (len(sums) + added))), 2 / min(every, 1 + DRAWS))


@lru_cache(maxsize=4)
def _choices(before: int, after: int) -> NDArray[np.intp]:
    """Return choices of as many blocks as one sweep has, from those of both: choices x ``before``."""
    blocks = before + after
    if comb(blocks, before) <= DRAWS:
        return np.array(list(combinations(range(blocks), before)))
    random = np.random.default_rng(_SEED)
    return np.array([random.permutation(blocks)[:before] for _ in range(DRAWS)])
