from __future__ import annotations

import pytest
from scipy.stats import binomtest, fisher_exact

from experiments.analysis.statistics import share


@pytest.mark.parametrize(("count", "of"), [(0, 5), (5, 5), (3, 24), (22, 24), (1, 1)])
def test_the_interval_is_scipys_exact_one(count: int, of: int) -> None:
    expected = binomtest(count, of).proportion_ci(0.95, method="exact")
    assert share.interval(count, of, 0.95) == pytest.approx((expected.low, expected.high))


def test_the_test_is_fishers_and_one_sided() -> None:
    assert share.smaller_p(12, 24, 24, 24) == pytest.approx(fisher_exact([[12, 12], [24, 0]], "less").pvalue)
    assert share.smaller_p(0, 3, 0, 0) == share.smaller_p(1, 3, 2, 6) == 1.0, (
        "nothing to compare with, and the same share"
    )
    assert share.smaller_p(24, 24, 12, 24) == share.smaller_p(24, 24, 24, 24) == share.smaller_p(0, 0, 3, 3) == 1.0
