"""Interval and test for a form against the control, from one difference of logarithms per block. Pure.

The unit of observation is the block, never the task. Tasks of a round share its registry, host and minute, so they are
not independent observations of a form (Hurlbert, Pseudoreplication, Ecological Monographs 54, 1984), and form and
control of a block share the block. Each block gives log(median of the form's round) - log(median of the control's
round). The sampling model draws blocks, and so round medians, not single tasks.

Student's t on the differences (Student, The Probable Error of a Mean, Biometrika 6, 1908) and not a bootstrap: over
3 blocks a percentile bootstrap has 10 distinct samples and covers about 3 times in 4 (`benchmarks/bench_coverage.py`
shows it), while t is exact for log-normal times. For other times, the difference of two logarithms is still symmetric
if the form changes only the scale, and symmetry is what t needs most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

LEAST_BLOCKS = 3
"""Fewer blocks give no useful interval: with two, it is 12.7 standard errors to either side."""


def deviation(differences: Floats, least: Floats | float = 0.0) -> Floats:
    """Return the standard deviation over the last axis, the blocks; ``least`` is what the clocks alone cause in one.

    Durations that agree to the clock's resolution are not without spread: it is only not seen. Repetition does not help
    then, because each is cut alike. So the mean is never known better than one difference is.
    """
    return np.asarray(np.maximum(differences.std(axis=-1, ddof=1), least * np.sqrt(differences.shape[-1])))


def interval(differences: Floats, level: float, least: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Return the low and high end of the interval of the mean difference; the last axis is at least two blocks."""
    half = half_width(deviation(differences, least), differences.shape[-1], level)
    middle = differences.mean(axis=-1)
    return middle - half, middle + half


def half_width(deviation: Floats | float, blocks: Floats | int, level: float) -> Floats:
    """Return half the width of a mean's interval over blocks, from the standard deviation of one block's difference."""
    return np.asarray(stdtrit(np.subtract(blocks, 1), (1 + level) / 2) * deviation / np.sqrt(blocks))


def p_value(differences: Floats, least: Floats | float = 0.0) -> Floats:
    """Return the two-sided p of the t test that the interval inverts; 1 if the differences' mean is 0."""
    blocks = differences.shape[-1]
    return p_of(differences.mean(axis=-1), deviation(differences, least), blocks, blocks - 1)


def p_of(mean: Floats, deviation: Floats, blocks: int, freedom: int) -> Floats:
    """Return that p for a mean over blocks, from one block's standard deviation and its degrees of ``freedom``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(mean == 0, 0.0, np.abs(mean) / (deviation / np.sqrt(blocks)))
    return np.asarray(2 * stdtr(freedom, -t))
