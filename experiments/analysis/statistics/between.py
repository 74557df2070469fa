"""How much sweeps of the same thing differ, and what that adds to the difference of two sweeps. Pure.

A sweep's mean of logarithms is level + deviation of the sweep + mean of its blocks' deviations: a one-way
random-effects model. The blocks tell their own share, but of the sweep's share two sweeps alone tell nothing: it takes
several sweeps of the same thing. Their means vary by

    S² = sum over the groups of (sweep mean - group mean)² / freedom,    freedom = sum of (sweeps - 1)

which estimates variance between sweeps + v, where v is the usual (variance of the blocks ÷ blocks). So the variance
between sweeps is max(0, S² - v), by the method of moments (DerSimonian and Laird, Controlled Clinical Trials 7, 1986,
with equal weights: Hedges and Olkin, Statistical Methods for Meta-Analysis, 1985, chapter 9). The difference of two
sweeps has the variance 2 (S² - v) + v(before) + v(after). Its degrees of freedom are Satterthwaite's (Biometrics
Bulletin 2, 1946) with S² counting as ``freedom`` of them, also where the estimate is zero: with so few sweeps, that it
looks like zero does not make it so. With sweeps of equal spread and as many blocks, this is the exact t test on the
sweeps' means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import Floats

LEAST_SWEEPS = 2


@dataclass(frozen=True)
class Between:
    """What sweeps of the same thing tell, on the scale of logarithms."""

    of_means: float
    """S²: the variance of sweeps' means."""
    of_blocks: float
    """v: the part of it that the blocks explain."""
    freedom: int
    sweeps: int

    @property
    def deviation(self) -> float:
        """The standard deviation between sweeps."""
        return float(np.sqrt(max(0.0, self.of_means - self.of_blocks)))


WITHIN = Between(of_means=0.0, of_blocks=0.0, freedom=1, sweeps=0)
"""No difference between sweeps: what is left of `spread` is Welch's t (The Generalization of Student's Problem when
Several Different Population Variances are Involved, Biometrika 34, 1947), which allows two sweeps different variances.
`scipy.stats.ttest_ind` gives the same (tests compare them), and takes longer to import than a comparison takes."""


def estimate(groups: Sequence[Sequence[Floats]]) -> Between | None:
    """Estimate it from groups of sweeps of the same thing, each given by its blocks (two at least); None if no group
    has `LEAST_SWEEPS`."""
    told = [group for group in groups if len(group) >= LEAST_SWEEPS]
    freedom = sum(len(group) - 1 for group in told)
    if not freedom:
        return None
    squares = sum(float(np.var([sweep.mean() for sweep in group], ddof=1)) * (len(group) - 1) for group in told)
    explained = sum(
        float(np.mean([sweep.var(ddof=1) / len(sweep) for sweep in group])) * (len(group) - 1) for group in told
    )
    return Between(squares / freedom, explained / freedom, freedom, sum(map(len, told)))


def interval(before: Floats, after: Floats, between: Between, level: float, least: float = 0.0) -> tuple[float, float]:
    """Return the interval of mean(after) - mean(before) over sweeps; each side has at least two blocks.

    ``least`` is the standard deviation of a value that the clocks alone cause, as in `paired.deviation`.
    """
    variance, freedom = _spread(before, after, between, least)
    half = float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance))
    middle = float(after.mean() - before.mean())
    return middle - half, middle + half


def p_value(before: Floats, after: Floats, between: Between, least: float = 0.0) -> float:
    """Return the two-sided p of the t test that the interval inverts."""
    variance, freedom = _spread(before, after, between, least)
    difference = abs(float(after.mean() - before.mean()))
    return float(2 * stdtr(freedom, -difference / np.sqrt(variance))) if variance > 0 else float(difference == 0)


def spread(
    before: Floats, after: Floats, blocks: tuple[int, int], between: Between, of_means: Floats | float
) -> tuple[Floats, Floats]:
    """Return variance and degrees of freedom of the difference, from each side's variance of its mean over ``blocks``.

    ``of_means`` is S², given apart because a simulation draws it.
    """
    common = 2 * np.maximum(of_means, between.of_blocks)
    variance = common - 2 * between.of_blocks + before + after
    with np.errstate(invalid="ignore"):
        freedom = variance**2 / (common**2 / between.freedom + before**2 / (blocks[0] - 1) + after**2 / (blocks[1] - 1))
    least = min(between.freedom, blocks[0] - 1, blocks[1] - 1)  # what is subtracted could push it below any part's
    return np.asarray(variance), np.maximum(np.nan_to_num(np.asarray(freedom), nan=1.0), least)


def of_mean(blocks: Floats, least: float) -> Floats:
    """Return the variance of the mean over the last axis, the blocks."""
    return np.asarray(paired.deviation(blocks, least) ** 2 / blocks.shape[-1])


def _spread(before: Floats, after: Floats, between: Between, least: float) -> tuple[Floats, Floats]:
    blocks = len(before), len(after)
    return spread(of_mean(before, least), of_mean(after, least), blocks, between, between.of_means)
