from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test, ttest_ind

from experiments.analysis.statistics import between, unpaired
from experiments.analysis.statistics.between import WITHIN
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.permutation import DRAWS

logarithms = st.integers(3, 12).flatmap(lambda n: arrays(float, n, elements=st.floats(-3, 3), unique=True))


def two_samples(seed: int, before: int, after: int) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    return generator.normal(0, 0.05, before), generator.normal(0.08, 0.15, after)


def enumerated(before: Floats, after: Floats) -> float:
    """The permutation test by hand: every choice of blocks for the first sweep; twice the smaller tail."""
    pooled, observed = np.concatenate([before, after]), after.mean() - before.mean()
    chosen = [np.isin(np.arange(len(pooled)), blocks) for blocks in combinations(range(len(pooled)), len(before))]
    differences = np.array([pooled[~first].mean() - pooled[first].mean() for first in chosen])
    tails = np.mean(differences <= observed + 1e-12), np.mean(differences >= observed - 1e-12)
    return float(min(1.0, 2 * min(tails)))


@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 9), (10, 4), (40, 41)])
def test_interval_and_p_are_those_of_welch_s_t_test(before: int, after: int) -> None:
    first, second = two_samples(before, before, after)
    expected = ttest_ind(second, first, equal_var=False)
    low, high = expected.confidence_interval(0.9)
    assert between.interval(first, second, WITHIN, 0.9) == pytest.approx((low, high), rel=1e-9)
    assert between.p_value(first, second, WITHIN) == pytest.approx(expected.pvalue, rel=1e-9)


@given(logarithms, logarithms)
def test_the_interval_leaves_out_zero_exactly_when_p_is_below_its_error(before: Floats, after: Floats) -> None:
    low, high = between.interval(before, after, WITHIN, 0.95)
    p_value = between.p_value(before, after, WITHIN)
    if abs(p_value - 0.05) > 1e-9:
        assert (low > 0 or high < 0) == (p_value < 0.05)


@pytest.mark.slow
@given(logarithms, logarithms)
def test_exchanging_before_and_after_turns_the_interval_round(before: Floats, after: Floats) -> None:
    low, high = between.interval(before, after, WITHIN, 0.95)
    assert between.interval(after, before, WITHIN, 0.95) == pytest.approx((-high, -low), abs=1e-9)
    assert between.p_value(after, before, WITHIN) == pytest.approx(between.p_value(before, after, WITHIN), abs=1e-9)


def test_equal_blocks_leave_no_doubt() -> None:
    ones = np.ones(4)
    assert between.interval(ones, 2 * ones, WITHIN, 0.95) == (1, 1)
    assert between.p_value(ones, 2 * ones, WITHIN) == 0
    assert between.p_value(ones, ones, WITHIN) == 1
    assert unpaired.permuted(ones, ones).p_value == 1


def test_a_sweep_whose_blocks_are_equal_is_no_loss_of_precision() -> None:
    low, high = between.interval(np.ones(4), np.array([1.0, 2.0, 3.0]), WITHIN, 0.95)
    assert (low + high) / 2 == pytest.approx(1)
    assert 0.2 < between.p_value(np.ones(4), np.array([1.0, 2.0, 3.0]), WITHIN) < 0.3


@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 4), (5, 3), (5, 5)])
@pytest.mark.parametrize("seed", range(4))
def test_permutation_test_is_the_enumeration_by_hand(before: int, after: int, seed: int) -> None:
    first, second = two_samples(seed, before, after)
    assert unpaired.permuted(first, second).p_value == pytest.approx(enumerated(first, second))


@pytest.mark.parametrize(("before", "after"), [(3, 5), (7, 6), (9, 10)])
def test_it_is_scipy_s_permutation_test_of_independent_samples(before: int, after: int) -> None:
    first, second = two_samples(after, before, after)
    reference = permutation_test(
        (first, second),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        vectorized=True,
        n_resamples=DRAWS,
        rng=np.random.default_rng(1),
    )
    drawn = comb(before + after, before) > DRAWS
    assert unpaired.permuted(first, second).p_value == pytest.approx(reference.pvalue, abs=0.02 if drawn else 1e-12)


def test_equal_blocks_that_rounding_tells_apart_count_as_equal() -> None:
    tenths = np.array([0.1, 0.2, 0.3])
    assert unpaired.permuted(tenths, tenths[::-1].copy()).p_value == 1


@pytest.mark.parametrize(
    ("unit", "tenths"), [(1.0, (4, 9, 8, 3, 10, 6, 1, 14)), (1e-9, (14, 1, 2, 8, 9, 12, 5, 6))], ids=["s", "ns"]
)
def test_a_choice_of_the_same_sum_counts_though_rounding_puts_it_beyond(unit: float, tenths: tuple[int, ...]) -> None:
    blocks = np.array(tenths) / 10 * unit
    assert sum(sum(choice) <= sum(tenths[:4]) for choice in combinations(tenths, 4)) == 23
    assert unpaired.permuted(blocks[:4], blocks[4:]).p_value == pytest.approx(2 * 23 / 70)
    assert unpaired.permuted(blocks[4:], blocks[:4]).p_value == pytest.approx(2 * 23 / 70)


@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 4), (4, 4), (7, 4), (12, 12)])
def test_blocks_that_do_not_overlap_give_the_least_p_that_there_is(before: int, after: int) -> None:
    result = unpaired.permuted(np.linspace(0, 1, before), np.linspace(9, 10, after))
    assert result.p_value == pytest.approx(result.least)


def test_many_blocks_are_drawn_from_and_give_the_same_p_every_time() -> None:
    first, second = two_samples(1, 20, 20)
    result = unpaired.permuted(first, second)
    assert result == unpaired.permuted(first, second)
    assert result.least == 2 / (1 + DRAWS)
    assert result.p_value == pytest.approx(ttest_ind(second, first, equal_var=False).pvalue, abs=0.02)


def test_equal_blocks_of_two_sweeps_are_equal_to_the_clock_s_resolution_only() -> None:
    before, after, clock = np.zeros(10), np.full(10, 0.0004), 0.0003
    low, high = between.interval(before, after, WITHIN, 0.95, clock)
    assert low < 0 < high
    assert low + high == pytest.approx(0.0008)
    assert 0.05 < between.p_value(before, after, WITHIN, clock) < 1
    assert between.p_value(before, after + 1, WITHIN, clock) > 0
