"""The shape of a sample: outliers, and two clusters ("heaps") instead of one. Pure.

Outliers are found on the logarithms, because durations are skewed, by the generalised extreme Studentised deviate test
(Rosner, Percentage Points for a Generalized ESD Many-Outlier Procedure, Technometrics 25, 1983), which allows an error
per sample. A fixed limit, as of 3.5 robust deviations, would find outliers in every second sweep that has none.

A sample has two clusters if a mixture of two normal distributions explains its logarithms better than one normal or an
even spread, by more than 10 on the Bayesian information criterion (Schwarz, Annals of Statistics 6, 1978; "very strong"
in Kass and Raftery, Bayes Factors, Journal of the American Statistical Association 90, 1995), and the means are far
enough apart to leave a gap (Ashman, Bird and Zepf, Astronomical Journal 108, 1994: D above 2). The mixture is fitted by
expectation maximisation (Dempster, Laird and Rubin, Journal of the Royal Statistical Society B 39, 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from experiments.analysis.statistics.paired import Floats

LEAST_CHANGE = 0.10
"""A value that differs from the median by less is never an outlier, however close the others are to each other."""
LEAST_REST = 5
"""Fewer values say little about the spread."""
MOST_OUTLIERS = 0.25
"""As a share: more values than that are no outliers but another kind."""
TASKS_FOR_WITHIN = 4
"""A task of a smaller round makes up too much of it to be compared with the others."""
LEAST_SAMPLE = 20
MOST_SAMPLE = 1_000
"""Larger samples are thinned out evenly: clusters that 1,000 values do not show do not matter."""
LEAST_HEAP = 0.1
LEAST_GAP = 2.0
LEAST_GAIN = 10.0
_STEPS = 200
_LEAST_WIDTH = 1e-4


@dataclass(frozen=True)
class Heaps:
    """Two clusters in a sample of logarithms: the means of the lower and the upper one, and the upper one's share."""

    lower: float
    upper: float
    upper_share: float


def far(logarithms: Floats, level: float) -> NDArray[np.bool_]:
    """Return a mask of the outliers; all False if the sample is too small to tell.

    ``level`` is the share of samples without outliers that are allowed to show one.
    """
    outlying = np.zeros(len(logarithms), dtype=bool)
    if len(logarithms) >= LEAST_REST:
        centred = logarithms - np.median(logarithms)
        outlying[_extreme(centred, level)] = True
        outlying &= np.abs(centred) > np.log1p(LEAST_CHANGE)
    return outlying


def _extreme(values: Floats, level: float) -> NDArray[np.int_]:
    """Return the places of the outliers: the largest number of removals of which the last was still significant.

    One after the other, the value farthest from the mean of the rest is removed: the first or the last of the sorted.
    """
    count, order = len(values), np.argsort(values)
    ordered = values[order]
    first, last, removed, deviates = 0, count - 1, [], []
    total, squares = float(ordered.sum()), float(ordered @ ordered)
    for left in range(count, count - min(int(count * MOST_OUTLIERS), MOST_SAMPLE), -1):
        mean = total / left
        low = mean - ordered[first] > ordered[last] - mean
        place = first if low else last
        variance = max(0.0, (squares - left * mean**2) / (left - 1))
        deviates.append(abs(ordered[place] - mean) / np.sqrt(variance) if variance > _LEAST_WIDTH**2 else 0.0)
        removed.append(order[place])
        total, squares = total - ordered[place], squares - ordered[place] ** 2
        first, last = (first + 1, last) if low else (first, last - 1)
    significant = np.flatnonzero(np.array(deviates) > _critical(count, len(deviates), level))
    return np.array(removed[: significant[-1] + 1 if len(significant) else 0], dtype=int)


def _critical(count: int, removals: int, level: float) -> Floats:
    left = count - np.arange(removals)
    t = stdtrit(left - 2, 1 - level / 2 / left)
    return np.asarray((left - 1) * t / np.sqrt((left - 2 + t**2) * left))


def heaps(logarithms: Floats) -> Heaps | None:
    """Return the two clusters of a sample; None if it has only one, or is too small to tell."""
    if len(logarithms) < LEAST_SAMPLE:
        return None
    values = np.sort(logarithms)[:: -(-len(logarithms) // MOST_SAMPLE)]
    means, widths, shares, likelihood = _two_normals(values)
    gain = 2 * (likelihood - max(_one_normal(values), _even(values))) - 3 * np.log(len(values))
    gap = np.sqrt(2) * (means[1] - means[0]) / np.sqrt((widths**2).sum())
    if gain <= LEAST_GAIN or gap <= LEAST_GAP or shares.min() < LEAST_HEAP:
        return None
    return Heaps(float(means[0]), float(means[1]), float(shares[1]))


def _one_normal(values: Floats) -> float:
    width = max(values.std(), _LEAST_WIDTH)
    return float(np.log(_densities(values, values.mean(), width)).sum())


def _even(values: Floats) -> float:
    return -len(values) * float(np.log(max(values[-1] - values[0], _LEAST_WIDTH)))


def _two_normals(values: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Fit two normals to sorted values, from the best split on: means in order, deviations, shares, log-likelihood."""
    split = _best_split(values)
    lower = np.arange(len(values)) < split
    membership = np.stack([lower, ~lower], axis=1).astype(float)
    for _ in range(_STEPS):
        weights = membership.sum(axis=0)
        means = membership.T @ values / weights
        widths = np.sqrt((membership * (values[:, None] - means) ** 2).sum(axis=0) / weights)
        widths = np.maximum(widths, _LEAST_WIDTH)
        shares = weights / len(values)
        joint = shares * _densities(values[:, None], means, widths)
        membership = joint / joint.sum(axis=1, keepdims=True)
    order = np.argsort(means)
    return means[order], widths[order], shares[order], float(np.log(joint.sum(axis=1)).sum())


def _best_split(values: Floats) -> int:
    """Return where to cut sorted values so that both parts vary least (Fisher, On Grouping for Maximum Homogeneity,
    1958)."""
    counts = np.arange(1, len(values))
    sums, total = np.cumsum(values)[:-1], values.sum()
    between = sums**2 / counts + (total - sums) ** 2 / (len(values) - counts)
    return int(np.argmax(between)) + 1


def _densities(values: Floats, mean: Floats | float, width: Floats | float) -> Floats:
    heights = np.exp(-(((values - mean) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
    return np.asarray(np.maximum(heights, np.finfo(float).tiny))
