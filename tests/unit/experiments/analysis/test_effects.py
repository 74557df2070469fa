from __future__ import annotations

import math
from statistics import median

from experiments.analysis.effects import Pairs, pairs, primary_phases, round_medians
from experiments.records.model import Outcome
from experiments.records.phases import durations
from experiments.store import frames
from experiments.store.store import Store
from tests.contracts.plans import small_plan
from tests.support.made_frames import made
from tests.unit.experiments.conftest import StartSweep


def primary_phase(compared: list[Pairs]) -> str:
    return primary_phases((pair.variant, pair.phase) for pair in compared)["movie"]


def test_a_block_s_pair_are_the_medians_of_its_two_rounds(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(task_counts=(3,), blocks=4)
    done = sweep(plan)
    medians = {
        (record.round.form, record.round.block): median(
            durations(task).boot_seconds or math.nan for task in record.observation.tasks
        )
        for record in store.rounds(done.id)
    }
    compared = pairs(plan.design, round_medians(frames.tasks(store, done.id)))
    assert [pair.phase for pair in compared] == ["pull", "start", "ready", "boot"]
    boot = compared[-1]
    assert boot.seconds.tolist() == [medians["soci-v2", block] for block in range(4)]
    assert boot.control_seconds.tolist() == [medians["plain", block] for block in range(4)]
    assert boot.differences.tolist() == [
        math.log(medians["soci-v2", block] / medians["plain", block]) for block in range(4)
    ]


def test_a_block_with_one_side_missing_is_left_out(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(task_counts=(1,), blocks=3)
    done = sweep(plan, script={2: [Outcome.TIMEOUT], 5: [Outcome.CONTAMINATED] * 3})
    compared = pairs(plan.design, round_medians(frames.tasks(store, done.id)))
    assert {len(pair.seconds) for pair in compared} == {1}


def test_every_form_but_the_control_is_compared_at_every_task_count() -> None:
    plan = small_plan(variants=("movie", "parquet"), forms=("soci-v1", "plain", "soci-v2"), blocks=1)
    compared = pairs(plan.design, round_medians(made(plan, lambda *_: 1.0).tasks))
    keys = [(pair.variant, pair.task_count, pair.form, pair.control) for pair in compared]
    assert keys == [
        (variant, task_count, form, "plain")
        for variant in ("movie", "parquet")
        for task_count in (1, 2)
        for form in ("soci-v1", "soci-v2")
    ]


def test_a_round_in_no_time_gives_no_ratio() -> None:
    plan = small_plan(task_counts=(1,), blocks=2)
    compared = pairs(plan.design, round_medians(made(plan, lambda round_, _: float(round_.block)).tasks))
    assert [pair.seconds.tolist() for pair in compared] == [[1.0]]


def test_nothing_measured_gives_no_pairs() -> None:
    plan = small_plan()
    assert pairs(plan.design, round_medians(made(plan, lambda *_: 1.0, ran=lambda _: False).tasks)) == []


def test_a_workload_without_a_boot_of_its_own_is_judged_by_its_readiness() -> None:
    plan = small_plan(task_counts=(1,), blocks=1)
    tasks = made(plan, lambda *_: 1.0).tasks
    served = tasks.assign(boot_seconds=math.nan, ready_seconds=2.0)
    assert primary_phase(pairs(plan.design, round_medians(tasks))) == "boot"
    assert primary_phase(pairs(plan.design, round_medians(served))) == "ready"
