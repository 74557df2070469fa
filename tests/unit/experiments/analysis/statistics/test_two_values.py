from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics import two_values
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.two_values import second_value
from experiments.analysis.statistics.unseen import unseen

GAP = float(np.log(3.1 / 2.2))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(3, 3), (5, 5), (12,), (10, 9, 10, 10)])
def test_normal_values_seldom_have_a_second_value(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    p_values = [_p([rng.normal(level, 0.2, size) for level, size in enumerate(sizes)]) for _ in range(250)]
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


@pytest.mark.parametrize("far", [1.0, -1.0])
def test_one_far_value_is_no_second_value(far: float) -> None:
    assert second_value([np.array([0.0, 0.01, -0.01, 0.02]), np.array([0.0, 0.01, far, 0.0])]) is None
    assert second_value([np.array([0.0, 0.01, -0.01, 0.02, 0.0, 0.01, far])]) is None


@pytest.mark.parametrize(("far", "share"), [(1.0, 0.2), (-1.0, 0.8)])
def test_a_group_that_shows_one_value_takes_the_more_frequent(far: float, share: float) -> None:
    found = second_value([np.array([0.0, 0.01, far, 0.02, far]), np.array([0.0, 0.01, -0.01, 0.02, 0.0])])
    assert found is not None
    assert (found.distance, found.share) == (pytest.approx(1, abs=0.02), pytest.approx(share))


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


def split(group: Floats, distance: float) -> Floats:
    """Which of the values to call upper, so that a second value this far above the first leaves least."""
    choices = [np.argsort(np.argsort(group)) >= len(group) - uppers for uppers in range(len(group))]
    levels = [distance * (choice - choice.mean()) for choice in choices]
    left = [((group - group.mean() - level) ** 2).sum() for level in levels]
    return choices[int(np.argmin(left))].astype(float)


def fit(groups: list[Floats]) -> tuple[float, float, int, int]:
    """The share of squares left, the distance, and how many values are upper and lower in groups that show both: by
    turns, from three first guesses."""
    best = (1.0, 0.0, 0, 0)
    centred = np.concatenate([group - group.mean() for group in groups])
    for start in (1.0, 0.7, 0.45):
        distance = start * max(np.ptp(group) for group in groups)
        for _ in range(6):
            chosen = [split(group, distance) for group in groups]
            steps = np.concatenate([each - each.mean() for each in chosen])
            distance = steps @ centred / (steps @ steps) if steps.any() else 0.0
        left = ((centred - distance * steps) ** 2).sum() / (centred**2).sum()
        if left < best[0]:
            both = [(int(each.sum()), int((1 - each).sum())) for each in chosen if each.any()]
            best = (left, distance, sum(each for each, _ in both), sum(each for _, each in both))
    return best


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(6,), (5, 3, 4), (2, 2, 2, 2), (7, 6)])
def test_the_second_value_is_that_of_the_method_step_by_step(
    sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_values, "DRAWS", 99)
    monkeypatch.setattr(two_values, "_by_chance", two_values._by_chance.__wrapped__)
    generator = np.random.default_rng(two_values._SEED)
    drawn = [generator.standard_normal((99, size)) for size in sorted(sizes)]
    fits = [fit([group[row] for group in drawn]) for row in range(99)]
    by_chance = [1.0 if min(uppers, lowers) < 2 else left for left, _, uppers, lowers in fits]
    rng, found = np.random.default_rng(5), 0
    for _ in range(25):
        upper = [rng.random(size) < 0.4 for size in sizes]
        noise, apart = rng.uniform(0.01, 0.05), rng.uniform(0, 0.2)
        groups = [5 + rng.normal(0, noise, len(each)) + apart * each for each in upper]
        left, distance, uppers, lowers = fit(groups)
        told, count = second_value(groups), sum(sizes)
        deviation = np.sqrt(left * sum(group.var() * len(group) for group in groups) / count)
        clear = min(uppers, lowers) >= 2 and distance >= np.log1p(0.05) and distance >= 2.5 * deviation
        assert (told is not None) == clear
        if told is not None:
            found += 1
            share = uppers / count if uppers <= lowers else 1 - lowers / count
            assert (told.distance, told.share) == pytest.approx((distance, share))
            assert told.p_value == pytest.approx((1 + sum(each <= left * (1 + 1e-9) for each in by_chance)) / 100)
    assert 0 < found < 25
    again = {row: second_value([5 + group[row] / 3 for group in drawn]) for row in range(99)}
    clear_by_chance = {row: told.p_value for row, told in again.items() if told is not None}
    assert clear_by_chance, "a sample that chance itself has drawn is as clear as that one"
    for row, p_value in clear_by_chance.items():
        assert p_value == pytest.approx((1 + sum(each <= by_chance[row] * (1 + 1e-9) for each in by_chance)) / 100)


@pytest.mark.slow
def test_of_many_values_the_first_of_each_group_count() -> None:
    groups = list(np.random.default_rng(6).normal(0, 0.04, (3, 70)) + 0.3 * (np.arange(70) % 2))
    assert second_value(groups) == second_value([group[:40] for group in groups])
    assert second_value(groups) != second_value([group[:39] for group in groups])
    one = 0.04 * np.random.default_rng(7).normal(size=130) + 0.3 * (np.arange(130) % 2)
    assert second_value([one]) == second_value([one[:120]]) != second_value([one[:119]])
    many = [np.array([0.0, 0.3]) + 0.001 * number for number in range(70)]
    assert second_value([np.append(each, 5.0) for each in many]) == second_value(many)


def test_a_value_that_is_alone_in_its_group_counts_for_nothing() -> None:
    groups = [np.array([0.0, 0.3, 0.01, 0.31]), np.array([0.0, 0.3, 0.02])]
    assert second_value([*groups, np.array([9.0])]) == second_value(groups) is not None
