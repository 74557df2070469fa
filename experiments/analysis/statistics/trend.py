"""Slopes: does a phase change over time, or with the task count? Pure.

Both slopes use logarithms of round medians, so a slope is a relative change, and in both the block is the unit
(Matthews, Altman, Campbell and Royston, Analysis of Serial Measurements in Medical Research, BMJ 300, 1990). Over time:
the least-squares slope through the blocks' means, centred by task count, tested with Student's t. Over task counts:
one slope per block, and the t test of their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats

LEAST_FREEDOM = 2
"""A slope with fewer degrees of freedom says nothing."""


@dataclass(frozen=True)
class Slope:
    """The change of the logarithm per unit, and the two-sided p-value for no change."""

    slope: float
    p_value: float


def block_slope(times: Floats, logarithms: Floats, groups: NDArray[np.int_], blocks: NDArray[np.int_]) -> Slope | None:
    """Return the slope through the blocks' means, with each group centred; None with too few blocks.

    The rounds of a block run close together and share the conditions of that hour. As single points they would turn a
    bad hour into a trend.
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
    residuals = y - slope * x
    error = float(np.sqrt(residuals @ residuals / freedom / width))
    return Slope(slope, _two_sided(slope, error, freedom))


def mean_slope(x: Floats, logarithms: Floats, least: float = 0.0) -> Slope | None:
    """Return the mean of the blocks' slopes (rows: blocks, columns: as ``x``); None with too few blocks or columns.

    ``least`` is the deviation of one logarithm that the clocks alone cause.
    """
    if len(logarithms) < LEAST_BLOCKS or len(x) < 2:
        return None
    centred = x - x.mean()
    slopes = logarithms @ centred / (centred @ centred)
    return Slope(float(slopes.mean()), float(paired.p_value(slopes, least / np.sqrt(centred @ centred))))


def _centred(values: Floats, groups: NDArray[np.int_]) -> Floats:
    """Return the values minus the mean of their group."""
    _, positions = np.unique(groups, return_inverse=True)
    return np.asarray(values - _means(values, groups)[positions])


def _means(values: Floats, groups: NDArray[np.int_]) -> Floats:
    """Return the mean of each group, in the order of the group numbers."""
    _, positions = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(positions, weights=values) / np.bincount(positions))


def _two_sided(slope: float, error: float, freedom: int) -> float:
    if error == 0:
        return 1.0 if slope == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(slope) / error))
