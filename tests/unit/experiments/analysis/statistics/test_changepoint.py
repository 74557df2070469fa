from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics import changepoint


def test_a_level_that_changes_twice_is_found_at_both_places() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        values = random.normal(0, 0.02, 36) + np.repeat([0, 0.2, 0.5], 12)
        assert {12, 24} <= {split.index for split in changepoint.splits(values, draws=199)}


def test_fewer_than_eight_values_say_nothing_however_clear_they_look() -> None:
    clear = np.array([1, 1.01, 1.02, 1, 9, 9.01, 9.02, 9])
    assert [split.index for split in changepoint.splits(clear)] == [4]
    assert changepoint.splits(clear[:7]) == []


@pytest.mark.parametrize(("level", "least"), [(0.05, 8), (0.025, 9), (0.05 / 8, 11), (0.5, 4), (2 / 70, 8)])
def test_more_series_need_more_sweeps(level: float, least: int) -> None:
    assert changepoint.least_values(level) == least


def test_noise_alone_is_called_a_change_in_about_one_series_of_twenty() -> None:
    random = np.random.default_rng(2)
    found = sum(bool(changepoint.splits(random.normal(size=12), draws=99)) for _ in range(300))
    assert 3 <= found <= 28  # 15 expected; beyond 3 standard deviations on either side


def test_after_a_true_change_others_by_chance_stay_as_rare() -> None:
    random = np.random.default_rng(3)
    more = [
        len(changepoint.splits(random.normal(0, 0.02, 24) + np.repeat([0, 1], 12), draws=199)) - 1 for _ in range(200)
    ]
    assert min(more) == 0
    assert sum(map(bool, more)) <= 19  # 10 expected at most; 20 if each level were searched at 5 % anew


def test_a_gain_is_what_the_best_split_removes_from_the_sum_of_squares() -> None:
    values = np.array([0.0, 0.1, 0.0, 2.0, 2.1, 2.0])
    rest = ((values[:3] - values[:3].mean()) ** 2).sum() + ((values[3:] - values[3:].mean()) ** 2).sum()
    assert changepoint.gains(values).shape == (3,), "two values at least on either side"
    assert changepoint.gains(values).max() == pytest.approx(((values - values.mean()) ** 2).sum() - rest)


def test_a_change_before_the_last_two_values_is_found_and_one_before_the_last_alone_is_not() -> None:
    random = np.random.default_rng(4)
    values = random.normal(0, 0.01, 16)
    last, last_two = np.arange(16) >= 15, np.arange(16) >= 14
    assert [split.index for split in changepoint.splits(values + 1.0 * last_two)] == [14]
    assert changepoint.splits(values + 1.0 * last) == []


def test_the_p_value_is_the_share_of_orders_that_are_as_clear() -> None:
    """Of 70 ways to place four ones among eight values, two are as clear as the one that was seen."""
    [split] = changepoint.splits(np.repeat([0.0, 1.0], 4), draws=9_999)
    assert (split.index, split.level) == (4, pytest.approx(0.05))
    assert split.p_value == pytest.approx(2 / 70, abs=0.005)
    assert changepoint.splits(np.zeros(12)) == []


def test_the_least_p_value_is_one_order_of_those_drawn_and_a_level_of_just_that_is_kept() -> None:
    clear = np.random.default_rng(1).normal(0, 0.001, 24) + np.repeat([0.0, 1.0], 12)
    [split] = changepoint.splits(clear, level=1 / 1000, draws=999)
    assert (split.index, split.p_value) == (12, 1 / 1000)


def test_each_part_is_split_again_at_its_own_place() -> None:
    levels = np.random.default_rng(1).normal(0, 0.001, 48) + np.repeat([0.0, 6.0, 8.0, 9.0], 12)
    assert [split.index for split in changepoint.splits(levels, draws=199)] == [12, 24, 36]


def test_the_same_series_gives_the_same_answer() -> None:
    values = np.random.default_rng(9).normal(size=12)
    once, again = (changepoint.splits(values, level=1.0) for _ in range(2))
    assert once == again, "at a level of 1 noise is split, with the p of its draws"


def test_the_gains_of_several_series_are_those_of_each_whatever_their_levels() -> None:
    series = np.random.default_rng(3).normal(size=(2, 9)) + np.array([[0.0], [5.0]])
    assert changepoint.gains(series)[1] == pytest.approx(changepoint.gains(series[1]))
