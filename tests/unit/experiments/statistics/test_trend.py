from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sociometer.experiments.statistics.trend import common_slope, mean_slope

RNG = np.random.default_rng(7)


def test_one_group_is_an_ordinary_regression() -> None:
    x, y = RNG.random(12), RNG.normal(size=12)
    reference = stats.linregress(x, y)
    found = common_slope(x, y, np.zeros(12, dtype=int))
    assert found is not None
    assert (found.slope, found.p_value) == pytest.approx((reference.slope, reference.pvalue))


def test_levels_of_groups_do_not_count_as_a_slope() -> None:
    x, groups = RNG.random(20), np.repeat([1, 2, 8, 3], 5)
    y = 0.5 * x + RNG.normal(0, 0.01, 20)
    found, lifted = common_slope(x, y, groups), common_slope(x, y + 10.0 * groups, groups)
    assert found is not None
    assert lifted is not None
    assert found.slope == pytest.approx(lifted.slope)
    assert found.slope == pytest.approx(0.5, abs=0.05)


def test_the_common_slope_is_least_squares_with_a_column_per_group() -> None:
    x, y, groups = RNG.random(9), RNG.normal(size=9), np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    columns = np.column_stack([x, *(groups == group for group in range(3))]).astype(float)
    solved, rest, *_ = np.linalg.lstsq(columns, y, rcond=None)
    error = np.sqrt(rest[0] / 5 * np.linalg.inv(columns.T @ columns)[0, 0])
    found = common_slope(x, y, groups)
    assert found is not None
    assert found.slope == pytest.approx(solved[0])
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(solved[0]) / error, 5))


def test_too_few_points_or_one_moment_have_no_slope() -> None:
    assert common_slope(np.array([0.0, 1, 2]), np.array([1.0, 2, 3]), np.array([0, 0, 0])) is None
    assert common_slope(np.ones(9), np.arange(9.0), np.zeros(9, dtype=int)) is None
    assert common_slope(np.array([]), np.array([]), np.array([], dtype=int)) is None


def test_the_mean_slope_is_the_mean_of_each_block_s_regression() -> None:
    x, y = np.log2([1.0, 2, 8]), RNG.normal(size=(5, 3))
    slopes = [stats.linregress(x, row).slope for row in y]
    found = mean_slope(x, y)
    assert found is not None
    assert found.slope == pytest.approx(np.mean(slopes))
    assert found.p_value == pytest.approx(stats.ttest_1samp(slopes, 0).pvalue)


def test_two_blocks_or_one_task_count_have_no_mean_slope() -> None:
    assert mean_slope(np.array([0.0, 1]), np.ones((2, 2))) is None
    assert mean_slope(np.array([0.0]), np.ones((5, 1))) is None
