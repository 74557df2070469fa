"""The shape of a sample: outliers, and two clusters ("heaps") instead of one. Pure.

An outlier has a modified z-score above 3.5 on the logarithms, because durations are skewed (Iglewicz and Hoaglin, How
to Detect and Handle Outliers, 1993). A sample has two clusters if a mixture of two normal distributions explains its
logarithms better than one normal or an even spread, by more than 10 on the Bayesian information criterion (Schwarz,
Annals of Statistics 6, 1978; "very strong" in Kass and Raftery, Bayes Factors, Journal of the American Statistical
Association 90, 1995), and the means are far enough apart to leave a gap (Ashman, Bird and Zepf, Astronomical Journal
108, 1994: D above 2). The mixture is fitted by expectation maximisation (Dempster, Laird and Rubin, Journal of the
Royal Statistical Society B 39, 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics.paired import Floats

FAR = 3.5
LEAST_CHANGE = 0.10
"""A value that differs from the median by less is never an outlier, however close the others are to each other."""
SCALED = 1.4826
"""For a normal distribution, the median absolute deviation times this is the standard deviation."""
LEAST_REST = 5
"""Fewer values say little about the spread: a quarter of all samples of three would have an outlier."""
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


def far(logarithms: Floats) -> NDArray[np.bool_]:
    """Return a mask of the outliers; all False if the sample is too small to tell."""
    if len(logarithms) < LEAST_REST:
        return np.zeros(len(logarithms), dtype=bool)
    distance = np.abs(logarithms - np.median(logarithms))
    width = SCALED * np.median(distance)
    return np.asarray(distance > np.maximum(FAR * width, np.log1p(LEAST_CHANGE)))


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
    membership = np.stack([np.arange(len(values)) < split, np.arange(len(values)) >= split], axis=1).astype(float)
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
