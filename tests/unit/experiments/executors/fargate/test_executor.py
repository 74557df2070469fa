from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from experiments.executors.fargate.orphans import claimed, clear_orphans
from experiments.executors.protocol import Executor
from experiments.executors.simulation.clock import SimulatedClock
from experiments.records.model import Outcome, RoundStatus
from experiments.store.store import Store
from experiments.sweep import resume, start
from infra.outputs import StackOutputs
from kit.errors import AwsError, CredentialsError, StackError, StoreError
from tests.contracts.executor import ExecutorContract
from tests.contracts.fargate import fargate_outputs
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.scripted import ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import executor_on, round_of


class TestFargateKeepsTheExecutorContract(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls) -> StackOutputs:
        return fargate_outputs()

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, outputs: StackOutputs) -> Executor:
        clock = SimulatedClock()
        return executor_on(ScriptedEcs(outputs, clock), outputs, clock)


@pytest.fixture
def ecs(outputs: StackOutputs, clock: SimulatedClock) -> ScriptedEcs:
    return ScriptedEcs(outputs, clock)


def test_key_metadata_tells_tasks_of_another_size_apart(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    larger = fargate_outputs(cpu_units=1024, memory_mebibytes=2048)
    assert executor_on(ecs, outputs, clock).key_metadata() == {
        "target": "fargate",
        "profile": "256/512",
        "region": "eu-west-2",
        "platform": "linux/arm64",
        "platform_version": "1.4.0",
        "cpu_units": "256",
        "memory_mebibytes": "512",
    }
    assert executor_on(ecs, larger, clock).key_metadata()["profile"] == "1024/2048"
    elsewhere = fargate_outputs(network="vpc-1 (subnet-1, subnet-2)", ephemeral_storage_gib=50)
    apart = executor_on(ecs, elsewhere, clock).key_metadata()
    assert (apart["network"], apart["ephemeral_storage_gib"]) == ("vpc-1 (subnet-1, subnet-2)", "50")


def test_a_stack_of_another_target_is_refused(ecs: ScriptedEcs, clock: SimulatedClock) -> None:
    with pytest.raises(StackError, match=r"target is lab: it has no ECS services"):
        executor_on(ecs, stack_outputs(), clock)


def test_check_asks_nothing_to_run_and_passes_on_a_whole_stack(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    executor_on(ecs, outputs, clock).check(small_plan().rounds)
    assert ecs.calls == {"DescribeServices": 1}


def test_check_names_services_that_are_gone(outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock) -> None:
    ecs.changes = {"movie-plain": None, "movie-soci-v2": {"status": "DRAINING"}}
    with pytest.raises(StackError, match=r"services are gone: movie-soci-v2, movie-plain. `sociometer up`"):
        executor_on(ecs, outputs, clock).check(small_plan(seed=1).rounds)


def test_check_refuses_a_service_that_runs_another_image(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    ecs.changes = {"movie-plain": {"taskDefinition": "arn:other:7"}}
    with pytest.raises(StackError, match=r"movie-plain runs arn:other:7, not .*movie-plain:1 as the stack's outputs"):
        executor_on(ecs, outputs, clock).check(small_plan().rounds)


def test_check_refuses_tasks_of_which_nothing_tells_when_they_are_ready(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    movie = outputs.variants["movie"].model_copy(update={"boot_report": False})
    silent = outputs.model_copy(update={"variants": {"movie": movie}})
    with pytest.raises(StackError, match=r"its image writes no boot report, .* Run `sociometer up`"):
        executor_on(ecs, silent, clock).check(small_plan().rounds)
    assert not ecs.calls


def test_check_lets_missing_credentials_through(outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock) -> None:
    def refuse(_operation: str) -> None:
        raise CredentialsError("There are no AWS credentials.")

    ecs.before = refuse
    with pytest.raises(CredentialsError, match="no AWS credentials"):
        executor_on(ecs, outputs, clock).check(small_plan().rounds)


def test_outputs_without_a_service_say_so(ecs: ScriptedEcs, clock: SimulatedClock, outputs: StackOutputs) -> None:
    lab_like = stack_outputs(("movie",), ("plain", "soci-v2"))
    halved = lab_like.model_copy(update={"target": "fargate", "fargate": outputs.fargate})
    with pytest.raises(StackError, match=r"name no ECS service for .*Run `sociometer up`"):
        executor_on(ecs, halved, clock).check(small_plan().rounds)


def test_a_round_needs_an_open_executor(outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock) -> None:
    with pytest.raises(AwsError, match="use the executor as a context manager"):
        executor_on(ecs, outputs, clock).run_round(round_of(), lambda _: None)


def test_entering_clears_what_a_killed_sweep_left_running(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    left = [ecs.start_foreign("movie-plain", age_seconds=100) for _ in range(2)]
    with executor_on(ecs, outputs, clock) as executor:
        assert ecs.running() == 0
        observation = executor.run_round(round_of(2, "plain"), lambda _: None)
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert not {task.task_id for task in observation.tasks} & {task.arn for task in left}


def test_orphans_are_cleared_and_named_and_an_empty_stack_is_left_alone(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    ecs.start_foreign("movie-plain", age_seconds=100)
    assert clear_orphans(outputs, ecs, clock) == ["tasks of the ECS service movie-plain"]
    assert ecs.running() == 0
    before = ecs.calls["UpdateService"]
    assert clear_orphans(outputs, ecs, clock) == []
    assert ecs.calls["UpdateService"] == before


def test_every_service_is_tried_when_one_cannot_be_cleared(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    for name in ("movie-plain", "movie-soci-v2"):
        ecs.start_foreign(name, age_seconds=100)

    def fail_once(operation: str) -> None:
        if operation == "UpdateService" and ecs.calls["UpdateService"] == 1:
            raise AwsError("UpdateService was refused.")

    ecs.before = fail_once
    with pytest.raises(AwsError, match=r"Tasks of movie-plain may still run and cost money: `sociometer clean`"):
        clear_orphans(outputs, ecs, clock)
    assert ecs.service("movie-soci-v2").desired == 0


def _killed_sweep(outputs: StackOutputs, store: Path) -> None:
    """A sweep that is killed by SIGKILL in its third round, with its tasks up."""
    clock = SimulatedClock()
    ecs = ScriptedEcs(outputs, clock)

    def kill(operation: str) -> None:
        if operation == "FilterLogEvents" and ecs.calls["UpdateService"] == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    ecs.before = kill
    with Store(store, write=True) as opened:
        start(opened, executor_on(ecs, outputs, clock), small_plan(), "dev", outputs, lambda _: None)


@pytest.mark.slow
def test_after_sigkill_the_records_are_there_orphans_are_cleared_and_the_sweep_resumes(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, tmp_path: Path
) -> None:
    path = tmp_path / "store.sqlite"
    process = multiprocessing.get_context("spawn").Process(target=_killed_sweep, args=(outputs, path))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    ecs.start_foreign("movie-plain", age_seconds=60)  # what the killed process had running
    with Store(path, write=True) as store:
        assert len(store.rounds(store.sweep().id)) == 2
        done = resume(store, executor_on(ecs, outputs, clock), store.sweep(), outputs, lambda _: None)
        records = store.rounds(done.id)
    assert done.status == "finished"
    assert [record.round for record in records] == list(small_plan().rounds)
    assert {record.status for record in records} == {RoundStatus.COMPLETE}
    assert ecs.running() == 0


def test_expired_credentials_end_a_sweep_at_once_and_it_resumes(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, tmp_path: Path
) -> None:
    def expire(operation: str) -> None:
        if operation == "UpdateService" and ecs.calls["UpdateService"] == 7:
            raise CredentialsError("The AWS credentials have expired.")

    ecs.before = expire
    plan = small_plan()
    with Store(tmp_path / "store.sqlite", write=True) as store:
        with pytest.raises(CredentialsError):
            start(store, executor_on(ecs, outputs, clock), plan, "dev", outputs, lambda _: None)
        assert len(store.rounds(store.sweep().id)) == 3, "no failed round is recorded, for none has begun"
        resume(store, executor_on(ecs, outputs, clock), store.sweep(), outputs, lambda _: None)
        assert len(store.rounds(store.sweep().id)) == len(plan.rounds)


def test_a_second_sweep_on_a_stack_is_refused_and_the_first_named(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    with executor_on(ecs, outputs, clock):
        with pytest.raises(
            StoreError, match=rf"stack on .*cluster/sociometer is in use by process {os.getpid()} since"
        ):
            executor_on(ecs, outputs, clock).__enter__()
        with pytest.raises(StoreError, match="in use by"):
            clear_orphans(outputs, ecs, clock)
    with executor_on(ecs, outputs, clock):
        pass


def test_simulated_stacks_are_not_kept_apart(outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock) -> None:
    simulated = outputs.model_copy(update={"target": "sim"})
    with claimed(simulated, ecs, clock), claimed(simulated, ecs, clock):
        pass
