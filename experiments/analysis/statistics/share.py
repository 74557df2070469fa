"""Shares of tasks, with exact intervals and an exact test of whether one share is smaller. Pure.

The interval is that of Clopper and Pearson (The Use of Confidence or Fiducial Limits Illustrated in the Case of the
Binomial, Biometrika 26, 1934): it never covers less than its level. The test is Fisher's exact test, one-sided (The
Design of Experiments, 1935, section 21; `scipy.stats.fisher_exact`). Both take tasks as independent of each other.
Tasks of a round are not, so whoever decides by them also asks a permutation of whole blocks (`analysis.shares`).
"""

from __future__ import annotations

from scipy.special import betaincinv


def interval(count: int, of: int, level: float) -> tuple[float, float]:
    """Return the low and high end of the interval of a share; ``count`` of ``of`` (at least 1) have the property."""
    alpha = (1 - level) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, of - count + 1, alpha))
    high = 1.0 if count == of else float(betaincinv(count + 1, of - count, 1 - alpha))
    return low, high


def smaller_p(count: int, of: int, count_before: int, of_before: int) -> float:
    """Return the one-sided p of the first share being smaller than the second; 1 if that is not even so here, or if
    either is a share of nothing."""
    if count * of_before >= count_before * of:
        return 1.0
    from scipy.stats import fisher_exact  # slow to import, and in most sweeps every task boots

    table = [[count, of - count], [count_before, of_before - count_before]]
    return float(fisher_exact(table, alternative="less").pvalue)
