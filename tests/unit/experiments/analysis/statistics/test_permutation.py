from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.analysis.statistics import permutation
from experiments.analysis.statistics.permutation import DRAWS, MOST_ENUMERATED


@pytest.mark.slow
@given(st.lists(st.floats(-2, 2).filter(lambda d: abs(d) > 1e-3), min_size=1, max_size=7))
def test_few_blocks_are_enumerated_exchange_by_exchange(sample: list[float]) -> None:
    observed = abs(sum(sample))
    sums = [
        abs(sum(s * d for s, d in zip(signs, sample, strict=True))) for signs in product((-1, 1), repeat=len(sample))
    ]
    expected = sum(value >= observed - 1e-9 for value in sums) / len(sums)
    assert permutation.test(np.array(sample)).p_value == expected


def test_it_is_scipy_s_permutation_test_of_paired_samples() -> None:
    rng = np.random.default_rng(3)
    form, control = rng.normal(0.3, 0.5, 9), rng.normal(0, 0.5, 9)
    reference = stats.permutation_test(
        (form, control), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert permutation.test(form - control).p_value == pytest.approx(reference.pvalue)


@pytest.mark.parametrize(("blocks", "least"), [(3, 1 / 4), (5, 1 / 16), (6, 1 / 32), (10, 1 / 512)])
def test_blocks_bound_what_it_can_say(blocks: int, least: float) -> None:
    result = permutation.test(np.full(blocks, 5.0))
    assert result.least == result.p_value == least


def test_fourteen_blocks_are_still_enumerated() -> None:
    result = permutation.test(np.full(MOST_ENUMERATED, 0.5))
    assert result.least == result.p_value == 2.0 ** (1 - MOST_ENUMERATED)


def test_many_blocks_are_drawn_with_one_added_and_give_the_same_each_time() -> None:
    sample = np.full(MOST_ENUMERATED + 10, 0.5)
    scattered = np.random.default_rng(6).normal(0.1, 0.5, len(sample))
    assert permutation.test(scattered) == permutation.test(scattered)
    assert permutation.test(sample).p_value == permutation.test(sample).least == 1 / (DRAWS + 1)


def test_drawn_and_enumerated_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = np.random.default_rng(5).normal(0.2, 0.4, 12)
    exact = permutation.test(sample).p_value
    monkeypatch.setattr(permutation, "MOST_ENUMERATED", 1)
    assert permutation.test(sample).p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / DRAWS))


def test_no_difference_at_all_is_as_likely_as_can_be() -> None:
    assert permutation.test(np.zeros(5)).p_value == 1
