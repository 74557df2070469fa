"""The stopping rule: a sweep adds blocks until its intervals are narrow enough, at a cost in error. Pure.

After every block from the sixth on, the sweep ends if the interval of each comparison of a primary phase is at most as
wide as wanted. The rule looks at widths and never at effects, so it cannot stop because a difference appeared. But it
stops a little too early when the spread happens to look small (Chow and Robbins, On the Asymptotic Theory of
Fixed-width Sequential Confidence Intervals, Annals of Mathematical Statistics 36, 1965; Starr, The Performance of a
Sequential Procedure for the Fixed-width Interval Estimation of the Mean, same journal 37, 1966, says how far the
coverage falls below its level). Without correction, 95 % intervals would cover 92 %, or 90 % if looks began at three
blocks. Stein's two-stage rule (same journal 16, 1945) is exact, but ignores all spread seen after its first stage and
needs up to 1.7 times the blocks. Instead, rule and report use intervals of a higher nominal level, and p-values are
multiplied. Both constants were found by simulation for the worst ratio of spread to wanted width, and
`benchmarks/bench_coverage.py` shows that they hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics.paired import Floats, deviation, half_width

LEAST_BLOCKS = 6
"""Blocks before the first look; with fewer, the spread is too uncertain to stop by."""
ERROR_SHARE = 0.7
"""Share of the allowed error to use: 96.5 % intervals cover 94.4 to 96.5 % after stopping."""
P_FACTOR = 2.0
"""Stopping raises the error of a sweep's corrected tests by at most this factor."""


def nominal_level(level: float) -> float:
    """Return the level at which to compute intervals so that they keep ``level`` after stopping."""
    return 1 - ERROR_SHARE * (1 - level)


def half_wanted(differences: Floats, precision: float, *, points: bool) -> Floats:
    """Return the half width of logarithms that a precision means, over the last axis.

    In ``points`` of the control's time, the upper half of the ratio's interval is at most ``precision`` wide: the
    smaller the ratio, the wider its interval may be. So the rule sees the ratio, but hardly: simulated sweeps of ratios
    from 0.15 to 1 were covered in 94.4 to 96.7 % (`benchmarks/bench_stopping.py`).
    """
    ratio = np.exp(differences.mean(axis=-1)) if points else 1.0
    return np.asarray(np.log1p(precision / ratio))


def narrow_enough(
    differences: Floats, precision: float, level: float, least: Floats | float = 0.0, *, points: bool = False
) -> NDArray[np.bool_]:
    """Whether the interval over the last axis (the blocks so far) extends at most `half_wanted` to either side."""
    blocks = differences.shape[-1]
    if blocks < LEAST_BLOCKS:
        return np.zeros(differences.shape[:-1], dtype=bool)
    half = half_width(deviation(differences, least), blocks, nominal_level(level))
    return np.asarray(half <= half_wanted(differences, precision, points=points))
