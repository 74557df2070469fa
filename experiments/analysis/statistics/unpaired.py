"""The permutation test for two sets of blocks measured separately, such as before and after a change. Pure.

Whole blocks are exchanged between the sweeps: every choice of blocks is enumerated while that is cheap, else choices
are drawn, with one added to numerator and denominator; two-sided is twice the smaller tail. The order of the sweeps was
not randomised, so it detects a difference between two days as well as one between two images, as the t test of
`statistics.between` does. Only repetition tells them apart.

`scipy.stats.permutation_test` gives the same (a test compares them), but importing it takes longer than comparing two
sweeps, and at 10 blocks it takes 90 ms for each comparison.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import DRAWS, ROUNDING, Permuted

_SEED = 20_100
"""The same records must give the same answer."""


def permuted(before: Floats, after: Floats) -> Permuted:
    """Run the permutation test of the difference of means."""
    pooled, every = np.concatenate([before, after]), comb(len(before) + len(after), len(before))
    # The other side has what is left of the same total, so one side's sum orders the differences.
    sums, observed = pooled[_choices(len(before), len(after))].sum(axis=1), before.sum()
    rounding = ROUNDING * np.abs(pooled).sum()
    tail = min(np.sum(sums <= observed + rounding), np.sum(sums >= observed - rounding))
    added = int(every > DRAWS)
    return Permuted(min(1.0, float(2 * (tail + added) / (len(sums) + added))), 2 / min(every, 1 + DRAWS))


@lru_cache(maxsize=4)
def _choices(before: int, after: int) -> NDArray[np.intp]:
    """Return choices of as many blocks as one sweep has, from those of both: choices x ``before``."""
    blocks = before + after
    if comb(blocks, before) <= DRAWS:
        return np.array(list(combinations(range(blocks), before)))
    random = np.random.default_rng(_SEED)
    return np.array([random.permutation(blocks)[:before] for _ in range(DRAWS)])
