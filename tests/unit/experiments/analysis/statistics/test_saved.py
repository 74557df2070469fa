from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as made
from scipy import stats

from experiments.analysis.statistics import paired, saved
from experiments.analysis.statistics.paired import Floats

blocks_of_seconds = st.integers(3, 12).flatmap(
    lambda blocks: made.arrays(np.float64, (2, blocks), elements=st.floats(0.01, 3000))
)


@pytest.mark.slow
@given(blocks_of_seconds, st.sampled_from([0.0, 0.001, 0.1]))
def test_seconds_never_contradict_the_ratio(sides: Floats, least: float) -> None:
    form, control = sides
    low, high = saved.interval(form, control, 0.95, least)
    ratio_low, ratio_high = paired.interval(np.log(form / control), 0.95, least)
    assert low <= saved.seconds(form, control) + 1e-6 and saved.seconds(form, control) <= high + 1e-6
    assert low >= 0 or ratio_high >= 0
    assert high <= 0 or ratio_low <= 0
    assert ratio_high >= -1e-9 or low > 0
    assert ratio_low <= 1e-9 or high < 0


@pytest.mark.slow
@given(blocks_of_seconds)
def test_exchanging_form_and_control_exchanges_the_ends(sides: Floats) -> None:
    form, control = sides
    low, high = saved.interval(form, control, 0.95)
    assert saved.interval(control, form, 0.95) == pytest.approx((-high, -low), rel=1e-6, abs=1e-6 * (1 + high - low))


def test_with_a_steady_control_the_seconds_are_the_ratio_s() -> None:
    control = np.full(5, 8.0)
    form = np.array([2.0, 2.1, 1.9, 2.2, 2.0])
    low, high = np.exp(paired.interval(np.log(form / control), 0.95))
    assert saved.interval(form, control, 0.95) == pytest.approx((8 * (1 - high), 8 * (1 - low)), rel=1e-2)


