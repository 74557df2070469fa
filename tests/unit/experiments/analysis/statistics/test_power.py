from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.statistics.paired import half_width
from experiments.analysis.statistics.power import (
    MOST_BLOCKS,
    POWER,
    blocks_for,
    detectable,
    detectable_if_known,
    deviation_range,
    power,
)
from experiments.plan.plan import MAX_BLOCKS


@given(st.floats(0, 6), st.integers(3, 30), st.sampled_from([0.05, 0.01]))
def test_power_is_the_noncentral_t_s(shift: float, blocks: int, alpha: float) -> None:
    limit = stats.t.ppf(1 - alpha / 2, blocks - 1)
    expected = stats.nct.sf(limit, blocks - 1, shift) + stats.nct.cdf(-limit, blocks - 1, shift)
    assert power(shift, blocks - 1, alpha) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_an_effect_of_the_detectable_size_is_seen_in_four_of_five_sweeps(blocks: int) -> None:
    size = detectable_if_known(0.1, blocks, 0.05)
    drawn = np.random.default_rng(blocks).normal(size, 0.1, (20_000, blocks))
    seen = np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue <= 0.05)
    assert seen == pytest.approx(POWER, abs=0.015)


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_what_a_sweep_could_have_shown_is_seen_in_four_of_five_whatever_its_own_spread_happened_to_be(
    blocks: int,
) -> None:
    random = np.random.default_rng(blocks)
    spreads = random.normal(0, 0.1, (20_000, blocks)).std(axis=1, ddof=1)
    size = detectable(1.0, blocks, 0.05) * spreads
    seen = stats.ttest_1samp(random.normal(0, 0.1, (20_000, blocks)) + size[:, None], 0, axis=1).pvalue <= 0.05
    assert np.mean(seen) == pytest.approx(POWER, abs=0.015)


@pytest.mark.parametrize("freedom", [2, 9])
def test_the_range_of_a_deviation_holds_the_true_one_in_four_of_five_cases(freedom: int) -> None:
    low, high = deviation_range(freedom)
    estimates = np.random.default_rng(1).normal(0, 1, (20_000, freedom + 1)).std(axis=1, ddof=1)
    assert np.mean((low * estimates <= 1) & (high * estimates >= 1)) == pytest.approx(POWER, abs=0.01)


def test_less_error_allowed_or_fewer_blocks_make_larger_effects_necessary() -> None:
    assert detectable(0.1, 3, 0.001) > detectable(0.1, 3, 0.05) > detectable(0.1, 10, 0.05)
    assert detectable(0.0, 3, 0.05) == 0


@given(st.floats(0.005, 0.3), st.floats(0.01, 0.2))
def test_blocks_for_a_width_are_enough_and_one_less_is_not(deviation: float, half: float) -> None:
    blocks = blocks_for(deviation, half, 0.95)

    def width(count: int) -> float:
        return float(stats.t.ppf(0.975, count - 1) * deviation / np.sqrt(count))

    if blocks is None:
        assert width(MOST_BLOCKS) > half
    else:
        assert width(blocks) <= half * (1 + 1e-9)
        assert blocks == 2 or width(blocks - 1) > half * (1 - 1e-9)


def test_a_width_that_is_just_as_wanted_is_enough() -> None:
    assert blocks_for(0.1, 0.1 * float(half_width(1.0, 7.0, 0.95)), 0.95) == 7


def test_a_spread_that_is_better_known_makes_smaller_effects_seen() -> None:
    assert detectable(0.1, 3, 0.05, freedom=2) == detectable(0.1, 3, 0.05)
    assert detectable(0.1, 3, 0.05, freedom=20) < detectable(0.1, 3, 0.05, freedom=8) < detectable(0.1, 3, 0.05)


def test_no_more_blocks_are_asked_for_than_a_plan_may_have() -> None:
    assert MOST_BLOCKS == MAX_BLOCKS
    assert blocks_for(0.1, 0.001, 0.95) is None
