"""Do few values, in groups of unknown levels, take one of two values rather than scatter about one? Pure.

For rounds: each group is a task count, each value one round, and a second value comes now and then in all groups alike.
With so few values, no criterion for large samples holds (`shape.heaps` needs 20). So two models are fitted by least
squares, one level per group, and one level per group with a second value at the same distance above it in all groups.
The share of the squares that the second value explains is compared with its distribution over normal values in the
same groups, which depends on nothing else and is found by simulation (McLachlan, On Bootstrapping the Likelihood Ratio
Test Statistic for the Number of Components in a Normal Mixture, Applied Statistics 36, 1987). A single far value, above
or below the others, is no second value but an outlier. So both values must be taken at least twice in groups that show
both: of a group that shows one, nobody knows which of the two it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from experiments.analysis.statistics.paired import Floats

LEAST_VALUES = 6
LEAST_TIMES = 2
"""Each value must be taken so often, in groups that show both."""
LEAST_DISTANCE = float(np.log1p(0.05))
"""Nearer values make no difference to anybody."""
LEAST_GAP = 2.5
"""The distance in standard deviations about each value (Ashman's D, see `shape`)."""
DRAWS = 4_999
MOST_VALUES = 120
"""Larger groups are cut: a second value that so many rounds do not show does not matter."""
_STARTS = (1.0, 0.7, 0.45)
"""First guesses of the distance, as shares of the widest group's range."""
_STEPS = 6
_SEED = 20_400
"""The same records must give the same answer."""


@dataclass(frozen=True)
class SecondValue:
    """The upper value's distance, as a logarithm, its share of all values, and the p-value of there being only one.

    A group that shows one value counts as taking the one that is more frequent where both are shown.
    """

    distance: float
    share: float
    p_value: float


def second_value(groups: Sequence[Floats]) -> SecondValue | None:
    """Return the best fit of a second value to logarithms in groups; None if there is no such value worth a word."""
    kept = [group for group in groups if len(group) > 1]
    most = max(2, MOST_VALUES // max(1, len(kept)))
    kept = [group[:most] for group in kept]
    count = sum(map(len, kept))
    if count < LEAST_VALUES or all(np.ptp(group) == 0 for group in kept):
        return None
    sizes = tuple(sorted(map(len, kept)))
    unexplained, distance, [upper], [lower] = _fit([group[None, :] for group in kept])
    if min(upper, lower) < LEAST_TIMES or distance[0] < LEAST_DISTANCE:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in kept)
    if distance[0] < LEAST_GAP * np.sqrt(max(0.0, unexplained[0]) * squares / count):
        return None
    as_clear = int(np.searchsorted(_by_chance(sizes), unexplained[0] * (1 + 1e-9)))
    share = upper / count if upper <= lower else 1 - lower / count
    return SecondValue(float(distance[0]), float(share), (1 + as_clear) / (1 + DRAWS))


@lru_cache(maxsize=64)
def _by_chance(sizes: tuple[int, ...]) -> Floats:
    """Return what a second value leaves unexplained of normal values, sorted; all of them if it is only an outlier."""
    generator = np.random.default_rng(_SEED)
    unexplained, _, upper, lower = _fit([generator.standard_normal((DRAWS, size)) for size in sizes])
    rare = np.minimum(upper, lower) < LEAST_TIMES
    return np.sort(np.where(rare, 1.0, unexplained))


def _fit(groups: Sequence[Floats]) -> Floats:
    """Fit to many samples at once (rows), and return four rows with a column per sample: the share of squares left, the
    distance, and how many values are upper and lower in groups that show both.

    In each sample some values of a group must differ. Then some cut is always better than none: of its lowest and its
    highest value, one is farther from the mean of the group's others than half of its range.
    """
    parts = [_Group(group) for group in groups]
    total = sum(part.squares for part in parts)
    widest = np.max([part.range for part in parts], axis=0)
    best = np.ones((4, len(total)))
    for start in _STARTS:
        distance = start * widest
        for _ in range(_STEPS):
            chosen = [part.split(distance) for part in parts]
            weight = sum(each[1] for each in chosen)
            distance = sum(each[0] for each in chosen) / weight
        left = 1 - distance**2 * weight / total
        better = left < best[0]
        uppers, lowers = sum(each[2] for each in chosen), sum(each[3] for each in chosen)
        best = np.where(better, [left, distance, uppers, lowers], best)
    return best


class _Group:
    """Samples of one group (rows), and what each way to cut the sorted values into lower and upper ones explains."""

    def __init__(self, values: Floats) -> None:
        count = values.shape[1]
        ordered = np.sort(values)
        centred = ordered - ordered.mean(axis=1, keepdims=True)
        self.squares = (centred**2).sum(axis=1)
        self.range = ordered[:, -1] - ordered[:, 0]
        uppers = np.arange(count)
        self._sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(centred[:, :0:-1], axis=1)], axis=1)
        self._weights = uppers * (count - uppers) / count

    def split(self, distance: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Cut so that a second value at ``distance`` leaves least: the cut's sum, its weight, the numbers of values
        above it and below; none, where no cut is best."""
        left = distance[:, None] ** 2 * self._weights - 2 * distance[:, None] * self._sums
        uppers = np.argmin(left, axis=1)
        lowers = np.where(uppers > 0, len(self._weights) - uppers, 0)
        return self._sums[np.arange(len(uppers)), uppers], self._weights[uppers], uppers, lowers
