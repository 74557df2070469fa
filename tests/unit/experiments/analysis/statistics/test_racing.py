from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.racing import PRIOR_FREEDOM, error_of_look, p_slower

NAN = np.nan


def by_hand(differences: Floats, pooled: float, prior: int) -> float:
    """The one-sided moderated t of Smyth 2004 for one form's differences from the leader."""
    own = len(differences) - 1
    variance = (prior * pooled + own * differences.var(ddof=1)) / (prior + own)
    return float(stats.t.sf(differences.mean() / np.sqrt(variance / len(differences)), prior + own))


@pytest.mark.parametrize("blocks", [2, 3, 20])
def test_of_two_forms_it_is_a_t_test_with_as_much_prior_as_there_is_to_borrow(blocks: int) -> None:
    logs = np.random.default_rng(1).normal(0, 0.1, (2, blocks)) + np.array([[0.0], [0.05]])
    differences = logs[1] - logs[0]
    expected = by_hand(differences, float(differences.var(ddof=1)), min(PRIOR_FREEDOM, blocks - 1))
    assert p_slower(logs, 0) == pytest.approx([1, expected])


def test_each_pair_borrows_from_all_weighed_by_its_blocks() -> None:
    logs = np.array([[0.0, 0.0, 0.0, 0.0], [0.1, 0.3, 0.2, 0.1], [0.1, 0.9, NAN, NAN]])
    three, two = logs[1], logs[2, :2]
    pooled = (3 * three.var(ddof=1) + two.var(ddof=1)) / 4
    assert p_slower(logs, 0) == pytest.approx([1, by_hand(three, pooled, 4), by_hand(two, pooled, 4)])


def test_a_form_without_two_blocks_beside_the_leader_is_not_tested() -> None:
    logs = np.array([[0.0, 0.0, NAN], [9.0, NAN, 9.0], [0.5, 0.6, NAN]])
    assert p_slower(logs, 0)[:2].tolist() == [1, 1]
    assert 0 < p_slower(logs, 0)[2] < 0.2
    assert p_slower(logs[:2], 0).tolist() == [1, 1]


def test_a_form_that_is_faster_or_equal_is_not_slower() -> None:
    faster, equal = np.array([[0.2, 0.3], [0.0, 0.2]]), np.array([[0.2, 0.3], [0.2, 0.3]])
    assert p_slower(faster, 0)[1] > 0.5
    assert p_slower(equal, 0)[1] == 0.5
    for much in (0.1, 1.0):
        assert p_slower(np.array([[0.0, 0.0], [much, much]]), 0)[1] == pytest.approx(0), "always as much slower"


def test_the_errors_of_all_looks_and_pairs_add_up_to_the_error() -> None:
    spent = sum(3 * error_of_look(0.2, blocks, 4) for blocks in range(2, 5_000))
    assert spent == pytest.approx(0.2, rel=1e-3)
    assert error_of_look(0.2, 2, 1) == 0.1
