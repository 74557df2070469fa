"""A whole sweep on the simulation: stored, resumed, summed up, reported and exported, and marked everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.executors.simulation import Parameters, SimulatedExecutor, outputs, parameters
from experiments.executors.simulation.failures import ALL, Failure, Kind, Script
from experiments.plan.plan import Plan
from experiments.report import export
from experiments.report.formats import read
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from experiments.sweep import resume, start
from kit.errors import SweepError
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.support.simulated import PLATFORM

PLAN = small_plan(variants=("movie", "parquet"), task_counts=(1, 8), blocks=3)


def executor(plan: Plan = PLAN, script: Script | None = None, numbers: Parameters | None = None) -> SimulatedExecutor:
    return SimulatedExecutor(
        outputs(plan.design, PLATFORM),
        numbers or parameters(plan.design),
        seed=1,
        timeout_seconds=300,
        script=script,
    )


def swept(store: Store, script: Script | None = None) -> Sweep:
    return start(store, executor(script=script), PLAN, "sim", outputs(PLAN.design, PLATFORM), lambda _: None)


@pytest.mark.slow
def test_a_sweep_is_marked_as_simulated_wherever_it_is_shown(store: Store) -> None:
    done = swept(store)
    records = store.rounds(done.id)
    assert len(records) == len(PLAN.rounds)
    assert done.key_metadata["target"] == done.outputs.target == "sim"
    summary = read(store, done).contents.summary
    assert (summary.target, summary.rounds_complete) == ("sim", len(PLAN.rounds))
    assert read(store, done).contents.standing.startswith("SIMULATED")
    rows = json.loads(export.to_json(records))
    assert {(row["target"], row["simulated"]) for row in rows} == {("sim", True)}
    assert export.to_averages_csv(records).splitlines()[0].endswith(",simulated")


def test_tasks_of_a_simulation_stay_marked_in_the_store_itself(store: Store) -> None:
    done = swept(store)
    assert all(":ecs:sim:" in task.task_id for record in store.rounds(done.id) for task in record.observation.tasks)


@pytest.mark.slow
def test_two_sweeps_with_the_same_seed_fit_into_one_store(store: Store) -> None:
    first, second = swept(store), swept(store)
    boots = [
        [sorted(str(task.times) for task in record.observation.tasks) for record in store.rounds(sweep.id)]
        for sweep in (first, second)
    ]
    assert boots[0] == boots[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.CANNOT_PULL, Kind.NO_CAPACITY])
def test_a_failed_round_is_tried_again_later_and_then_goes_well(store: Store, kind: Kind) -> None:
    done = swept(store, script={1: [[Failure(kind, ALL)]]})
    tries = [record for record in store.rounds(done.id) if record.round.index == 1]
    assert [record.status.value for record in tries] == ["failed", "complete"]


def test_a_round_without_capacity_is_tried_again_twice_at_most_and_its_reason_kept(store: Store) -> None:
    done = swept(store, script={1: [[Failure(Kind.NO_CAPACITY, ALL)]] * 5})
    tries = [record for record in store.rounds(done.id) if record.round.index == 1]
    assert [record.status.value for record in tries] == ["failed"] * 3
    assert all("Capacity is unavailable" in (record.reason or "") for record in tries)


def test_a_sweep_is_not_resumed_with_other_parameters(store: Store) -> None:
    done = swept(store)
    other = parameters(PLAN.design).model_copy(update={"lazy_pull_seconds": 1.0})
    with pytest.raises(SweepError, match=r"parameter.lazy_pull_seconds: 3.4 then, 1.0 now"):
        resume(store, executor(numbers=other), done, done.outputs, lambda _: None)


def test_a_sweep_of_another_target_is_not_resumed_by_the_simulation(store: Store) -> None:
    plan = small_plan(blocks=1)
    made = outputs(plan.design, PLATFORM)
    done = start(store, FakeExecutor(made), plan, "fake", made, lambda _: None)
    with pytest.raises(SweepError, match="target: fake then, sim now"):
        resume(store, executor(plan), done, made, lambda _: None)


def test_an_interrupted_sweep_goes_on_and_its_times_follow(store: Store) -> None:
    def interrupt_at_third(progress: object) -> None:
        if getattr(progress, "rounds_done", 0) == 3:
            raise KeyboardInterrupt

    made = outputs(PLAN.design, PLATFORM)
    with pytest.raises(KeyboardInterrupt):
        start(store, executor(), PLAN, "sim", made, interrupt_at_third)
    earlier = store.sweep()
    done = resume(store, executor(), earlier, made, lambda _: None)
    complete = [record for record in store.rounds(done.id) if record.observation.tasks]
    began = [record.observation.started_ns for record in complete]
    assert [record.round.index for record in complete] == list(range(len(PLAN.rounds)))
    assert began == sorted(began)


def test_the_same_design_gives_the_same_stack_and_another_payload_another(tmp_path: Path) -> None:
    other = small_plan(payload={**PLAN.design.payload.model_dump(), "movie_megabytes": 7})
    assert outputs(PLAN.design, PLATFORM) == outputs(PLAN.design, PLATFORM)
    digests = [
        outputs(design, PLATFORM).variants["movie"].treatments["plain"].image_digest
        for design in (PLAN.design, other.design)
    ]
    assert digests[0] != digests[1]
