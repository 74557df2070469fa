"""The shape of a sample: values far from the rest, and two heaps instead of one. Pure.

Far from the rest is a modified z-score above 3.5 on the logarithms (Iglewicz and Hoaglin, How to Detect and Handle
Outliers, 1993), for durations are skewed. Two heaps are what a mixture of two normal distributions of the logarithms
explains better than one, and better than an even spread, by more than 10 of the Bayesian information criterion
(Schwarz, Annals of Statistics 6, 1978; "very strong" in Kass and Raftery, Bayes Factors, Journal of the American
Statistical Association 90, 1995), if their means are far enough apart to leave a gap (Ashman, Bird and Zepf,
Astronomical Journal 108, 1994: D above 2). The mixture is fitted by expectation maximisation (Dempster, Laird and
Rubin, Journal of the Royal Statistical Society B 39, 1977).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics.paired import Floats

FAR = 3.5
LEAST_CHANGE = 0.10
"""A value that differs by less from the median is never far, however alike the others are."""
SCALED = 1.4826
"""Median absolute deviation times this is the standard deviation of a normal distribution."""
LEAST_REST = 5
"""Of three values, one is called far in a quarter of all samples: their median absolute deviation knows little."""
LEAST_SAMPLE = 20
MOST_SAMPLE = 1_000
"""More values are thinned out evenly: two heaps that 1,000 values do not show are none."""
LEAST_HEAP = 0.1
LEAST_GAP = 2.0
LEAST_GAIN = 10.0
_STEPS = 200
_LEAST_WIDTH = 1e-4


@dataclass(frozen=True)
class Heaps:
    """Two heaps in a sample of logarithms: the means of the lower and upper one, and the upper one's share."""

    lower: float
    upper: float
    upper_share: float


def far(logarithms: Floats) -> NDArray[np.bool_]:
    """Which values lie far from the rest; none where the rest is too small to tell."""
    if len(logarithms) < LEAST_REST:
        return np.zeros(len(logarithms), dtype=bool)
    distance = np.abs(logarithms - np.median(logarithms))
    width = SCALED * np.median(distance)
    return np.asarray(distance > np.maximum(FAR * width, np.log1p(LEAST_CHANGE)))


def heaps(logarithms: Floats) -> Heaps | None:
    """The two heaps of a sample; None when one explains it, or it is too small to tell."""
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
    """Means in order, standard deviations, shares and log-likelihood, begun at the split with the least spread."""
    split = _best_split(values)
    belongs = np.stack([np.arange(len(values)) < split, np.arange(len(values)) >= split], axis=1).astype(float)
    for _ in range(_STEPS):
        weights = belongs.sum(axis=0)
        means = belongs.T @ values / weights
        widths = np.sqrt((belongs * (values[:, None] - means) ** 2).sum(axis=0) / weights)
        widths = np.maximum(widths, _LEAST_WIDTH)
        shares = weights / len(values)
        joint = shares * _densities(values[:, None], means, widths)
        belongs = joint / joint.sum(axis=1, keepdims=True)
    order = np.argsort(means)
    return means[order], widths[order], shares[order], float(np.log(joint.sum(axis=1)).sum())


def _best_split(values: Floats) -> int:
    """Where to cut sorted values so that both parts vary least (Fisher, On Grouping for Maximum Homogeneity, 1958)."""
    counts = np.arange(1, len(values))
    sums, total = np.cumsum(values)[:-1], values.sum()
    between = sums**2 / counts + (total - sums) ** 2 / (len(values) - counts)
    return int(np.argmax(between)) + 1


def _densities(values: Floats, mean: Floats | float, width: Floats | float) -> Floats:
    heights = np.exp(-(((values - mean) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
    return np.asarray(np.maximum(heights, np.finfo(float).tiny))
