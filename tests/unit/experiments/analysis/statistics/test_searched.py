from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics import between, changepoint, searched
from experiments.analysis.statistics.between import WITHIN


@pytest.mark.parametrize("size", [0.03, 0.2])
def test_ranges_hold_the_truth_of_the_changes_that_were_found(size: float) -> None:
    random = np.random.default_rng(4)
    places, sizes, plain = [], [], []
    for _ in range(400):
        values = random.normal(0, 0.05, 12) + np.repeat([0, size], 6)
        for split in changepoint.splits(values, draws=99)[:1]:
            found = searched.found(values, split.index, split.level)
            sizes.append(found.low <= size <= found.high)
            places.append(found.earliest <= 6 <= found.latest)
            low, high = between.interval(values[: split.index], values[split.index :], WITHIN, 0.95)
            plain.append(low <= size <= high)
        if len(sizes) == 30:
            break
    assert np.mean(sizes) > 0.85  # 0.95 is promised; 0.85 is 2.5 standard deviations below it
    assert np.mean(places) > 0.85
    if size < 0.05:
        assert np.mean(plain) < 0.75  # what an interval that knows nothing of the search does


def test_the_interval_of_a_large_change_is_that_of_welch() -> None:
    values = np.random.default_rng(1).normal(0, 0.02, 20) + np.repeat([0, 0.5], 10)
    found = searched.found(values, 10)
    low, high = between.interval(values[:10], values[10:], WITHIN, 0.95)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.004), pytest.approx(high, abs=0.004))
    assert (found.earliest, found.latest) == (10, 10)


def test_levels_without_noise_have_no_range() -> None:
    found = searched.found(np.repeat([0.0, 1.0], 5), 5)
    assert (found.low, found.high, found.earliest, found.latest) == (1, 1, 5, 5)
