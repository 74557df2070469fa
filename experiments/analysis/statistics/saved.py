"""Interval of the seconds that a form saves: a difference of two geometric means over the same blocks. Pure.

Seconds and percentages of a report must not contradict each other, so both come from one model: the logarithms of a
block's two medians, normal together. The saved seconds are control x (1 - ratio), with the control's geometric mean and
the ratio both known only roughly. Their joint confidence distribution is the bivariate Student's t around the two
means, with the blocks' covariance and one degree of freedom less than there are blocks: any weighted sum of the two
logarithms then has exactly its own t interval, that of the ratio among them. The interval holds the middle 95 % of
what that distribution gives for the seconds (a generalised confidence interval: Weerahandi, Journal of the American
Statistical Association 88, 1993; for log-normal means: Krishnamoorthy and Mathew, Journal of Statistical Planning and
Inference 115, 2003). A saving is above zero exactly where the ratio is below one, so the interval excludes zero if and
only if the ratio's excludes one.

A t interval of the plain differences in seconds would do neither: its middle is not the difference of the shown
seconds, and it can exclude zero where the ratio's does not exclude one. `benchmarks/bench_figures.py` shows how often
both cover the truth.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr, stdtrit

from experiments.analysis.statistics.paired import Floats, deviation

_LEGENDRE, _OF_LEGENDRE = np.polynomial.legendre.leggauss(300)
_NODES, _WEIGHTS = (3 * _LEGENDRE - _LEGENDRE**3) / 2, 1.5 * (1 - _LEGENDRE**2) * _OF_LEGENDRE
"""Nodes of a Gauss quadrature in which the ends are stretched: there a t of few blocks runs off to infinity."""
_BETWEEN_NODES = 0.5
"""Where the ratio alone says what is saved, the share beyond an end jumps from node to node, and the end with it. So
each node stands for its neighbourhood: as much is added to its scale, in distances to its neighbours. Found by trial:
of what was tried, the least error for all kinds of blocks."""
_FARTHEST = 600.0
"""No duration's logarithm is farther from zero; a float's is at most 709."""
_LEAST_STEP = 0.05
"""The search for an end begins so far to either side of a first guess."""
_NEAREST = 1e-300
"""A ratio of exactly one saves nothing, which has no logarithm."""


def seconds(form: Floats, control: Floats) -> float:
    """Return the geometric mean of the control minus that of the form: above zero if the form is sooner."""
    return float(np.exp(np.log(control).mean()) - np.exp(np.log(form).mean()))


def interval(form: Floats, control: Floats, level: float, least: float = 0.0) -> tuple[float, float]:
    """Return the interval of `seconds`, from the seconds of each block, of which there are at least two.

    ``least`` is the deviation that the clocks alone cause, as in `paired.deviation`.
    """
    differences = np.log(form / control)
    spread = float(deviation(differences, least))
    error = spread / float(np.sqrt(len(form)))
    if error == 0 and differences[0] == 0:
        return 0.0, 0.0
    shorter = float(stdtr(len(form) - 1, -differences.mean() / error)) if error > 0 else float(differences[0] < 0)
    tail = (1 - level) / 2
    low, high = (_quantile(form, control, spread, shorter, share) for share in (tail, 1 - tail))
    return low, high


def _quantile(form: Floats, control: Floats, spread: float, shorter: float, share: float) -> float:
    """Return the saving that ``share`` of the distribution lies below; ``shorter`` is how much of it is above zero."""
    if share > 1 - shorter:
        return _exceeded(form, control, spread, (0.0, shorter), 1 - share)
    return -_exceeded(form, control, spread, (shorter, 1.0), share)


def _exceeded(form: Floats, control: Floats, spread: float, part: tuple[float, float], share: float) -> float:
    """Return the seconds, saved or lost, that a ``share`` of the whole lies beyond; ``part`` is that of this sign."""
    low, high = part
    shares, weights = low + (high - low) * (1 + _NODES) / 2, (high - low) / 2 * _WEIGHTS
    positions, scales = _given_ratio(form, control, spread, shares)
    scales = np.hypot(scales, _BETWEEN_NODES * np.gradient(positions))
    from scipy.optimize import brentq  # takes a third of a second, and few commands come here

    def beyond(logarithm: float) -> float:
        away = logarithm - positions
        scaled = np.divide(away, scales, out=np.sign(away) * np.inf, where=scales > 0)
        return float(weights @ stdtr(len(form), -scaled)) - share

    middle, step = _without_scale(positions, weights, share), _LEAST_STEP + float(np.median(scales))
    nearest, farthest = middle - step, middle + step
    while beyond(nearest) < 0:
        # All of this sign may be the share itself, but for rounding.
        if nearest < -_FARTHEST:
            return 0.0
        nearest -= 2 * (farthest - nearest)
    while beyond(farthest) > 0:
        farthest += 2 * (farthest - nearest)
    return float(np.exp(min(brentq(beyond, nearest, farthest), _FARTHEST)))


def _without_scale(positions: Floats, weights: Floats, share: float) -> float:
    """Return where a ``share`` would lie beyond if nothing were spread about its position: a first guess."""
    order = np.argsort(-positions)
    reached = int(np.searchsorted(np.cumsum(weights[order]), share))
    return float(positions[order[min(reached, len(order) - 1)]])


def _given_ratio(form: Floats, control: Floats, spread: float, shares: Floats) -> tuple[Floats, Floats]:
    """Return middle and scale of the logarithm of the seconds, saved or lost, at these quantiles of the ratio.

    A bivariate t, given one of its two values, is a t with one degree of freedom more.
    """
    blocks, logs, differences = len(form), np.log(control), np.log(form / control)
    quantiles = stdtrit(blocks - 1, shares)
    slope = float(np.cov(logs, differences)[0, 1]) / spread if spread > 0 else 0.0
    own = max(float(logs.var(ddof=1)) - slope**2, 0.0)
    ratios = differences.mean() + quantiles * spread / np.sqrt(blocks)
    shares_saved = np.maximum(ratios, 0) + np.log(np.maximum(-np.expm1(-np.abs(ratios)), _NEAREST))
    middles = logs.mean() + quantiles * slope / np.sqrt(blocks)
    scales = np.sqrt(own / blocks * (blocks - 1 + quantiles**2) / blocks)
    return shares_saved + middles, scales
