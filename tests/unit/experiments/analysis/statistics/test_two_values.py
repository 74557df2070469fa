from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics.two_values import second_value
from experiments.analysis.statistics.unseen import unseen

GAP = float(np.log(3.1 / 2.2))


@pytest.mark.parametrize("sizes", [(3, 3), (5, 5), (12,), (10, 9, 10, 10)])
def test_normal_values_seldom_have_a_second_value(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    p_values = [_p([rng.normal(level, 0.2, size) for level, size in enumerate(sizes)]) for _ in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.085


def test_a_second_value_is_found_with_its_distance_and_share_whatever_the_levels() -> None:
    rng = np.random.default_rng(2)
    high = [np.array([1, 0, 1, 0, 0]), np.array([0, 1, 0, 0, 1])]
    groups = [level + GAP * which + rng.normal(0, 0.03, 5) for level, which in zip((0.0, 2.0), high, strict=True)]
    found = second_value(groups)
    assert found is not None
    assert found.distance == pytest.approx(GAP, abs=0.05)
    assert found.share == pytest.approx(0.4)
    assert found.p_value < 0.01


def test_one_far_value_is_no_second_value() -> None:
    assert second_value([np.array([0.0, 0.01, -0.01, 0.02]), np.array([0.0, 0.01, 1.0, 0.0])]) is None


def test_values_that_hardly_differ_are_no_second_value() -> None:
    assert second_value([np.array([0.0, 0.04, 0.0, 0.04]), np.array([0.0, 0.04, 0.04, 0.0])]) is None


def test_equal_or_few_values_say_nothing() -> None:
    assert second_value([np.zeros(9)]) is None
    assert second_value([np.array([0.0, 1.0, 0.0])]) is None
    assert second_value([]) is None


def test_what_few_blocks_may_not_have_met() -> None:
    assert unseen(3) == pytest.approx(0.632, abs=0.001)
    assert (1 - unseen(10)) ** 10 == pytest.approx(0.05)


def _p(groups: list[np.ndarray]) -> float:
    found = second_value(groups)
    return 1.0 if found is None else found.p_value
