from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.trend import block_slope, mean_slope

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _draws_do_not_depend_on_the_tests_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(7).bit_generator.state


def test_one_round_a_block_is_an_ordinary_regression() -> None:
    x, y = RNG.random(12), RNG.normal(size=12)
    reference = stats.linregress(x, y)
    result = block_slope(x, y, np.zeros(12, dtype=int), np.arange(12))
    assert result is not None
    assert (result.slope, result.p_value) == pytest.approx((reference.slope, reference.pvalue))


def test_several_rounds_a_block_are_a_regression_of_the_blocks_means() -> None:
    x, y, groups, blocks = RNG.random(12), RNG.normal(size=12), np.tile([1, 2], 6), np.repeat(np.arange(6), 2)
    levels = {group: (x[groups == group].mean(), y[groups == group].mean()) for group in (1, 2)}
    means = [
        (
            np.mean([x[i] - levels[groups[i]][0] for i in range(12) if blocks[i] == block]),
            np.mean([y[i] - levels[groups[i]][1] for i in range(12) if blocks[i] == block]),
        )
        for block in range(6)
    ]
    reference = stats.linregress(*zip(*means, strict=True))
    result = block_slope(x, y, groups, blocks)
    assert result is not None
    assert (result.slope, result.p_value) == pytest.approx((reference.slope, reference.pvalue))


def test_blocks_that_miss_rounds_are_centred_by_what_they_have() -> None:
    kept = np.setdiff1d(np.arange(12), [1, 4, 5])  # a block with one group, one with none, four with both
    groups, blocks = np.tile([1, 8], 6)[kept], np.repeat(np.arange(6), 2)[kept]
    x, y = 100 + 10.0 * blocks + groups, RNG.normal(3, 1, 9) + groups
    of_group = {group: groups == group for group in (1, 8)}
    centred = [
        np.array([each - values[of_group[group]].mean() for each, group in zip(values, groups, strict=True)])
        for values in (x, y)
    ]
    reference = stats.linregress(*([each[blocks == block].mean() for block in np.unique(blocks)] for each in centred))
    result = block_slope(x, y, groups, blocks)
    assert result is not None
    assert (result.slope, result.p_value) == pytest.approx((reference.slope, reference.pvalue))


def test_levels_of_groups_do_not_count_as_a_slope() -> None:
    groups, blocks = np.tile([1, 2, 8, 3], 5), np.repeat(np.arange(5), 4)
    x = blocks + RNG.random(20)
    y = 0.5 * x + RNG.normal(0, 0.01, 20)
    result, lifted = block_slope(x, y, groups, blocks), block_slope(x, y + 10.0 * groups, groups, blocks)
    assert result is not None
    assert lifted is not None
    assert result.slope == pytest.approx(lifted.slope)
    assert result.slope == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("blocks", [4, 8])
def test_what_a_block_has_in_common_is_no_trend(blocks: int) -> None:
    """Of 400 sweeps with blocks that differ by 10 % and no drift, at most 5 % are called a trend, within chance."""
    rng = np.random.default_rng(11)
    place, groups = np.repeat(np.arange(blocks), 4), np.tile([1, 2, 3, 8], blocks)
    called = 0
    for _ in range(400):
        common = rng.normal(0, 0.1, blocks)[place]
        result = block_slope(place + rng.random(4 * blocks), common + rng.normal(0, 0.05, 4 * blocks), groups, place)
        called += result is not None and result.p_value < 0.05
    assert 0 < called < 33  # 34 or more would come in 1 of 1,000 cases


def test_too_few_blocks_or_one_moment_have_no_slope() -> None:
    none = np.zeros(9, dtype=int)
    assert block_slope(np.arange(9.0), np.arange(9.0), none, np.repeat([0, 1, 2], 3)) is None
    assert block_slope(np.ones(9), np.arange(9.0), none, np.arange(9)) is None
    assert block_slope(np.array([]), np.array([]), np.array([], dtype=int), np.array([], dtype=int)) is None


def test_the_mean_slope_is_the_mean_of_each_block_s_regression() -> None:
    x, y = np.log2([1.0, 2, 8]), RNG.normal(size=(5, 3))
    slopes = [stats.linregress(x, row).slope for row in y]
    result = mean_slope(x, y)
    assert result is not None
    assert result.slope == pytest.approx(np.mean(slopes))
    assert result.p_value == pytest.approx(stats.ttest_1samp(slopes, 0).pvalue)


def test_three_blocks_at_two_task_counts_have_a_mean_slope() -> None:
    y = RNG.normal(size=(3, 2))
    result = mean_slope(np.array([0.0, 1.0]), y)
    assert result is not None
    assert result.p_value == pytest.approx(stats.ttest_1samp(y[:, 1] - y[:, 0], 0).pvalue)


def test_blocks_that_agree_to_the_clock_s_resolution_are_not_without_spread() -> None:
    x = np.array([0.0, 1.0, 3.0])
    error = 0.1 / np.sqrt(((x - x.mean()) ** 2).sum())  # of one block's slope, and so of their mean
    result = mean_slope(x, np.tile(0.2 * x, (4, 1)), 0.1)
    assert result is not None
    assert (result.slope, result.p_value) == pytest.approx((0.2, 2 * stats.t.sf(0.2 / error, 3)))


def test_two_blocks_or_one_task_count_have_no_mean_slope() -> None:
    assert mean_slope(np.array([0.0, 1]), np.ones((2, 2))) is None
    assert mean_slope(np.array([0.0]), np.ones((5, 1))) is None


@pytest.mark.parametrize(("slope", "p_value"), [(0.0, 1.0), (0.5, 0.0), (1.0, 0.0), (-2.0, 0.0)])
def test_blocks_on_a_line_leave_no_doubt(slope: float, p_value: float) -> None:
    x, groups, blocks = np.arange(8.0), np.zeros(8, dtype=int), np.arange(8)
    result = block_slope(x, slope * x, groups, blocks)
    assert result is not None
    assert (result.slope, result.p_value) == (slope, p_value)
