from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.comparisons import Terms
from experiments.analysis.statistics.paired import Floats
from experiments.compare import caught
from experiments.compare.gate import judge
from experiments.compare.samples import Blocks, Row, Samples
from experiments.compare.versus import Versus, changes

SPREAD = 0.04


def drawn(generator: np.random.Generator, blocks: int, slower: float) -> tuple[Floats, Floats]:
    before = generator.normal(0, SPREAD, blocks)
    return before, generator.normal(np.log1p(slower), SPREAD, blocks)


def versus(generator: np.random.Generator, blocks: int, slower: float, limit: float) -> Versus:
    """Two made sweeps of one treatment, the second slower by a share."""
    before, after = (Blocks(side) for side in drawn(generator, blocks, slower))
    row = Row("movie", "plain", 1, "boot")
    sides = {"before": "a", "after": "b", "target": "lab", "simulated": False, "measure": "seconds", "differing": {}}
    return Versus.model_validate({**sides, "changes": changes([Samples(row, before, after)], Terms(), limit)})


def promised(generator: np.random.Generator, blocks: int, limit: float) -> float:
    """What `versus` promises to catch."""
    return caught.slowdown(*drawn(generator, blocks, 0), Terms(), 1.0, limit)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "limit"), [(3, 0.0), (4, 0.05), (5, 0.05)])
def test_the_promised_slow_down_is_caught_in_four_of_five_cases(
    blocks: int, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 150 pairs 120 should be; fewer than 105 are in 1 of 500 cases, if the promise holds exactly."""
    generator = np.random.default_rng(20_100)
    assert versus(np.random.default_rng(1), blocks, 0, limit).changes[0].could_catch == promised(
        np.random.default_rng(1), blocks, limit
    )
    promise = float(np.median([promised(generator, blocks, limit) for _ in range(101)]))
    monkeypatch.setattr(caught, "slowdown", lambda *_: None)  # what could be caught need not be computed again
    found = sum(bool(judge(versus(generator, blocks, promise, limit), limit).slower) for _ in range(150))
    assert 105 <= found <= 147


def test_more_blocks_less_spread_and_a_lower_limit_catch_more() -> None:
    blocks = np.array([-1.0, 0.3, 0.9, -0.4, 0.2])
    sides = (0.05 * blocks, 0.05 * blocks[::-1])
    usual = caught.slowdown(*sides, Terms(), 1.0, 0.0)
    assert caught.slowdown(*(side / 5 for side in sides), Terms(), 1.0, 0.0) < usual
    assert caught.slowdown(*(np.tile(side, 2) for side in sides), Terms(), 1.0, 0.0) < usual
    assert caught.slowdown(*sides, Terms(), 1.0, 0.05) > usual
    assert caught.slowdown(*sides, Terms(), 0.1, 0.0) > usual


def test_without_spread_the_limit_itself_is_caught() -> None:
    assert caught.slowdown(np.zeros(4), np.zeros(4), Terms(), 1.0, 0.05) == pytest.approx(0.05)
