from __future__ import annotations

import numpy as np
import pytest
from scipy.special import stdtrit
from scipy.stats import t, ttest_ind

from experiments.analysis.statistics import between
from experiments.analysis.statistics.between import WITHIN, Between, estimate, interval, p_value, spread

LEVEL = 0.95


def sweep(level: float, blocks: int = 3, scatter: float = 0.0) -> np.ndarray:
    return level + scatter * np.linspace(-1, 1, blocks)


def test_without_repetitions_nothing_is_known() -> None:
    assert estimate([]) is None
    assert estimate([[sweep(1)], [sweep(2)]]) is None


def test_without_scatter_within_sweeps_it_is_the_t_test_on_their_means() -> None:
    groups = [[sweep(0.0), sweep(0.2)], [sweep(1.0), sweep(1.1), sweep(1.2)]]
    told = estimate(groups)
    assert told is not None
    assert (told.freedom, told.sweeps) == (3, 5)
    assert told.of_blocks == pytest.approx(0)
    pooled = (0.02 + 0.02) / 3
    assert told.of_means == pytest.approx(pooled)
    low, high = interval(groups[0][0], groups[1][0], told, LEVEL)
    half = stdtrit(3, 0.975) * np.sqrt(2 * pooled)
    assert (low, high) == pytest.approx((1 - half, 1 + half))
    p = p_value(groups[0][0], groups[1][0], told)
    assert 0 < p < 1
    assert p_value(groups[0][0], groups[0][0], told) == 1


def test_what_the_blocks_explain_is_no_difference_between_sweeps() -> None:
    told = estimate([[sweep(0, scatter=0.3), sweep(0.01, scatter=0.3)]])
    assert told is not None
    assert told.deviation == 0


def test_with_nothing_between_sweeps_it_is_welch_s() -> None:
    first, second = np.array([0.1, 0.3, 0.2]), np.array([0.5, 0.9, 0.4, 0.6])
    variance, freedom = spread(
        np.asarray(first.var(ddof=1) / 3), np.asarray(second.var(ddof=1) / 4), (3, 4), WITHIN, 0.0
    )
    welch = ttest_ind(second, first, equal_var=False)
    assert float(freedom) == pytest.approx(welch.df)
    assert (second.mean() - first.mean()) / np.sqrt(variance) == pytest.approx(welch.statistic)


@pytest.mark.parametrize(("between_sweeps", "others"), [(0.05, (1, 0)), (0.15, (2, 0)), (0.15, (3, 3))])
def test_intervals_cover_the_truth_however_much_sweeps_differ(between_sweeps: float, others: tuple[int, int]) -> None:
    """Of 400 intervals 380 should cover; fewer than 366 do in 1 of 1,000 cases, if they cover exactly 95 %."""
    generator = np.random.default_rng(20_100)

    def drawn() -> np.ndarray:
        return generator.normal(0, between_sweeps) + generator.normal(0, 0.05, 4)

    covered = 0
    for _ in range(400):
        groups = [[drawn() for _ in range(1 + more)] for more in others]
        told = between.estimate(groups)
        assert told is not None
        low, high = interval(groups[0][0], groups[1][0], told, LEVEL)
        covered += low <= 0 <= high
    assert covered >= 366


def test_interval_and_p_are_those_of_satterthwaite_s_t() -> None:
    before, after = np.array([0.1, 0.3, 0.2]), np.array([0.5, 0.9, 0.4, 0.6])
    told = between.Between(of_means=0.05, of_blocks=0.01, freedom=3, sweeps=5)
    own = [before.var(ddof=1) / 3, after.var(ddof=1) / 4]
    variance = 2 * 0.05 - 2 * 0.01 + sum(own)
    freedom = max(2, variance**2 / ((2 * 0.05) ** 2 / 3 + own[0] ** 2 / 2 + own[1] ** 2 / 3))
    reference = t(freedom, loc=after.mean() - before.mean(), scale=np.sqrt(variance))
    assert interval(before, after, told, LEVEL) == pytest.approx(reference.interval(LEVEL))
    assert p_value(before, after, told) == pytest.approx(2 * reference.cdf(0))
    assert told.deviation == pytest.approx(0.2)


def test_what_the_clocks_cause_widens_the_interval_of_equal_blocks() -> None:
    equal, none = np.zeros(4), WITHIN
    assert interval(equal, equal, none, LEVEL) == (0, 0)
    low, high = interval(equal, equal, none, LEVEL, least=0.01)
    assert (low, high) == pytest.approx((-stdtrit(6, 0.975) * np.sqrt(2) * 0.01, stdtrit(6, 0.975) * np.sqrt(2) * 0.01))
    assert p_value(equal, equal + 1, none) == 0
    assert 0 < p_value(equal, equal + 0.01, none, least=0.01) < 1


def test_the_degrees_of_freedom_are_never_fewer_than_those_of_the_part_that_has_least() -> None:
    told = between.Between(of_means=0.02, of_blocks=0.019, freedom=4, sweeps=6)
    for blocks in ((3, 8), (8, 3)):
        _, freedom = spread(np.asarray(1e-9), np.asarray(1e-9), blocks, told, told.of_means)
        assert freedom == 2


def test_groups_count_by_how_many_sweeps_they_have_beyond_one() -> None:
    two = [sweep(0.0, 3, 0.1), sweep(0.3, 4, 0.2)]
    three = [sweep(1.0, 3, 0.3), sweep(1.2, 5, 0.1), sweep(1.1, 3, 0.4)]
    told = estimate([two, three, [sweep(9.0)]])
    assert told is not None
    means = [np.mean([each.var(ddof=1) / len(each) for each in group]) for group in (two, three)]
    assert told.of_blocks == pytest.approx((1 * means[0] + 2 * means[1]) / 3)
    assert told.of_means == pytest.approx((1 * 0.045 + 2 * 0.01) / 3)
    assert (told.freedom, told.sweeps) == (3, 5)


def test_where_sweeps_differ_far_more_than_blocks_only_the_sweeps_count() -> None:
    apart = Between(of_means=1.0, of_blocks=0.0, freedom=1, sweeps=2)
    _, freedom = spread(np.array(1e-9), np.array(1e-9), (6, 6), apart, apart.of_means)
    assert freedom == pytest.approx(1.0)
