from __future__ import annotations

import pytest

from experiments.executors.protocol import Executor, RoundAborted
from experiments.records.model import Outcome, Round
from experiments.records.phases import durations
from infra.outputs import StackOutputs
from kit.errors import LabError
from tests.contracts.executor import ExecutorContract
from tests.contracts.outputs import stack_outputs
from tests.support.fake_executor import FakeExecutor

ROUND = Round(block=0, index=0, variant="movie", form="soci-v2", task_count=2)


class TestFakeKeepsTheExecutorContract(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls) -> StackOutputs:
        return stack_outputs()

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, outputs: StackOutputs) -> Executor:
        return FakeExecutor(outputs)


def test_the_same_seed_gives_the_same_times() -> None:
    first, second, other = (
        FakeExecutor(stack_outputs(), seed=seed).run_round(ROUND, lambda _: None) for seed in (5, 5, 6)
    )
    assert [task.times for task in first.tasks] == [task.times for task in second.tasks]
    assert [task.times for task in first.tasks] != [task.times for task in other.tasks]


def test_scripted_outcomes_come_in_turn_and_then_rounds_boot() -> None:
    executor = FakeExecutor(stack_outputs(), script={0: [Outcome.TIMEOUT, LabError("no registry")]})
    assert {task.outcome for task in executor.run_round(ROUND, lambda _: None).tasks} == {Outcome.TIMEOUT}
    with pytest.raises(LabError, match="no registry"):
        executor.run_round(ROUND, lambda _: None)
    assert {task.outcome for task in executor.run_round(ROUND, lambda _: None).tasks} == {Outcome.BOOTED}


def test_a_scripted_interrupt_hands_over_the_tasks_that_were_stopped() -> None:
    executor = FakeExecutor(stack_outputs(), script={0: [KeyboardInterrupt()]})
    with pytest.raises(RoundAborted) as raised:
        executor.run_round(ROUND, lambda _: None)
    assert [task.outcome for task in raised.value.observation.tasks] == [Outcome.ABORTED] * 2


def test_a_task_that_did_not_load_lazily_was_loaded_by_overlayfs_and_keeps_its_times() -> None:
    observation = FakeExecutor(stack_outputs(), script={0: [Outcome.NOT_LAZY]}).run_round(ROUND, lambda _: None)
    assert {task.snapshotter for task in observation.tasks} == {"overlayfs"}
    assert None not in durations(observation.tasks[0]).model_dump().values()
