from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.shape import (
    LEAST_CHANGE,
    LEAST_GAIN,
    LEAST_GAP,
    LEAST_HEAP,
    LEAST_SAMPLE,
    MOST_OUTLIERS,
    MOST_SAMPLE,
    far,
    heaps,
)

RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _draws_do_not_depend_on_the_tests_before() -> None:
    RNG.bit_generator.state = np.random.default_rng(11).bit_generator.state


def test_two_heaps_are_found_with_their_places_and_shares() -> None:
    clusters = heaps(np.concatenate([RNG.normal(0, 0.05, 60), RNG.normal(0.5, 0.05, 30)]))
    assert clusters is not None
    assert (clusters.lower, clusters.upper, clusters.upper_share) == pytest.approx((0, 0.5, 1 / 3), abs=0.03)


@pytest.mark.slow
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


def rosner(values: Floats, level: float) -> set[int]:
    """Rosner's procedure by its definition, on the values that are left at each step."""
    left, removed, outliers = list(range(len(values))), [], set()
    for _ in range(min(int(len(values) * MOST_OUTLIERS), MOST_SAMPLE)):
        rest = values[left]
        farthest = left[int(np.abs(rest - rest.mean()).argmax())]
        count, deviate = len(left), abs(values[farthest] - rest.mean()) / rest.std(ddof=1)
        t = stats.t.ppf(1 - level / 2 / count, count - 2)
        left.remove(farthest)
        removed.append(farthest)
        if deviate > (count - 1) * t / np.sqrt((count - 2 + t**2) * count):
            outliers = set(removed)
    return outliers


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("size", [5, 8, 13, 40])
def test_outliers_are_those_of_rosner_s_procedure_step_by_step(size: int, level: float) -> None:
    found = 0
    for _ in range(20):
        values = RNG.standard_t(2, size) + 7
        centred = values - np.median(values)
        told = {place for place in rosner(values, level) if abs(centred[place]) > np.log1p(LEAST_CHANGE)}
        assert set(np.flatnonzero(far(values, level)).tolist()) == told
        found += bool(told)
    assert found


def test_of_more_than_may_be_removed_the_farthest_from_the_mean_go_first() -> None:
    """One value below and six above, of 24: one of them must stay, and the mean lies on the side of the six."""
    values = RNG.normal(0, 0.03, 24)
    values[:6], values[6] = 1.0 + RNG.normal(0, 0.02, 6), -0.64
    assert set(np.flatnonzero(far(values, 0.05)).tolist()) == rosner(values, 0.05) > {6}


def fitted(values: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Two normals by expectation maximisation from the best split on: means, deviations, shares, log-likelihood."""
    values = np.sort(values)
    rests = [((side - side.mean()) ** 2).sum() for place in range(1, len(values)) for side in np.split(values, [place])]
    split = 1 + int(np.add(rests[::2], rests[1::2]).argmin())
    lower = (np.arange(len(values)) < split).astype(float)
    for _ in range(200):
        of = [lower, 1 - lower]
        means = [np.average(values, weights=weights) for weights in of]
        squares = [(values - mean) ** 2 for mean in means]
        widths = [np.sqrt(np.average(each, weights=weights)) for each, weights in zip(squares, of, strict=True)]
        shares = [weights.mean() for weights in of]
        densities = [stats.norm.pdf(values, mean, width) for mean, width in zip(means, widths, strict=True)]
        joint = np.array(shares)[:, None] * np.array(densities)
        lower = joint[0] / joint.sum(axis=0)
    return np.array(means), np.array(widths), np.array(shares), float(np.log(joint.sum(axis=0)).sum())


@pytest.mark.slow
@pytest.mark.parametrize("size", [LEAST_SAMPLE, 60])
@pytest.mark.parametrize("share", [0.08, 0.12, 0.5, 0.7])
@pytest.mark.parametrize("apart", [2.0, 3.0, 4.0, 6.0])
def test_two_heaps_are_told_where_the_criteria_of_the_papers_say_so(size: int, share: float, apart: float) -> None:
    upper = round(size * share)
    values = 9 + 0.05 * np.concatenate([RNG.normal(0, 1, size - upper), RNG.normal(apart, 0.7, upper)])
    means, widths, shares, likelihood = fitted(values)
    one = stats.norm.logpdf(values, values.mean(), values.std()).sum()
    even = stats.uniform.logpdf(values, values.min(), np.ptp(values)).sum()
    gain = 2 * (likelihood - max(one, even)) - 3 * np.log(size)
    distance = np.sqrt(2) * abs(means[1] - means[0]) / np.sqrt((widths**2).sum())
    found = heaps(values)
    assert (found is not None) == (gain > LEAST_GAIN and distance > LEAST_GAP and shares.min() >= LEAST_HEAP)
    if found is not None:
        assert (found.lower, found.upper, found.upper_share) == pytest.approx((*means, shares[1]), abs=1e-6)


@pytest.mark.parametrize(("apart", "are_told"), [(1.3, False), (1.5, True)])
def test_a_narrow_heap_within_a_wide_one_leaves_no_gap(apart: float, are_told: bool) -> None:
    """The criterion of Schwarz is met in both cases, and that of Ashman in one."""
    normal = stats.norm.ppf((np.arange(100) + 0.5) / 100)
    values = 9 + 0.05 * np.concatenate([normal, apart + 0.1 * normal])
    means, widths, shares, likelihood = fitted(values)
    even = stats.uniform.logpdf(values, values.min(), np.ptp(values)).sum()
    assert 2 * (likelihood - even) - 3 * np.log(200) > 2 * LEAST_GAIN and shares.min() > 2 * LEAST_HEAP
    distance = np.sqrt(2) * (means[1] - means[0]) / np.sqrt((widths**2).sum())
    assert distance == pytest.approx(LEAST_GAP, rel=0.1)
    assert (heaps(values) is not None) == (distance > LEAST_GAP) == are_told


def test_a_large_sample_is_thinned_out_evenly_to_a_thousand() -> None:
    values = np.sort(np.concatenate([RNG.normal(0, 0.05, 1500), RNG.normal(0.5, 0.05, 700)]))

    def means(sample: Floats) -> tuple[float, float]:
        found = heaps(sample)
        assert found is not None
        return found.lower, found.upper

    assert means(values) == pytest.approx(means(values[::3]), abs=1e-12)
    assert means(values) != pytest.approx(means(values[::2]), abs=1e-6)
    assert means(values[200:]) == pytest.approx(means(values[200::2]), abs=1e-12)
    assert means(values[::3]) == pytest.approx(means(RNG.permutation(values)), abs=1e-12)


def test_equal_values_at_two_places_are_two_heaps() -> None:
    """As a coarse clock makes them: without a least width their densities would have no end."""
    found = heaps(np.repeat([0.0, 0.3], [30, 10]))
    assert found is not None
    assert (found.lower, found.upper, found.upper_share) == pytest.approx((0, 0.3, 0.25))
