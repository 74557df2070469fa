from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics.shape import LEAST_SAMPLE, far, heaps

RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _draws_do_not_depend_on_the_tests_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(11).bit_generator.state


def test_two_heaps_are_found_with_their_places_and_shares() -> None:
    clusters = heaps(np.concatenate([RNG.normal(0, 0.05, 60), RNG.normal(0.5, 0.05, 30)]))
    assert clusters is not None
    assert (clusters.lower, clusters.upper, clusters.upper_share) == pytest.approx((0, 0.5, 1 / 3), abs=0.03)


@pytest.mark.parametrize("size", [LEAST_SAMPLE, 100, 2_000])
def test_one_heap_is_hardly_ever_taken_for_two(size: int) -> None:
    samples = [RNG.normal(0, 0.05, (20, size)), RNG.uniform(0, 1, (20, size)), RNG.standard_t(3, (20, size))]
    assert sum(heaps(sample) is not None for kind in samples for sample in kind) <= 1


def test_a_single_outlier_is_no_heap() -> None:
    assert heaps(np.append(RNG.normal(0, 0.05, 40), 2.0)) is None


def test_a_small_sample_tells_nothing() -> None:
    assert heaps(np.tile([0.0, 1.0], LEAST_SAMPLE // 2)[:-1]) is None


def test_values_that_are_all_alike_are_one_heap_and_none_is_far() -> None:
    assert heaps(np.zeros(50)) is None
    assert not far(np.zeros(50), 0.05).any()


def test_outliers_are_those_of_rosner_s_example() -> None:
    """Rosner 1983, table 2 (vitamin E): of 54 values, the three largest are outliers at 5 %."""
    told = (
        "-0.25 0.68 0.94 1.15 1.20 1.26 1.26 1.34 1.38 1.43 1.49 1.49 1.55 1.56 1.58 1.65 1.69 1.70 1.76 "
        "1.77 1.81 1.91 1.94 1.96 1.99 2.06 2.09 2.10 2.14 2.15 2.23 2.24 2.26 2.35 2.37 2.40 2.47 2.54 "
        "2.62 2.64 2.90 2.92 2.92 2.93 3.21 3.26 3.30 3.59 3.68 4.30 4.64 5.34 5.42 6.01 "
    )
    values = np.array(told.split(), dtype=float)
    assert np.flatnonzero(far(values, 0.05)).tolist() == [51, 52, 53]
    assert np.flatnonzero(far(-values, 0.05)).tolist() == [51, 52, 53], "the smallest of a sample turned round"
    assert np.flatnonzero(far(values + 50, 0.05)).tolist() == [51, 52, 53], "at any level"


def test_values_may_be_far_on_both_sides() -> None:
    values = np.concatenate([[-2.0, 3.0], RNG.normal(0, 0.05, 30), [-3.0]])
    assert np.flatnonzero(far(values, 0.05)).tolist() == [0, 1, 32]


def test_one_value_is_far_from_many_that_are_nearly_equal() -> None:
    values = np.append(RNG.normal(0, 0.001, 200), 0.12)
    assert np.flatnonzero(far(values, 0.05)).tolist() == [200]


@pytest.mark.parametrize("size", [6, 24, 80])
def test_samples_without_outliers_seldom_have_one(size: int) -> None:
    wide = [far(RNG.normal(0, 0.3, size), 0.05).any() for _ in range(400)]
    assert np.mean(wide) <= 0.08


def test_all_tasks_of_a_round_that_stalled_are_outliers_however_many_they_are() -> None:
    values = np.append(RNG.normal(0, 0.05, 32), RNG.normal(1, 0.05, 8))
    assert np.flatnonzero(far(values, 0.01)).tolist() == list(range(32, 40))


def test_too_few_values_have_none_that_is_far() -> None:
    assert not far(np.log([1.0, 1.01, 1.02, 9.0]), 0.05).any()
    assert far(np.log([1.0, 1.01, 1.02, 1.0, 9.0]), 0.05).tolist() == [False] * 4 + [True]


def test_a_small_change_is_never_far_however_alike_the_others_are() -> None:
    assert not far(np.log([1.0, 1.0, 1.0, 1.0, 1.0, 1.09]), 0.05).any()
    assert not far(np.array([0.0, 0.0, 0.0, 0.0, 0.0, np.log1p(0.10)]), 0.05).any()
    assert not far(np.log([3.0, 3.0, 3.0, 3.0, 3.0, 3.27]), 0.05).any(), "at any level"
    assert far(np.log([1.0, 1.0, 1.0, 1.0, 1.0, 1.11]), 0.05).tolist() == [False] * 5 + [True]