def test_a_small_effect_has_the_t_interval_of_its_seconds() -> None:
    drawn = np.random.default_rng(4).normal(10, 0.001, (2, 6))
    expected = paired.interval(drawn[1] - drawn[0], 0.95)
    assert saved.interval(drawn[0], drawn[1], 0.95) == pytest.approx(expected, rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "ratio"), [(4, 0.5), (6, 1.02), (9, 1.6)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_ends_are_those_of_draws_of_both_sides_means(blocks: int, ratio: float, level: float) -> None:
    rng = np.random.default_rng(blocks)
    control = np.exp(rng.normal(2, 0.1, blocks))
    form = control * np.exp(rng.normal(np.log(ratio), 0.1, blocks))
    logs, draws = np.log([form, control]), 200_000
    scale = np.sqrt(rng.chisquare(blocks - 1, draws) / (blocks - 1))
    means = logs.mean(axis=1) + rng.multivariate_normal([0, 0], np.cov(logs) / blocks, draws) / scale[:, None]
    low, high = np.quantile(np.exp(means[:, 1]) - np.exp(means[:, 0]), [(1 - level) / 2, (1 + level) / 2])
    assert saved.interval(form, control, level) == pytest.approx((low, high), abs=0.01 * (high - low))
    assert saved.seconds(form, control) == pytest.approx(np.exp(logs[1].mean()) - np.exp(logs[0].mean()))


def share_below(seconds: float, form: Floats, control: Floats) -> float:
    """How much of the distribution lies below: beside each logarithm of the ratio, a t of the control's."""
    blocks, logs, ratios = len(form), np.log(control), np.log(form / control)
    covariance = np.cov(logs, ratios) / blocks
    t = stats.t(blocks - 1).ppf((np.arange(100_000) + 0.5) / 100_000)
    ratio = ratios.mean() + t * np.sqrt(covariance[1, 1])
    middle = logs.mean() + covariance[0, 1] / covariance[1, 1] * (ratio - ratios.mean())
    rest = covariance[0, 0] - covariance[0, 1] ** 2 / covariance[1, 1]
    scale = np.sqrt(rest * (blocks - 1 + t**2) / blocks)
    saved_share = -np.expm1(np.clip(ratio, -300, 300))
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.log(seconds / saved_share)  # of the control, from which on the saving or loss is larger
    below = stats.t(blocks).cdf((least - middle) / scale)
    shares = np.where(saved_share > 0, below, 1.0) if seconds > 0 else np.where(saved_share > 0, 0.0, 1 - below)
    return float(shares.mean())


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(
    ("form", "control"),
    [
        ([3.1, 2.9, 3.0, 3.2], [4.8, 5.3, 5.1, 4.9]),
        ([5.0, 5.4, 4.6], [5.2, 4.9, 5.0]),
        ([7.9, 8.4, 8.1, 7.7, 8.8], [4.0, 4.3, 4.4, 3.9, 4.1]),
        ([1.403, 9.305, 3.343], [1.407, 9.323, 3.348]),
        ([8.86, 1.525, 2.341], [8.32, 1.523, 2.175]),
        ([0.0133, 16.1, 22839.0], [2.43, 2.288, 3.045]),
        ([1.0, 755.0, 672.0], [101.0, 1.0, 1.0]),
        ([0.348, 23.82, 27.82], [3.0, 3.001, 3.0]),
        ([2.0, 30.0, 7.0, 11.0], [4.0, 900.01, 49.0, 121.0]),
    ],
)
def test_as_much_as_the_level_says_lies_outside_each_end(form: list[float], control: list[float], level: float) -> None:
    sides = np.array(form), np.array(control)
    shares = [share_below(end, *sides) for end in saved.interval(*sides, level)]
    assert shares == pytest.approx([(1 - level) / 2, (1 + level) / 2], abs=1e-4)


@pytest.mark.parametrize("blocks", [3, 4, 8])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_seconds_leave_out_zero_from_where_the_ratio_leaves_out_one(blocks: int, level: float) -> None:
    random = np.random.default_rng(blocks)
    scattered, control = random.normal(0, 0.1, blocks), np.exp(random.normal(1, 0.1, blocks))
    scattered -= scattered.mean()
    half = float(paired.half_width(paired.deviation(scattered), blocks, level))
    for just, sign in ((1.001, 1), (0.999, -1)):
        form = control * np.exp(scattered - just * half)
        assert np.sign(saved.interval(form, control, level)[0]) == sign
        assert np.sign(saved.interval(control, form, level)[1]) == -sign


@pytest.mark.parametrize("blocks", [3, 4, 7, 11])
def test_an_end_at_zero_is_zero(blocks: int) -> None:
    scattered = np.linspace(-0.1, 0.1, blocks)
    half = float(paired.half_width(paired.deviation(scattered), blocks, 0.95))
    control = np.full(blocks, 4.0)
    for beside in range(-3, 4):
        form = control * np.exp(scattered - half * (1 + beside * 2.0**-52))
        assert saved.interval(form, control, 0.95)[0] == pytest.approx(0, abs=1e-3)


def test_a_share_that_nothing_but_rounding_lies_beyond_ends_at_zero() -> None:
    form, control = np.array([2.0, 2.5, 2.2]), np.array([4.0, 4.1, 3.8])
    assert saved._exceeded(form, control, 0.1, (0.0, 0.3), 0.3 + 1e-12) == 0.0
    assert saved._exceeded(form, control, 0.1, (0.0, 0.3), 0.29) > 0.1


def test_what_the_clocks_cause_widens_the_interval() -> None:
    control, form = np.full(5, 8.0), np.full(5, 2.0)
    low, high = np.exp(paired.interval(np.log(form / control), 0.95, 0.1))
    assert saved.interval(form, control, 0.95, 0.1) == pytest.approx((8 * (1 - high), 8 * (1 - low)), rel=1e-2)


def test_a_ratio_that_every_block_agrees_in_leaves_open_what_the_control_does() -> None:
    control = np.array([4.0, 8.0, 16.0, 8.0])
    low, high = np.exp(paired.interval(np.log(control), 0.95))
    assert saved.interval(control / 2, control, 0.95) == pytest.approx((low / 2, high / 2), rel=1e-3)


def test_two_blocks_that_have_nothing_in_common_leave_ends_beyond_all_time_that_are_numbers() -> None:
    low, high = saved.interval(np.array([1e-200, 1e200]), np.ones(2), 0.95)
    assert low == -np.exp(600)
    assert high == pytest.approx(1, rel=1e-3)
    low, high = saved.interval(np.ones(2), np.array([1e-200, 1e200]), 0.95)
    assert (low, high) == (pytest.approx(-1, rel=1e-3), np.exp(600))


def test_blocks_that_agree_exactly_leave_nothing_open() -> None:
    assert saved.interval(np.full(3, 2.0), np.full(3, 5.0), 0.95) == pytest.approx((3.0, 3.0))
    assert saved.interval(np.full(3, 4.0), np.full(3, 2.0), 0.95) == pytest.approx((-2.0, -2.0))
    assert saved.interval(np.full(3, 5.0), np.full(3, 5.0), 0.95) == (0.0, 0.0)
