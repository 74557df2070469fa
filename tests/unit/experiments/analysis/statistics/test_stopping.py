from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.stopping import LEAST_BLOCKS, narrow_enough, nominal_level


def test_the_first_looks_never_stop() -> None:
    assert not narrow_enough(np.zeros(LEAST_BLOCKS - 1), 0.5, 0.95)
    assert narrow_enough(np.zeros(LEAST_BLOCKS), 0.001, 0.95)
    early = narrow_enough(np.zeros((2, LEAST_BLOCKS - 1)), 0.5, 0.95)
    assert early.dtype == bool
    assert early.tolist() == [False, False]


def test_an_interval_just_as_wide_as_wanted_will_do() -> None:
    assert narrow_enough(np.zeros(LEAST_BLOCKS), 0.0, 0.95)


def test_a_spread_that_is_known_to_be_larger_counts() -> None:
    assert not narrow_enough(np.zeros(LEAST_BLOCKS), 0.05, 0.95, least=1.0)


@pytest.mark.parametrize("blocks", [6, 9, 20])
def test_it_stops_when_the_half_width_at_the_nominal_level_is_as_wanted(blocks: int) -> None:
    sample = np.random.default_rng(blocks).normal(0, 0.05, blocks)
    half = stats.t.ppf((1 + nominal_level(0.95)) / 2, blocks - 1) * stats.sem(sample)
    assert narrow_enough(sample, np.expm1(half) * 1.001, 0.95)
    assert not narrow_enough(sample, np.expm1(half) * 0.999, 0.95)


def test_the_rule_is_blind_to_the_effect() -> None:
    sample = np.random.default_rng(1).normal(0, 0.05, (50, 8))
    assert np.array_equal(narrow_enough(sample, 0.05, 0.95), narrow_enough(sample + 3, 0.05, 0.95))


@pytest.mark.parametrize("ratio", [0.2, 1.0, 1.4])
def test_in_points_the_interval_s_upper_half_is_as_wide_as_wanted(ratio: float) -> None:
    sample = np.log(ratio) + np.random.default_rng(3).normal(0, 0.05, 9)
    half = stats.t.ppf((1 + nominal_level(0.95)) / 2, 8) * stats.sem(sample)
    points = np.exp(sample.mean() + half) - np.exp(sample.mean())
    assert narrow_enough(sample, points * 1.001, 0.95, points=True)
    assert not narrow_enough(sample, points * 0.999, 0.95, points=True)


@pytest.mark.parametrize("points", [False, True])
def test_several_comparisons_are_judged_each_by_itself(points: bool) -> None:
    samples = np.log([[0.1], [1.0]]) + np.random.default_rng(4).normal(0, 0.05, 9)
    together = narrow_enough(samples, 0.02, 0.95, points=points).tolist()
    assert together == [bool(narrow_enough(sample, 0.02, 0.95, points=points)) for sample in samples]
    assert together == [points, False], "of a tenth, two points are a fifth"


def test_looking_costs_some_of_the_error() -> None:
    assert nominal_level(0.95) == pytest.approx(0.965)
