"""What a sweep of some blocks could have shown, and how many blocks a wanted precision needs. Pure.

Power of the t test by its definition, as the mean over the chi-squared distribution of the variance (Cohen,
Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.5 for paired samples): the chance that
|Z + shift| exceeds the critical value times the root of the estimated variance. Written out, because the noncentral
t of libraries fails for the large shifts that three blocks need.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from experiments.analysis.statistics.paired import Floats, half_width

POWER = 0.8
MOST_BLOCKS = 1_000
"""As many as a plan may have."""
_GRID = 2_000


def power(shift: float, freedom: int, alpha: float) -> float:
    """Chance that a two-sided t test at ``alpha`` sees a mean difference of ``shift`` standard errors."""
    limit = stdtrit(freedom, 1 - alpha / 2) * _root_variances(freedom)
    return float(np.mean(ndtr(shift - limit) + ndtr(-shift - limit)))


def detectable(deviation: float, blocks: int, alpha: float, freedom: int | None = None) -> float:
    """The smallest difference of logarithms that the test shows with a chance of `POWER`.

    ``freedom`` are the degrees of freedom of the deviation, one less than the blocks if not given.
    """
    return _shift(blocks - 1 if freedom is None else freedom, alpha) * deviation / float(np.sqrt(blocks))


def blocks_for(deviation: float, half: float, level: float) -> int | None:
    """The number of blocks at which the interval's half width is at most ``half``; None above `MOST_BLOCKS`.

    Exact for a known standard deviation; with an estimated one it is a forecast.
    """
    counts = np.arange(2.0, MOST_BLOCKS + 1)
    enough = half_width(deviation, counts, level) <= half
    return int(counts[np.argmax(enough)]) if enough.any() else None


@lru_cache(maxsize=256)
def _shift(freedom: int, alpha: float) -> float:
    """By bisection: the power grows with the shift."""
    low, high = 0.0, 10.0
    while power(high, freedom, alpha) < POWER:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, freedom, alpha) < POWER else (low, middle)
    return high


@lru_cache(maxsize=256)
def _root_variances(freedom: int) -> Floats:
    """Equally likely values of the estimated standard deviation over the true one."""
    shares = (np.arange(_GRID) + 0.5) / _GRID
    return np.asarray(np.sqrt(chdtri(freedom, shares) / freedom))
