"""Slopes: does a phase move with time, or with the task count? Pure.

Both take logarithms of the medians of rounds, so a slope is a relative change, and in both the block is the unit
(Matthews, Altman, Campbell and Royston, Analysis of Serial Measurements in Medical Research, BMJ 300, 1990). Over time:
the least-squares slope through the blocks' means, after each task count's own level is taken off, tested with
Student's t. Over task counts: one slope per block, and the t test of their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats

LEAST_FREEDOM = 2
"""Degrees of freedom below which a slope says nothing."""


@dataclass(frozen=True)
class Slope:
    """Change of the logarithm for one unit, and the two-sided p-value of no change."""

    slope: float
    p_value: float


def block_slope(times: Floats, logarithms: Floats, groups: NDArray[np.int_], blocks: NDArray[np.int_]) -> Slope | None:
    """One slope through the means of the blocks, each group less its own level; None with too few blocks for one.

    The rounds of a block lie close together in time and share what that hour was like: taken one by one, they would
    make a bad hour a trend.
    """
    x = _means(_centred(times, groups), blocks)
    y = _means(_centred(logarithms, groups), blocks)
    freedom = len(x) - 2
    if freedom < LEAST_FREEDOM:
        return None
    x, y = x - x.mean(), y - y.mean()
    width = float(x @ x)
    if width == 0:
        return None
    slope = float(x @ y) / width
    rest = y - slope * x
    error = float(np.sqrt(rest @ rest / freedom / width))
    return Slope(slope, _two_sided(slope, error, freedom))


def mean_slope(x: Floats, logarithms: Floats) -> Slope | None:
    """The mean of each block's slope (rows: blocks, columns: as ``x``); None when the blocks are too few for one."""
    if len(logarithms) < LEAST_BLOCKS or len(x) < 2:
        return None
    centred = x - x.mean()
    slopes = logarithms @ centred / (centred @ centred)
    return Slope(float(slopes.mean()), float(paired.p_value(slopes)))


def _centred(values: Floats, groups: NDArray[np.int_]) -> Floats:
    """Values less the mean of their group."""
    _, place = np.unique(groups, return_inverse=True)
    return np.asarray(values - _means(values, groups)[place])


def _means(values: Floats, groups: NDArray[np.int_]) -> Floats:
    """The mean of each group, in the order of their numbers."""
    _, place = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(place, weights=values) / np.bincount(place))


def _two_sided(slope: float, error: float, freedom: int) -> float:
    if error == 0:
        return 1.0 if slope == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(slope) / error))
