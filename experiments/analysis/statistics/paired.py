"""Interval and test for a form against the control, from one difference of logarithms per block. Pure.

The unit is the block and never the task: tasks of a round share its registry, host and minute, so they are no
independent observations of a form (Hurlbert, Pseudoreplication, Ecological Monographs 54, 1984), and form and control
of a block share the block. A block gives log(median of the form's round) - log(median of the control's round); the
medians of rounds are what is resampled in thought when blocks are drawn, not single tasks.

Student's t on the differences (Student, The Probable Error of a Mean, Biometrika 6, 1908) and not a bootstrap: over
3 blocks a percentile bootstrap has 10 distinct samples and covers about 3 times in 4 (`benchmarks/bench_coverage.py`
shows it), while t is exact for log-normal times. Where they are not log-normal, the difference of two such logarithms
is still symmetric when the form changes nothing but the scale, which is what t needs most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Floats = NDArray[np.float64]

LEAST_BLOCKS = 3
"""With fewer there is no interval worth reading: at two blocks the factor of the standard error is 12.7."""


def interval(differences: Floats, level: float) -> tuple[Floats, Floats]:
    """Low and high end of the interval of the mean difference; the last axis are at least two blocks."""
    half = half_width(differences.std(axis=-1, ddof=1), differences.shape[-1], level)
    middle = differences.mean(axis=-1)
    return middle - half, middle + half


def half_width(deviation: Floats | float, blocks: Floats | int, level: float) -> Floats:
    """Half the width of the interval of a mean over blocks, from the standard deviation of one block's difference."""
    return np.asarray(stdtrit(np.subtract(blocks, 1), (1 + level) / 2) * deviation / np.sqrt(blocks))


def p_value(differences: Floats) -> Floats:
    """Two-sided p of the t test that the interval inverts; equal differences give 0, or 1 when they are all 0."""
    blocks = differences.shape[-1]
    return p_of(differences.mean(axis=-1), differences.std(axis=-1, ddof=1), blocks, blocks - 1)


def p_of(mean: Floats, deviation: Floats, blocks: int, freedom: int) -> Floats:
    """The same for a mean over blocks, from the standard deviation of one block's difference and its ``freedom``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(mean == 0, 0.0, np.abs(mean) / (deviation / np.sqrt(blocks)))
    return np.asarray(2 * stdtr(freedom, -t))
