"""The smallest effect that a sweep could have shown, and the blocks that a wanted precision needs. Pure.

The power of the t test follows its definition, as the mean over the chi-squared distribution of the variance (Cohen,
Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.5 for paired samples): the chance that
|Z + shift| exceeds the critical value times the root of the estimated variance. It is computed here because the
noncentral t of libraries fails for the large shifts that three blocks need.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from experiments.analysis.statistics.paired import Floats, half_width

POWER = 0.8
MOST_BLOCKS = 1_000
"""The most blocks that a plan may have."""
_GRID = 2_000


def power(shift: float, freedom: int, alpha: float) -> float:
    """Return the chance that a two-sided t test at ``alpha`` detects a mean difference of ``shift`` standard errors."""
    limit = stdtrit(freedom, 1 - alpha / 2) * _root_variances(freedom)
    return float(np.mean(ndtr(shift - limit) + ndtr(-shift - limit)))


def detectable(deviation: float, blocks: int, alpha: float, freedom: int | None = None) -> float:
    """Return the smallest difference of logarithms that the test detects with a chance of `POWER`.

    ``freedom`` is the deviation's degrees of freedom; the default is one less than the blocks.
    """
    return _shift(blocks - 1 if freedom is None else freedom, alpha) * deviation / float(np.sqrt(blocks))


def blocks_for(deviation: float, half: float, level: float) -> int | None:
    """Return the number of blocks whose interval has at most the half width ``half``; None above `MOST_BLOCKS`.

    Exact for a known standard deviation; a forecast for an estimated one.
    """
    counts = np.arange(2.0, MOST_BLOCKS + 1)
    enough = half_width(deviation, counts, level) <= half
    return int(counts[np.argmax(enough)]) if enough.any() else None


@lru_cache(maxsize=256)
def _shift(freedom: int, alpha: float) -> float:
    """Search by bisection: the power grows with the shift."""
    low, high = 0.0, 10.0
    while power(high, freedom, alpha) < POWER:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, freedom, alpha) < POWER else (low, middle)
    return high


@lru_cache(maxsize=256)
def _root_variances(freedom: int) -> Floats:
    """Return equally likely values of the estimated standard deviation over the true one."""
    shares = (np.arange(_GRID) + 0.5) / _GRID
    return np.asarray(np.sqrt(chdtri(freedom, shares) / freedom))
