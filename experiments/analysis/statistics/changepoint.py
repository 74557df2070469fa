"""Where a series of sweeps changes its level: binary segmentation, each split tested by permutation. Pure.

The best single split (least squares, `ruptures.KernelCPD` with a linear kernel; Truong, Oudre, Vayatis, Selective
Review of Offline Change Point Detection Methods, Signal Processing 167, 2020) is kept if the order of the values
matters: its gain must exceed that of the best split of nearly all permuted series. Then both sides are split again,
each at a level that shrinks with its length (Meinshausen, Hierarchical testing of variable importance, Biometrika 95,
2008): so changes by chance stay as rare after a true change as where nothing changes.
Search and test are those of E-divisive (Matteson, James, A Nonparametric Approach for Multiple Change Point Analysis,
JASA 109, 2014), with the means' distance in place of the energy distance, which suits the logarithms of sweeps.

The test takes the values as exchangeable while nothing changes. A slow drift from sweep to sweep breaks that.
"""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import ruptures

from experiments.analysis.statistics.paired import Floats
from kit.values import Frozen

LEAST_SIDE = 2
LEVEL = 0.05
DRAWS = 999
_SEED = 20_300
"""The same records must give the same answer."""


def least_values(level: float = LEVEL) -> int:
    """Return the number of values below which not even two levels without noise give p ≤ ``level``.

    Of the ways to choose which half comes first only two are as clear: 2 of 70 for 8 values, so 8 at 5 %.
    """
    return next(count for count in itertools.count(2 * LEAST_SIDE) if 2 / comb(count, count // 2) <= level)


class Split(Frozen):
    """The series changes before the value at ``index``; ``p_value`` is that of the permutation test at ``level``."""

    index: int
    p_value: float
    level: float


def splits(values: Floats, level: float = LEVEL, draws: int = DRAWS) -> list[Split]:
    """Return the changes of a series in its order; none if it has fewer than `least_values`."""
    array = np.asarray(values, dtype=float)
    return _splits(array, 0, level / max(1, len(array)), draws, np.random.default_rng(_SEED))


def gains(values: Floats) -> Floats:
    """By how much a split lowers the sum of squares, for each series (last axis) and each place from `LEAST_SIDE` on.

    The gain of the best split is the largest of them.
    """
    count = values.shape[-1]
    places = np.arange(LEAST_SIDE, count - LEAST_SIDE + 1)
    sums = np.cumsum(values - values.mean(axis=-1, keepdims=True), axis=-1)[..., places - 1]
    return np.asarray(sums**2 * count / (places * (count - places)))


def _splits(values: Floats, offset: int, per_value: float, draws: int, random: np.random.Generator) -> list[Split]:
    level = per_value * len(values)
    if not len(values) or len(values) < least_values(level) or np.ptp(values) == 0:
        return []
    index = _best(values)
    observed = gains(values)[index - LEAST_SIDE]
    shuffled = random.permuted(np.broadcast_to(values, (draws, len(values))), axis=1)
    larger = int((gains(shuffled).max(axis=1) >= observed * (1 - 1e-9)).sum())
    p_value = (1 + larger) / (1 + draws)
    if p_value > level:
        return []
    return [
        *_splits(values[:index], offset, per_value, draws, random),
        Split(index=offset + index, p_value=p_value, level=level),
        *_splits(values[index:], offset + index, per_value, draws, random),
    ]


def _best(values: Floats) -> int:
    found = ruptures.KernelCPD(kernel="linear", min_size=LEAST_SIDE).fit(values - values.mean())
    return int(found.predict(n_bkps=1)[0])
