from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.statistics import changepoint


def test_a_level_that_changes_twice_is_found_at_both_places() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        values = random.normal(0, 0.02, 36) + np.repeat([0, 0.2, 0.5], 12)
        assert {12, 24} <= {split.index for split in changepoint.splits(values, draws=199)}


def test_fewer_than_eight_values_say_nothing_however_clear_they_look() -> None:
    clear = np.array([1, 1.01, 1.02, 1, 9, 9.01, 9.02, 9])
    assert [split.index for split in changepoint.splits(clear)] == [4]
    assert changepoint.splits(clear[:7]) == []


@pytest.mark.parametrize(("level", "least"), [(0.05, 8), (0.025, 9), (0.05 / 8, 11)])
def test_more_series_need_more_sweeps(level: float, least: int) -> None:
    assert changepoint.least_values(level) == least


def test_noise_alone_is_called_a_change_in_about_one_series_of_twenty() -> None:
    random = np.random.default_rng(2)
    found = sum(bool(changepoint.splits(random.normal(size=12), draws=99)) for _ in range(300))
    assert 3 <= found <= 28  # 15 expected; beyond 3 standard deviations on either side


def test_the_range_of_a_place_that_noise_hides_mostly_holds_it() -> None:
    random = np.random.default_rng(1)
    held = []
    for _ in range(100):
        splits = changepoint.splits(random.normal(0, 0.06, 20) + np.repeat([0, 0.12], 10), draws=199)
        held += [split.earliest <= 10 <= split.latest for split in splits if len(splits) == 1]
    assert len(held) > 50
    assert np.mean(held) > 0.7  # about 0.84: the limit is approximate in short series
