"""Our intervals and tests for many simulated sweeps at once, and others to compare them with. Pure.

The others: Welch's t over all tasks as if they were independent (naive), the percentile bootstrap over blocks, the
interval of Hodges and Lehmann, and the moderated t with a prior fitted to the sweep's own spreads, as in limma.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import polygamma, psi, stdtr, stdtrit

from benchmarks.simulated import PHASES, PRIMARY, Floats
from experiments.analysis.comparisons import PRIMARY_SHARE
from experiments.analysis.statistics import moderated, paired
from experiments.analysis.statistics.multiple import holm

LEVEL = 0.95
BOOTSTRAPS = 400
MOST_PRIOR_FREEDOM = 1e4
"""The fitted prior's limit, for spreads that vary less than by chance alone."""
NEWTON_STEPS, NEWTON_PRECISION = 20, 1e-12


def different(adjusted: Floats) -> float:
    """The share of sweeps that are called different, from corrected p-values: sweeps x all comparisons."""
    return float(np.mean((adjusted <= 1 - LEVEL).any(axis=-1)))


def adjusted_p_values(logs: Floats, factor: float = 1.0) -> Floats:
    """Those of `comparisons.compare`, for the `differences` of many sweeps at once: sweeps x all comparisons."""
    alone = np.minimum(paired.p_value(logs) * factor, 1)
    pooling = alone
    if moderated.applies(logs.shape[-1], logs.shape[1]):
        pooled = logs.var(axis=-1, ddof=1).mean(axis=1, keepdims=True)
        pooling = np.minimum(moderated.p_value(logs, pooled) * factor, 1)
    return np.maximum(corrected(pooling), alone.reshape(len(alone), -1))


def corrected(p_values: Floats) -> Floats:
    """Holm's correction with the weights of `comparisons.compare`, from p-values by sweep, cell and phase."""
    shares = np.full(p_values.shape[1:], (1 - PRIMARY_SHARE) / (PHASES - 1))
    shares[:, PRIMARY] = PRIMARY_SHARE
    return holm(p_values.reshape(len(p_values), -1), shares.reshape(-1))


def fitted_p_values(logs: Floats) -> Floats:
    """Moderated t with the prior of each phase fitted by the moments of its log variances (Smyth 2004, section 6.2).

    As in limma, the test has at most the degrees of freedom of all spreads of the phase together.
    """
    freedom, variances = logs.shape[-1] - 1, logs.var(axis=-1, ddof=1)
    log_variances = np.log(variances) - psi(freedom / 2) + np.log(freedom / 2)
    excess = log_variances.var(axis=1, ddof=1, keepdims=True) - polygamma(1, freedom / 2)
    prior = np.where(excess > 0, 2 * trigamma_inverse(np.where(excess > 0, excess, 1)), MOST_PRIOR_FREEDOM)
    prior = np.minimum(prior, MOST_PRIOR_FREEDOM)
    pooled = np.exp(log_variances.mean(axis=1, keepdims=True) + psi(prior / 2) - np.log(prior / 2))
    error = np.sqrt((prior * pooled + freedom * variances) / (prior + freedom) / logs.shape[-1])
    total_freedom = np.minimum(prior + freedom, freedom * logs.shape[1])
    return np.asarray(2 * stdtr(total_freedom, -np.abs(logs.mean(axis=-1)) / error))


def trigamma_inverse(values: Floats) -> Floats:
    """The inverse of the trigamma function, by Newton's method (Smyth 2004, appendix)."""
    inverse = 0.5 + 1 / values
    for _ in range(NEWTON_STEPS):
        trigamma = polygamma(1, inverse)
        step = trigamma * (1 - trigamma / values) / polygamma(2, inverse)
        inverse = inverse + step
        if np.all(np.abs(step) < NEWTON_PRECISION * inverse):
            break
    return np.asarray(inverse)


def any_below(p_values: Floats) -> float:
    """The share of sweeps with any uncorrected p-value below the level, as if each test were the only one."""
    return float(np.mean((p_values <= 1 - LEVEL).any(axis=(1, 2))))


def naive_interval(tasks: Floats) -> tuple[Floats, Floats]:
    """Welch's t interval over all tasks of one comparison: sweeps x blocks x (control, form) x tasks."""
    middle, error, freedom = _welch(np.moveaxis(tasks, 1, -2))
    half = stdtrit(freedom, (1 + LEVEL) / 2) * error
    return middle - half, middle + half


def naive_p_values(tasks: Floats) -> Floats:
    """Welch's t test over all tasks of every comparison: sweeps x cells x phases."""
    middle, error, freedom = _welch(np.moveaxis(tasks, 1, -2))
    return np.asarray(2 * stdtr(freedom, -np.abs(middle / error)))


def _welch(tasks: Floats) -> tuple[Floats, Floats, Floats]:
    """Difference of means, its standard error and degrees of freedom; last axes: (control, form) x blocks x tasks.

    Tasks that never booted are dropped, as whoever takes a naive interval does.
    """
    pooled = tasks.reshape(*tasks.shape[:-2], -1)
    pooled = np.where(np.isinf(pooled), np.nan, pooled)
    counts = np.sum(~np.isnan(pooled), axis=-1)
    parts = np.nanvar(pooled, axis=-1, ddof=1) / counts
    total = parts.sum(axis=-1)
    means = np.nanmean(pooled, axis=-1)
    freedom = total**2 / (parts**2 / (counts - 1)).sum(axis=-1)
    return means[..., 1] - means[..., 0], np.sqrt(total), freedom


def bootstrap_interval(logs: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Percentiles of the means of blocks drawn with replacement."""
    blocks = logs.shape[-1]
    drawn = generator.integers(0, blocks, (BOOTSTRAPS, blocks))
    means = logs[:, drawn].mean(axis=-1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1)
    return low, high


def hodges_lehmann_interval(logs: Floats) -> tuple[Floats, Floats]:
    """The interval that inverts Wilcoxon's signed rank test: order statistics of the means of all pairs of blocks.

    Hodges and Lehmann, Estimates of Location Based on Rank Tests, Annals of Mathematical Statistics 34, 1963. The last
    axis is blocks; with fewer than 6 no such interval has the level.
    """
    blocks = logs.shape[-1]
    first, second = np.triu_indices(blocks)
    means = np.sort((logs[..., first] + logs[..., second]) / 2, axis=-1)
    cut = _left_out(blocks)
    return means[..., cut], means[..., -1 - cut]


@lru_cache(maxsize=32)
def _left_out(blocks: int) -> int:
    """The means to leave out at each end: as many as the signed rank sum exceeds in at most half of the error."""
    ways = np.zeros(blocks * (blocks + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, blocks + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return max(0, int(np.sum(np.cumsum(ways) / 2**blocks <= (1 - LEVEL) / 2)) - 1)
