"""A small version of `benchmarks/bench_coverage.py`: fewer sweeps, wider bars, the same simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.bench_coverage import (
    PRIMARY,
    STOPPING_WORLDS,
    WORLDS,
    World,
    adjusted_p_values,
    differences,
    fixed,
    simulate,
    stopped,
)
from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs

SWEEPS = 400
CORRELATED = next(world for world in WORLDS if "within rounds" in world.name)


@pytest.mark.parametrize("blocks", [3, 5, 10])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_intervals_hold_the_truth_and_a_a_sweeps_are_not_called_different(world: World, blocks: int) -> None:
    row = fixed(world, blocks, SWEEPS, np.random.default_rng(blocks))
    assert 0.91 <= row.ours <= 0.985
    assert row.a_a <= 0.07


@pytest.mark.parametrize("world", STOPPING_WORLDS[::2], ids=lambda world: world.name)
def test_the_stopping_rule_keeps_both(world: World) -> None:
    row = stopped(world, 5, 40, SWEEPS, np.random.default_rng(1))
    assert 0.91 <= row.ours <= 0.99
    assert row.a_a <= 0.07


def test_where_one_comparison_is_five_times_as_noisy_its_own_interval_holds_and_a_fitted_prior_would_err() -> None:
    world = next(world for world in WORLDS if world.name == "one of 4 five times as noisy")
    row = fixed(world, 3, SWEEPS, np.random.default_rng(1))
    assert 0.91 <= (row.noisiest or 0) <= 0.985
    assert row.a_a <= 0.06
    assert (row.a_a_fitted or 0) > 0.07


def test_tasks_taken_for_independent_do_not_and_blocks_drawn_with_replacement_neither() -> None:
    row = fixed(CORRELATED, 3, SWEEPS, np.random.default_rng(1))
    assert row.naive < 0.7
    assert row.other < 0.85
    assert row.a_a_naive > 0.9


def test_the_simulation_s_shortcut_calls_the_same_sweeps_different_as_the_real_comparison() -> None:
    """The benchmark corrects all p-values at once; the verdicts come from `compare`, sweep by sweep."""
    world = replace(WORLDS[0], effect=-0.03)
    sweeps = differences(simulate(world, 5, 30, np.random.default_rng(2)))
    phases = ("pull", "start", "ready", "boot")
    assert phases[PRIMARY] == "boot"
    for sweep in sweeps:
        pairs = [
            Pairs(f"v{cell}", "soci-v2", f"v{cell}", "plain", 1, phase, np.exp(sweep[cell, place]), np.ones(5))
            for cell in range(world.cells)
            for place, phase in enumerate(phases)
        ]
        comparisons = compare(pairs, Terms(), {pair.variant: "boot" for pair in pairs})
        called = [each.verdict in ("faster", "slower") for each in comparisons]
        adjusted = [each.p_adjusted or 0 for each in comparisons]
        assert called == [p <= 0.05 for p in adjusted]
        assert adjusted == pytest.approx(adjusted_p_values(sweep[None])[0])
