from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.statistics import paired
from experiments.analysis.statistics.moderated import (
    LEAST_ALIKE,
    MOST_BLOCKS,
    PRIOR_FREEDOM,
    applies,
    deviation,
    freedom,
    p_value,
    pooled,
)
from experiments.analysis.statistics.paired import Floats

differences = st.lists(st.floats(-3, 3), min_size=3, max_size=5).map(np.array).filter(lambda d: d.std() > 1e-6)
variances = st.floats(1e-6, 10)


def test_the_moderated_t_is_the_one_computed_by_hand() -> None:
    """Smyth 2004, equation 3.2, with d0 = 1 and s0 = 0.2: (1 x 0.04 + 2 x 0.01) / (1 + 2) = 0.02."""
    sample = np.array([0.4, 0.5, 0.6])
    assert deviation(sample, 0.04) == pytest.approx(np.sqrt(0.02))
    assert freedom(3) == 3
    assert p_value(sample, 0.04) == pytest.approx(2 * stats.t.sf(0.5 / np.sqrt(0.02 / 3), 3))


@given(differences, variances)
def test_the_moderated_spread_lies_between_its_own_and_the_others(sample: Floats, others: float) -> None:
    own_deviation = sample.std(ddof=1)
    low, high = sorted((own_deviation, np.sqrt(others)))
    assert low * (1 - 1e-9) <= deviation(sample, others) <= high * (1 + 1e-9)


@given(differences)
def test_others_that_scatter_alike_only_add_to_what_is_known(sample: Floats) -> None:
    t = abs(sample.mean()) / stats.sem(sample)
    expected = 2 * stats.t.sf(t, len(sample) - 1 + PRIOR_FREEDOM)
    assert p_value(sample, sample.var(ddof=1)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(differences, variances, variances)
def test_noisier_others_never_make_a_difference_surer(sample: Floats, first: float, second: float) -> None:
    calm, noisy = sorted((first, second))
    assert p_value(sample, calm) <= p_value(sample, noisy) * (1 + 1e-9)


def test_the_pooled_variance_weighs_each_by_its_blocks() -> None:
    three, five = np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.0, 0.0, 5.0])
    assert pooled([three, five]) == pytest.approx((2 * 1 + 4 * 5) / 6)


def test_what_the_clocks_cause_is_in_the_pooled_variance_and_in_the_test() -> None:
    equal, floor = np.full(3, 0.5), 0.01
    assert pooled([equal, equal]) == 0
    with pytest.raises(ValueError, match="shorter"):
        pooled([equal, equal], [floor])
    assert pooled([equal, equal], [floor, 2 * floor]) == pytest.approx((floor**2 * 3 + (2 * floor) ** 2 * 3) / 2)
    assert deviation(equal, 0.0, floor) == pytest.approx(np.sqrt(2 * 3 * floor**2 / 3))
    assert p_value(equal, 0.0, floor) == pytest.approx(2 * stats.t.sf(0.5 / np.sqrt(2 * floor**2 / 3), 3))


def test_equal_differences_everywhere_leave_no_doubt() -> None:
    assert p_value(np.array([0.5, 0.5, 0.5]), 0.0) == 0
    assert p_value(np.array([0.0, 0.0, 0.0]), 0.0) == 1


def test_few_comparisons_or_many_blocks_stand_alone() -> None:
    assert applies(3, LEAST_ALIKE)
    assert applies(MOST_BLOCKS, LEAST_ALIKE)
    assert not applies(3, LEAST_ALIKE - 1)
    assert not applies(MOST_BLOCKS + 1, 100)
    assert applies(5, 4) and not applies(6, 100), "six blocks have five degrees of freedom of their own"


def test_many_sweeps_at_once_give_what_each_gives_alone() -> None:
    sample = np.random.default_rng(1).normal(size=(3, 4, 5))
    together = p_value(sample, 0.5)
    assert together.shape == paired.p_value(sample).shape
    assert together[2, 1] == p_value(sample[2, 1], 0.5)
