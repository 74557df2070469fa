"""Interval and tests for two sets of blocks that were not measured together, as before and after a change. Pure.

Welch's t on logarithms (The Generalization of Student's Problem when Several Different Population Variances are
Involved, Biometrika 34, 1947; degrees of freedom after Satterthwaite, Biometrics Bulletin 2, 1946): the two sweeps may
vary differently. The permutation test exchanges whole blocks between the sweeps (`scipy.stats.permutation_test`:
enumerated while that is cheap, else drawn, with one added above and below; two-sided is twice the smaller tail). Nobody
drew at random which sweep came first, so both tests see a difference between two days as well as one between two
images; only repeating tells them apart.
"""

from __future__ import annotations

from math import comb

import numpy as np
from scipy.special import stdtr, stdtrit
from scipy.stats import permutation_test

from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import DRAWS, Permuted

_SEED = 20_100
"""The same records must give the same answer."""


def interval(before: Floats, after: Floats, level: float) -> tuple[float, float]:
    """The interval of mean(after) - mean(before); each has at least two values."""
    middle, error, freedom = _moments(before, after)
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return middle - half, middle + half


def p_value(before: Floats, after: Floats) -> float:
    """Two-sided p of the t test that the interval inverts; without any spread it is 0, or 1 when the means agree."""
    middle, error, freedom = _moments(before, after)
    if error == 0:
        return 1.0 if middle == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(middle) / error))


def permuted(before: Floats, after: Floats) -> Permuted:
    """The permutation test of the difference of means."""
    exchanges = comb(len(before) + len(after), len(before))
    found = permutation_test(
        (before, after),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        vectorized=True,
        n_resamples=DRAWS,
        rng=np.random.default_rng(_SEED),
    )
    return Permuted(float(found.pvalue), 2 / (exchanges if exchanges <= DRAWS else 1 + DRAWS))


def _moments(before: Floats, after: Floats) -> tuple[float, float, float]:
    """Difference of the means, its standard error, and the degrees of freedom."""
    parts = [values.var(ddof=1) / len(values) for values in (before, after)]
    both = sum(parts)
    weights = [part**2 / (len(values) - 1) for part, values in zip(parts, (before, after), strict=True)]
    freedom = both**2 / sum(weights) if sum(weights) else len(before) + len(after) - 2
    return float(after.mean() - before.mean()), float(np.sqrt(both)), float(freedom)
