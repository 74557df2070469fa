from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics.shape import LEAST_SAMPLE, far, heaps

RNG = np.random.default_rng(11)


def test_two_heaps_are_found_with_their_places_and_shares() -> None:
    clusters = heaps(np.concatenate([RNG.normal(0, 0.05, 60), RNG.normal(0.5, 0.05, 30)]))
    assert clusters is not None
    assert (clusters.lower, clusters.upper, clusters.upper_share) == pytest.approx((0, 0.5, 1 / 3), abs=0.03)


@pytest.mark.parametrize("size", [LEAST_SAMPLE, 100, 5_000])
def test_one_heap_is_hardly_ever_taken_for_two(size: int) -> None:
    samples = [RNG.normal(0, 0.05, (20, size)), RNG.uniform(0, 1, (20, size)), RNG.standard_t(3, (20, size))]
    assert sum(heaps(sample) is not None for kind in samples for sample in kind) <= 1


def test_a_single_outlier_is_no_heap() -> None:
    assert heaps(np.append(RNG.normal(0, 0.05, 40), 2.0)) is None


def test_a_small_sample_tells_nothing() -> None:
    assert heaps(np.tile([0.0, 1.0], LEAST_SAMPLE // 2)[:-1]) is None


def test_values_that_are_all_alike_are_one_heap_and_none_is_far() -> None:
    assert heaps(np.zeros(50)) is None
    assert not far(np.zeros(50)).any()


def test_far_is_the_modified_z_score_of_the_logarithms() -> None:
    values = np.log(np.append(RNG.lognormal(0, 0.05, 50), [2.0, 0.5, 1.02]))
    middle = np.median(values)
    scores = 0.6745 * (values - middle) / np.median(np.abs(values - middle))
    assert np.array_equal(far(values), np.abs(scores) > 3.5)
    assert far(values)[-3:].tolist() == [True, True, False]


def test_too_few_values_have_none_that_is_far() -> None:
    assert not far(np.log([1.0, 1.01, 1.02, 9.0])).any()
    assert far(np.log([1.0, 1.01, 1.02, 1.0, 9.0])).tolist() == [False] * 4 + [True]


def test_a_small_change_is_never_far_however_alike_the_others_are() -> None:
    assert far(np.log([1.0, 1.0, 1.0, 1.0, 1.09, 1.11])).tolist() == [False] * 5 + [True]
