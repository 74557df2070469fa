"""The smallest effect that a sweep could have shown, and the blocks that a wanted precision needs. Pure.

The power of the t test follows its definition, as the mean over the chi-squared distribution of the variance (Cohen,
Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.5 for paired samples): the chance that
|Z + shift| exceeds the critical value times the root of the estimated variance. It is computed here because the
noncentral t of libraries fails for the large shifts that three blocks need.

Few blocks know their own spread badly. An effect that a test detects in 4 of 5 cases if the spread is as seen would be
detected in 2 of 3 over all sweeps, because the spread was as often too small as too large and a small one harms more.
So what a sweep could have shown is the multiple of its own spread that is detected in 4 of 5 cases over both sweeps,
the one that estimates and the one that tests (assurance: O'Hagan, Stevens and Campbell, Assurance in Clinical Trial
Design, Pharmaceutical Statistics 4, 2005).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from experiments.analysis.statistics.paired import Floats, half_width

POWER = 0.8
MOST_BLOCKS = 1_000
"""The most blocks that a plan may have."""
LEAST_COUNT = 2
"""One block has no interval."""
_LIMITS, _ESTIMATES = 400, 100
"""Values that a standard deviation is averaged over: the power is off by less than 2 in 10,000."""


def power(shift: float, freedom: int, alpha: float) -> float:
    """Return the chance that a two-sided t test at ``alpha`` detects a mean difference of ``shift`` standard errors."""
    return float(_powers(np.array([shift]), freedom, alpha)[0])


def _powers(shifts: Floats, freedom: int, alpha: float) -> Floats:
    limit = stdtrit(freedom, 1 - alpha / 2) * _root_variances(freedom, _LIMITS)
    return np.asarray((ndtr(shifts[:, None] - limit) + ndtr(-shifts[:, None] - limit)).mean(axis=1))


def detectable(deviation: float, blocks: int, alpha: float, freedom: int | None = None) -> float:
    """Return the smallest difference of logarithms that the test detects with a chance of `POWER`.

    ``deviation`` is an estimate of ``freedom`` degrees of freedom, by default one less than the blocks.
    """
    own = blocks - 1 if freedom is None else freedom
    return _shift(own, alpha, own) * deviation / float(np.sqrt(blocks))


def detectable_if_known(deviation: float, blocks: int, alpha: float) -> float:
    """Return the same for a true standard deviation, for plans."""
    return _shift(blocks - 1, alpha, None) * deviation / float(np.sqrt(blocks))


def deviation_range(freedom: int) -> tuple[float, float]:
    """Return the factors between which the true deviation lies in 4 of 5 cases, as multiples of an estimate's."""
    tail = (1 - POWER) / 2
    return float(np.sqrt(freedom / chdtri(freedom, tail))), float(np.sqrt(freedom / chdtri(freedom, 1 - tail)))


def blocks_for(deviation: float, half: float, level: float) -> int | None:
    """Return the number of blocks whose interval has at most the half width ``half``; None above `MOST_BLOCKS`.

    Exact for a known standard deviation; for an estimated one it depends much on it (`deviation_range`).
    """
    enough = deviation * _half_widths(level) <= half
    return LEAST_COUNT + int(np.argmax(enough)) if enough.any() else None


@lru_cache(maxsize=16)
def _half_widths(level: float) -> Floats:
    """Return the half width for a standard deviation of 1, from `LEAST_COUNT` blocks to `MOST_BLOCKS`."""
    return half_width(1.0, np.arange(LEAST_COUNT, MOST_BLOCKS + 1, dtype=float), level)


@lru_cache(maxsize=256)
def _shift(freedom: int, alpha: float, estimate_freedom: int | None) -> float:
    """Search by bisection: the power grows with the shift, in standard errors as estimated or as they are."""
    errors = np.ones(1) if estimate_freedom is None else _root_variances(estimate_freedom, _ESTIMATES)

    def enough(shift: float) -> bool:
        return bool(np.mean(_powers(shift * errors, freedom, alpha)) >= POWER)

    low, high = 0.0, 10.0
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=256)
def _root_variances(freedom: int, count: int) -> Floats:
    """Return so many equally likely values of the estimated standard deviation over the true one."""
    shares = (np.arange(count) + 0.5) / count
    return np.asarray(np.sqrt(chdtri(freedom, shares) / freedom))
