"""Interval and tests for two sets of blocks measured separately, such as before and after a change. Pure.

Welch's t on logarithms (`scipy.stats.ttest_ind`; The Generalization of Student's Problem when Several Different
Population Variances are Involved, Biometrika 34, 1947; degrees of freedom after Satterthwaite, Biometrics Bulletin 2,
1946) allows the two sweeps different variances. The permutation test exchanges whole blocks between the sweeps
(`scipy.stats.permutation_test`: enumerated while that is cheap, else drawn, with one added to numerator and
denominator; two-sided is twice the smaller tail). The order of the sweeps was not randomised, so both tests detect a
difference between two days as well as one between two images. Only repetition tells them apart.
"""

from __future__ import annotations

import warnings
from math import comb
from typing import Any

import numpy as np
from scipy.stats import permutation_test, ttest_ind

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import DRAWS, Permuted

_SEED = 20_100
"""The same records must give the same answer."""


def interval(before: Floats, after: Floats, level: float, least: float = 0.0) -> tuple[float, float]:
    """Return the interval of mean(after) - mean(before); each side has at least two values.

    ``least`` is the standard deviation of a value that the clocks alone cause, as in `paired.deviation`.
    """
    before, after = (_spread(side, least) for side in (before, after))
    if _without_spread(before, after):
        return (float(after.mean() - before.mean()),) * 2
    ends = _welch(before, after).confidence_interval(level)
    return float(ends.low), float(ends.high)


def p_value(before: Floats, after: Floats, least: float = 0.0) -> float:
    """Return the two-sided p of the t test that the interval inverts; without spread 0, or 1 if the means agree."""
    before, after = (_spread(side, least) for side in (before, after))
    if _without_spread(before, after):
        return 1.0 if before.mean() == after.mean() else 0.0
    return float(_welch(before, after).pvalue)


def permuted(before: Floats, after: Floats) -> Permuted:
    """Run the permutation test of the difference of means."""
    exchanges = comb(len(before) + len(after), len(before))
    result = permutation_test(
        (before, after),
        lambda first, second, axis: first.mean(axis=axis) - second.mean(axis=axis),
        vectorized=True,
        n_resamples=DRAWS,
        rng=np.random.default_rng(_SEED),
    )
    return Permuted(float(result.pvalue), 2 / (exchanges if exchanges <= DRAWS else 1 + DRAWS))


def _spread(side: Floats, least: float) -> Floats:
    """Return values of the same mean whose deviation is what `paired.deviation` takes them to have."""
    if (deviation := float(paired.deviation(side, least))) <= side.std(ddof=1):
        return side
    ranks = np.arange(len(side), dtype=float)
    return np.asarray(side.mean() + deviation * (ranks - ranks.mean()) / ranks.std(ddof=1))


def _welch(before: Floats, after: Floats) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # for equal blocks scipy warns of a loss of precision
        return ttest_ind(after, before, equal_var=False)


def _without_spread(before: Floats, after: Floats) -> bool:
    """Whether neither sweep varies, or so little that the squares of its variances vanish: then t is undefined."""
    return bool(np.var(before) ** 2 + np.var(after) ** 2 == 0)
