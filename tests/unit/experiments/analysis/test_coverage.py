"""A small version of `benchmarks/bench_coverage.py`: fewer sweeps, wider bars, the same simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage_rows import fixed, stopped
from benchmarks.estimators import adjusted_p_values
from benchmarks.simulated import PRIMARY, differences, simulate
from benchmarks.worlds import NOT_NORMAL, STOPPING_WORLDS, WORLDS, World
from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs

SWEEPS = 400
CORRELATED = next(world for world in WORLDS if "within rounds" in world.name)


def _told(value: World | int) -> str:
    return value.name if isinstance(value, World) else str(value)


@pytest.mark.slow
@pytest.mark.parametrize(("world", "blocks"), [(world, (3, 5, 10)[at % 3]) for at, world in enumerate(WORLDS)], ids=str)
def test_intervals_hold_the_truth_and_a_a_sweeps_are_not_called_different(world: World, blocks: int) -> None:
    row = fixed(world, blocks, SWEEPS, np.random.default_rng(blocks), read=0)
    assert 0.91 <= row.ours <= 0.985
    assert row.a_a <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("world", STOPPING_WORLDS[::3], ids=lambda world: world.name)
def test_the_stopping_rule_keeps_both(world: World) -> None:
    row = stopped(world, 5, 40, SWEEPS, np.random.default_rng(1))
    assert 0.91 <= row.ours <= 0.99
    assert row.a_a <= 0.07


def test_where_one_comparison_is_five_times_as_noisy_its_own_interval_holds_and_a_fitted_prior_would_err() -> None:
    world = next(world for world in WORLDS if world.name == "one of 4 five times as noisy")
    row = fixed(world, 3, SWEEPS, np.random.default_rng(1), read=0)
    assert 0.91 <= (row.noisiest or 0) <= 0.985
    assert row.a_a <= 0.06
    assert (row.a_a_fitted or 0) > 0.07


def test_tasks_taken_for_independent_do_not_and_blocks_drawn_with_replacement_neither() -> None:
    row = fixed(CORRELATED, 3, SWEEPS, np.random.default_rng(1), read=0)
    assert row.naive < 0.7
    assert row.other < 0.85
    assert row.a_a_naive > 0.9


@pytest.mark.slow
def test_rare_stalls_of_the_form_are_outside_the_interval_which_holds_the_usual_start() -> None:
    stalling = next(world for world in NOT_NORMAL if world.stalls and not world.both_sides)
    row = fixed(stalling, 10, SWEEPS, np.random.default_rng(1), read=0)
    assert row.ours < 0.8
    assert (row.usual or 0) >= 0.93


@pytest.mark.slow
def test_a_form_that_pulls_in_one_of_two_times_is_cautioned_of_where_its_interval_misses() -> None:
    world = next(world for world in NOT_NORMAL if world.second_by_round == 0.5)
    few = fixed(world, 3, SWEEPS, np.random.default_rng(1), read=40)
    assert few.ours < 0.85
    assert few.silent == 0
    more = fixed(world, 8, SWEEPS, np.random.default_rng(1), read=40)
    assert (more.two_kinds or 0) > 0.9
    assert (more.silent or 0) < 0.03


@pytest.mark.slow
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
