from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy import stats

from experiments.analysis.effects import pairs, round_medians
from experiments.analysis.precision import look
from experiments.analysis.statistics.stopping import LEAST_BLOCKS, nominal_level
from experiments.plan.plan import Look, Plan, Stopping, make_plan
from experiments.plan.schedule import due_rounds
from experiments.records.model import Outcome
from experiments.resuming import check_same_plan
from experiments.store import frames
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from experiments.sweep import Progress, resume
from infra.outputs import StackOutputs
from kit.errors import SweepError
from tests.contracts.plans import small_design
from tests.support.fake_executor import FakeExecutor
from tests.unit.experiments.conftest import StartSweep


def plan(precision: float = 0.05, blocks: int = 40, budget_seconds: float | None = None) -> Plan:
    """A plan of two rounds a block that may end early."""
    stopping = Stopping(precision=precision, budget_seconds=budget_seconds)
    return make_plan(small_design(task_counts=(1,), blocks=blocks), stopping)


def seen(done: Sweep, precision: float, tasks: pd.DataFrame) -> Look:
    """What the rule sees of a sweep's tasks."""
    compared = pairs(done.plan.design, round_medians(tasks))
    return look(done.plan.design, Stopping(precision=precision), compared, tasks["block"].nunique())


def blocks_run(store: Store) -> int:
    return len({record.round.block for record in store.rounds(store.sweep().id)})


@pytest.mark.slow
def test_blocks_are_added_until_the_interval_is_narrow_enough(
    store: Store, sweep: StartSweep, heard: list[Progress]
) -> None:
    done = sweep(plan(0.025))
    assert done.status == "finished"
    blocks = blocks_run(store)
    assert LEAST_BLOCKS < blocks < 40
    looks = {progress.look.blocks: progress.look for progress in heard if progress.look}
    assert all(not looks[block].narrow_enough for block in range(1, blocks))
    last = seen(done, 0.025, frames.tasks(store, done.id))
    assert (last.blocks, last.narrow_enough) == (blocks, True)


def test_the_look_is_the_interval_s_relative_half_width(store: Store, sweep: StartSweep) -> None:
    done = sweep(plan(blocks=4))
    tasks = frames.tasks(store, done.id)
    boots = tasks.pivot_table(index="block", columns="form", values="boot_seconds", observed=True)
    logs = [math.log(soci / plain) for soci, plain in zip(boots["soci-v2"], boots["plain"], strict=True)]
    half = stats.t.ppf((1 + nominal_level(0.95)) / 2, 3) * stats.sem(logs)
    assert seen(done, 0.05, tasks).widest == pytest.approx(math.expm1(half))


@pytest.mark.slow
def test_a_sweep_never_stops_before_the_sixth_block_nor_within_one(store: Store, sweep: StartSweep) -> None:
    sweep(plan(0.9))
    assert blocks_run(store) == LEAST_BLOCKS
    assert len(store.rounds(store.sweep().id)) == 2 * LEAST_BLOCKS


@pytest.mark.slow
def test_a_precision_out_of_reach_ends_with_the_plan(store: Store, sweep: StartSweep) -> None:
    assert sweep(plan(0.001, blocks=8)).status == "finished"
    assert blocks_run(store) == 8


@pytest.mark.slow
def test_a_comparison_that_is_never_measured_is_never_precise(
    store: Store, sweep: StartSweep, heard: list[Progress]
) -> None:
    unlucky = plan(0.9, blocks=8)
    lost = {round_.index: [Outcome.TIMEOUT] for round_ in unlucky.rounds if round_.form == "soci-v2"}
    sweep(unlucky, script=lost)
    assert blocks_run(store) == 8
    assert {progress.look.widest for progress in heard if progress.look} == {None}


def test_no_block_begins_that_would_end_after_the_budget(store: Store, sweep: StartSweep) -> None:
    """A block of the fake takes about 41 seconds: 22 plain, 17 soci-v2, and a second for each round around it."""
    sweep(plan(0.001, budget_seconds=200))
    assert blocks_run(store) == 4


def test_the_first_block_runs_whatever_the_budget(store: Store, sweep: StartSweep) -> None:
    assert sweep(plan(budget_seconds=1)).status == "finished"
    assert blocks_run(store) == 1


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_where_it_would_have_stopped(
    store: Store, sweep: StartSweep, outputs: StackOutputs
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(plan(0.9), script={7: [KeyboardInterrupt()]})
    done = resume(store, FakeExecutor(outputs), store.sweep(), outputs, lambda _: None)
    assert done.status == "finished"
    assert blocks_run(store) == LEAST_BLOCKS
    assert resume(store, FakeExecutor(outputs), done, outputs, lambda _: None) == done
    assert blocks_run(store) == LEAST_BLOCKS, "a finished sweep stays finished"


@pytest.mark.slow
def test_another_precision_is_another_plan(sweep: StartSweep) -> None:
    done = sweep(plan(0.9))
    check_same_plan(done, plan(0.9))
    with pytest.raises(SweepError, match=r"until: 90\.0% then, 80\.0% now"):
        check_same_plan(done, plan(0.8))


def test_the_blocks_of_a_plan_do_not_depend_on_how_many_there_may_be() -> None:
    assert plan(blocks=40).rounds[:16] == plan(blocks=8).rounds
    assert make_plan(small_design(task_counts=(1,), blocks=8)).rounds == plan(blocks=8).rounds


def test_a_sweep_owes_the_blocks_that_it_began() -> None:
    assert due_rounds(plan(), {0, 1, 2}) == plan().rounds[:4]
    fixed = make_plan(small_design(task_counts=(1,), blocks=8))
    assert due_rounds(fixed, {0}) == fixed.rounds


def test_a_plan_without_a_rule_keeps_the_digest_that_it_had_before_there_was_one() -> None:
    fixed = make_plan(small_design(seed=1))
    assert fixed.digest == Plan.model_validate(fixed.model_dump(exclude={"stopping"})).digest
    assert "stopping" not in fixed.model_dump_json(exclude_none=True)
    assert plan(0.05).digest != plan(0.06).digest
