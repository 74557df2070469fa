from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.analysis.statistics import between, changepoint, searched
from experiments.analysis.statistics.between import WITHIN
from experiments.analysis.statistics.changepoint import LEAST_SIDE
from experiments.analysis.statistics.paired import Floats


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.03, 0.2])
def test_ranges_hold_the_truth_of_the_changes_that_were_found(size: float) -> None:
    random = np.random.default_rng(4)
    places, sizes, plain = [], [], []
    for _ in range(400):
        values = random.normal(0, 0.05, 12) + np.repeat([0, size], 6)
        for split in changepoint.splits(values, draws=99)[:1]:
            found = searched.found(values, split.index, split.level)
            sizes.append(found.low <= size <= found.high)
            places.append(found.earliest <= 6 <= found.latest)
            low, high = between.interval(values[: split.index], values[split.index :], WITHIN, 0.95)
            plain.append(low <= size <= high)
        if len(sizes) == 30:
            break
    assert np.mean(sizes) > 0.85  # 0.95 is promised; 0.85 is 2.5 standard deviations below it
    assert np.mean(places) > 0.85
    if size < 0.05:
        assert np.mean(plain) < 0.75  # what an interval that knows nothing of the search does


def test_the_interval_of_a_large_change_is_that_of_welch() -> None:
    values = np.random.default_rng(1).normal(0, 0.02, 20) + np.repeat([0, 0.5], 10)
    found = searched.found(values, 10)
    low, high = between.interval(values[:10], values[10:], WITHIN, 0.95)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.004), pytest.approx(high, abs=0.004))
    assert (found.earliest, found.latest) == (10, 10)


def test_levels_without_noise_have_no_range() -> None:
    found = searched.found(np.repeat([0.0, 1.0], 5), 5)
    assert (found.low, found.high, found.earliest, found.latest) == (1, 1, 5, 5)


def rest(drawn: Floats, place: int) -> Floats:
    """The sum of squares around the two levels of each series, by its definition."""
    sides = drawn[..., :place], drawn[..., place:]
    return sum(((side - side.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for side in sides)


class Simulated:
    """The method of the module's docstring step by step, for one series, with the same noise."""

    def __init__(self, values: Floats, index: int, level: float) -> None:
        self.values, self.index, self.count = values, index, len(values)
        self.places = range(LEAST_SIDE, self.count - LEAST_SIDE + 1)
        self.size, self.error = self.estimate(values, index)
        self.noise = np.random.default_rng(searched._SEED).normal(size=(round(100 / level), self.count))
        self.least = np.quantile(self.explained(self.noise), 1 - level)

    def estimate(self, series: Floats, place: int) -> tuple[float, float]:
        spread = np.sqrt(rest(series, place) / (self.count - 2))
        size = series[place:].mean() - series[:place].mean()
        return size, spread * np.sqrt(1 / place + 1 / (self.count - place))

    def best(self, drawn: Floats) -> tuple[NDArray[np.intp], Floats]:
        rests = np.array([rest(drawn, place) for place in self.places])
        return rests.argmin(axis=0) + LEAST_SIDE, rests.min(axis=0)

    def explained(self, drawn: Floats) -> Floats:
        return 1 - self.best(drawn)[1] / (drawn.var(axis=1) * self.count)

    def found(self, spread: float, supposed: float, place: int) -> Floats:
        drawn = self.noise * spread
        drawn[:, place:] += supposed
        return drawn[self.explained(drawn) >= self.least]

    def agrees(self, supposed: float) -> bool:
        """Whether the seen size is none of the 5 % that are farthest from the supposed one, in standard errors."""
        without = self.values.copy()
        without[self.index :] -= supposed
        drawn = self.found(without.std(ddof=1), supposed, self.index)
        estimates = [self.estimate(each, place) for each, place in zip(drawn, self.best(drawn)[0], strict=True)]
        away = np.array([(size - supposed) / error for size, error in estimates])
        seen = (self.size - supposed) / self.error
        return min((away <= seen).mean(), (away >= seen).mean()) > 0.025

    def is_likely(self, place: int) -> bool:
        """Whether as much is seen to speak for another place in more than 5 % of series that change at this one."""
        spread = np.sqrt(rest(self.values, place) / (self.count - 2))
        drawn = self.found(spread, self.estimate(self.values, place)[0], place)
        seen = rest(self.values, place) / self.best(self.values)[1]
        return bool((rest(drawn, place) / self.best(drawn)[1] >= seen).mean() > 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "index", "level"), [(0.08, 6, 0.1), (-0.06, 3, 0.25), (0.12, 9, 0.1), (0.2, 2, 0.1)])
def test_size_and_place_are_those_of_the_method_step_by_step(size: float, index: int, level: float) -> None:
    values = np.random.default_rng(index).normal(5, 0.05, 12) + np.where(np.arange(12) >= index, size, 0)
    told, simulated = searched.found(values, index, level), Simulated(values, index, level)
    assert told.size == pytest.approx(simulated.size)
    within = abs(told.high - told.low) / 500
    assert [simulated.agrees(told.low + within), simulated.agrees(told.low - within)] == [True, False]
    assert [simulated.agrees(told.high - within), simulated.agrees(told.high + within)] == [True, False]
    likely = [place for place in simulated.places if simulated.is_likely(place)]
    assert (told.earliest, told.latest) == (min([*likely, index]), max([*likely, index]))


@pytest.mark.parametrize(("true", "far"), [(5.3, 1.0), (-5.3, -1.0), (0.3, 1.0), (-0.3, -1.0)])
def test_an_end_is_found_to_a_four_thousandth(true: float, far: float) -> None:
    end = searched._end(lambda size: abs(size - 1) < abs(true), 1.0, far)
    step = 4 / 4096 if abs(true) > 1 else 1 / 4096
    assert end - 1 == pytest.approx(np.sign(far) * np.ceil(abs(true) / step) * step, abs=1e-9)


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_the_smallest_spread_that_is_taken_for_noise(size: float) -> None:
    values = np.repeat([0.0, size], 5)
    for noise, ranged in ((1e-13, False), (1e-10, False), (5e-7, False), (2e-6, True)):
        told = searched.found(values + noise * size * np.array([1, -1] * 5), 5)
        assert (told.low < told.size < told.high) is ranged
