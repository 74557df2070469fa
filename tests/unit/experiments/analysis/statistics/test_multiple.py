from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analysis.statistics.multiple import holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


def by_hand(p: np.ndarray, weights: np.ndarray) -> list[float]:
    """Holm's procedure step by step: the smallest p per weight first, each against the remaining weight."""
    adjusted, reached, remaining = {}, 0.0, list(range(len(p)))
    while remaining:
        best = min(remaining, key=lambda index: p[index] / weights[index])
        reached = max(reached, min(1.0, p[best] * sum(weights[index] for index in remaining) / weights[best]))
        adjusted[best] = reached
        remaining.remove(best)
    return [adjusted[index] for index in range(len(p))]


def test_a_textbook_example() -> None:
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted.dtype == float


@given(p_values, st.randoms(use_true_random=False))
def test_it_is_the_procedure_step_by_step(p: np.ndarray, random: object) -> None:
    weights = np.array([random.uniform(0.1, 5) for _ in p])  # type: ignore[attr-defined]
    assert holm(p, weights) == pytest.approx(by_hand(p, weights))


@given(p_values)
def test_it_never_says_more_than_the_p_value_nor_less_than_bonferroni(p: np.ndarray) -> None:
    adjusted = holm(p)
    assert np.all(adjusted >= p)
    assert np.all(adjusted <= np.minimum(1, p * len(p)) + 1e-12)


def test_a_heavier_weight_needs_less() -> None:
    p = np.array([0.02, 0.02])
    assert holm(p, np.array([3.0, 1.0]))[0] < holm(p)[0]


def test_rows_are_corrected_apart() -> None:
    p = np.random.default_rng(1).random((4, 6))
    assert np.array_equal(holm(p)[2], holm(p[2]))
    weights = np.random.default_rng(2).uniform(0.1, 5, (4, 6))
    assert np.array_equal(holm(p, weights)[2], holm(p[2], weights[2]))
