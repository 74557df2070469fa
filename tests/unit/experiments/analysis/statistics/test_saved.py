from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as made

from experiments.analysis.statistics import paired, saved
from experiments.analysis.statistics.paired import Floats

blocks_of_seconds = st.integers(3, 12).flatmap(
    lambda blocks: made.arrays(np.float64, (2, blocks), elements=st.floats(0.01, 3000))
)


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


@given(blocks_of_seconds)
def test_exchanging_form_and_control_exchanges_the_ends(sides: Floats) -> None:
    form, control = sides
    low, high = saved.interval(form, control, 0.95)
    close = 1e-6 + 1e-3 * (high - low)  # a fortnight's interval has a lesser end of hours, which is off by 1 %
    assert saved.interval(control, form, 0.95) == pytest.approx((-high, -low), rel=1e-2, abs=close)


def test_with_a_steady_control_the_seconds_are_the_ratio_s() -> None:
    control = np.full(5, 8.0)
    form = np.array([2.0, 2.1, 1.9, 2.2, 2.0])
    low, high = np.exp(paired.interval(np.log(form / control), 0.95))
    assert saved.interval(form, control, 0.95) == pytest.approx((8 * (1 - high), 8 * (1 - low)), rel=1e-2)


def test_a_small_effect_has_the_t_interval_of_its_seconds() -> None:
    drawn = np.random.default_rng(4).normal(10, 0.001, (2, 6))
    expected = paired.interval(drawn[1] - drawn[0], 0.95)
    assert saved.interval(drawn[0], drawn[1], 0.95) == pytest.approx(expected, rel=1e-2)


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


def test_blocks_that_agree_exactly_leave_nothing_open() -> None:
    assert saved.interval(np.full(3, 2.0), np.full(3, 5.0), 0.95) == pytest.approx((3.0, 3.0))
    assert saved.interval(np.full(3, 5.0), np.full(3, 5.0), 0.95) == (0.0, 0.0)
