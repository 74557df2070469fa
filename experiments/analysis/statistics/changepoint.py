"""Where a series of sweeps changes its level: binary segmentation, each split tested by permutation. Pure.

The best single split (least squares, `ruptures.KernelCPD` with a linear kernel; Truong, Oudre, Vayatis, Selective
Review of Offline Change Point Detection Methods, Signal Processing 167, 2020) is kept if the order of the values
matters: its gain must exceed that of the best split of nearly all permuted series. Then both sides are split again.
Search and test are those of E-divisive (Matteson, James, A Nonparametric Approach for Multiple Change Point Analysis,
JASA 109, 2014), with the means' distance in place of the energy distance, which suits the logarithms of sweeps.

The test takes the values as exchangeable while nothing changes. A slow drift from sweep to sweep breaks that.
"""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import ruptures
from scipy.stats import chi2

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
    """The series changes before the value at ``index``; ``p_value`` is that of the permutation test.

    The change may as well lie anywhere from ``earliest`` to ``latest``: there the likelihood of normal values is not
    lower by more than the 95 % quantile of chi square with one degree of freedom (after Hinkley, Inference about the
    Change-Point in a Sequence of Random Variables, Biometrika 57, 1970; approximate: in
    series of 20 the range held the place in about 84 % of cases).
    """

    index: int
    earliest: int
    latest: int
    p_value: float


def splits(values: Floats, level: float = LEVEL, draws: int = DRAWS) -> list[Split]:
    """Return the changes of a series in its order; none if it has fewer than `least_values`."""
    return _splits(np.asarray(values, dtype=float), 0, level, draws, np.random.default_rng(_SEED))


def _splits(values: Floats, offset: int, level: float, draws: int, random: np.random.Generator) -> list[Split]:
    if len(values) < least_values(level) or np.ptp(values) == 0:
        return []
    index = _best(values)
    observed = _gain(values, index)
    shuffled = (random.permutation(values) for _ in range(draws))
    larger = sum(_gain(each, _best(each)) >= observed * (1 - 1e-9) for each in shuffled)
    p_value = (1 + larger) / (1 + draws)
    if p_value > level:
        return []
    return [
        *_splits(values[:index], offset, level, draws, random),
        _described(values, index, offset, p_value),
        *_splits(values[index:], offset + index, level, draws, random),
    ]


def _described(values: Floats, index: int, offset: int, p_value: float) -> Split:
    total = float(((values - values.mean()) ** 2).sum())
    places = np.arange(LEAST_SIDE, len(values) - LEAST_SIDE + 1)
    left = np.array([max(total - _gain(values, int(place)), 1e-12 * total) for place in places])
    likely = places[len(values) * np.log(left / left.min()) <= chi2.ppf(0.95, 1)]
    earliest, latest = int(min(likely.min(), index)), int(max(likely.max(), index))
    return Split(index=offset + index, earliest=offset + earliest, latest=offset + latest, p_value=p_value)


def _best(values: Floats) -> int:
    found = ruptures.KernelCPD(kernel="linear", min_size=LEAST_SIDE).fit(values - values.mean())
    return int(found.predict(n_bkps=1)[0])


def _gain(values: Floats, index: int) -> float:
    """By how much a split lowers the sum of squares."""
    before, after = values[:index], values[index:]
    return float(len(before) * len(after) / len(values) * (before.mean() - after.mean()) ** 2)
