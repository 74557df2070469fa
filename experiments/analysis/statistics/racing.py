"""Who may be dropped from a race: one-sided tests against the leader, with the error shared out over all looks. Pure.

After the first block a form that took `FAR` times as long as the fastest is dropped: a slow `plain` would else eat the
budget, and a start that is doubled by chance is rare. After each block from the second on, every form is compared with
the one that is fastest so far, by the differences of their logarithms in the blocks that measured both (racing, as
Maron and Moore, The Racing Algorithm: Model Selection for Lazy Learners, Artificial Intelligence Review 11, 1997; with
blocks and paired tests, as Birattari, Stützle, Paquete and Varrentrapp, A Racing Algorithm for Configuring
Metaheuristics, GECCO 2002).

- The error of a look after k blocks is ``error ÷ (k (k - 1))``, which sums to ``error`` over all k from 2 on: no number
  of looks has to be known beforehand (alpha spending: Lan and DeMets, Discrete Sequential Boundaries for Clinical
  Trials, Biometrika 70, 1983). Within a look it is shared equally among all pairs that a form may lose (Bonferroni).
- Two blocks give a pair one degree of freedom, which drops nothing. So the variance of a pair borrows from all pairs,
  as in `moderated`, with `PRIOR_FREEDOM` degrees of freedom: more than there, since a wrong drop costs little where two
  forms are close, and forms that are far apart are dropped in any case.

`benchmarks/bench_race.py` shows how often the fastest form is dropped, also where forms scatter unlike.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from experiments.analysis.statistics.paired import Floats

FIRST_LOOK = 2
"""Blocks before anything may be dropped."""
FAR = 2.0
PRIOR_FREEDOM = 8


def p_slower(logs: Floats, leader: int) -> Floats:
    """Return for each form the one-sided p of being no slower than the leader, from logarithms (forms x blocks).

    NaN stands for a form that a block did not measure. The leader, and a form without two blocks in common with it,
    have 1.
    """
    differences = logs - logs[leader]
    counts = np.sum(~np.isnan(differences), axis=1)
    testable = (counts >= FIRST_LOOK) & (np.arange(len(logs)) != leader)
    result = np.ones(len(logs))
    if not testable.any():
        return result
    chosen, blocks = differences[testable], counts[testable]
    variances, means = np.nanvar(chosen, axis=1, ddof=1), np.nanmean(chosen, axis=1)
    pooled = float(np.average(variances, weights=blocks - 1))
    prior = min(PRIOR_FREEDOM, int((blocks - 1).sum()))
    variance = (prior * pooled + (blocks - 1) * variances) / (prior + blocks - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(means == 0, 0.0, means / np.sqrt(variance / blocks))
    result[testable] = stdtr(prior + blocks - 1, -t)
    return result


def error_of_look(error: float, blocks: int, forms: int) -> float:
    """Return the level of one test in the look after ``blocks`` blocks, of a race that ``forms`` forms began."""
    return error / (blocks * (blocks - 1)) / max(1, forms - 1)
