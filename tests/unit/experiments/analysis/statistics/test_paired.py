from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.statistics.paired import Floats, deviation, half_width, interval, p_value

differences = st.lists(st.floats(-3, 3), min_size=2, max_size=12).map(np.array).filter(lambda d: d.std() > 1e-6)


@pytest.mark.slow
@given(differences, st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_p_value_are_scipy_s(sample: Floats, level: float) -> None:
    low, high = interval(sample, level)
    reference = stats.ttest_1samp(sample, 0)
    expected = reference.confidence_interval(level)
    assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)
    assert p_value(sample) == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)


@given(differences)
def test_an_interval_without_zero_and_a_small_p_are_the_same_statement(sample: Floats) -> None:
    low, high = interval(sample, 0.95)
    assert (p_value(sample) <= 0.05) == bool(low > 0 or high < 0)


@given(differences)
def test_changing_the_labels_turns_the_interval_round(sample: Floats) -> None:
    low, high = interval(sample, 0.95)
    turned = interval(-sample, 0.95)
    assert turned == pytest.approx((-high, -low))


def test_two_blocks_have_the_textbook_s_factor() -> None:
    assert half_width(np.sqrt(2.0), 2, 0.95) == pytest.approx(12.7062, abs=1e-4)


def test_many_sweeps_at_once_give_what_each_gives_alone() -> None:
    sample = np.random.default_rng(1).normal(size=(3, 4, 5))
    low, high = interval(sample, 0.95)
    assert (low[2, 1], high[2, 1]) == interval(sample[2, 1], 0.95)
    assert p_value(sample)[2, 1] == p_value(sample[2, 1])


def test_equal_differences_leave_no_doubt_and_no_error() -> None:
    assert p_value(np.array([0.0, 0.0, 0.0])) == 1
    assert p_value(np.array([0.5, 0.5, 0.5])) == 0
    assert interval(np.array([0.5, 0.5, 0.5]), 0.95) == (0.5, 0.5)


def test_without_a_clock_s_share_equal_differences_have_no_spread() -> None:
    assert deviation(np.full(3, 0.5)) == 0
    assert deviation(np.full(4, 0.5), 0.01) == 0.02, "repetition does not help against a clock"


def test_what_the_clocks_cause_widens_the_interval_and_raises_the_p_of_equal_differences() -> None:
    equal, half = np.full(4, 0.5), half_width(0.02, 4, 0.95)
    assert interval(equal, 0.95, 0.01) == pytest.approx((0.5 - half, 0.5 + half))
    assert p_value(equal, 0.01) == pytest.approx(2 * stats.t.sf(0.5 / (0.02 / 2), 3))
