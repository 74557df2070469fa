"""How few requests a round takes, and how little memory."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from experiments.executors.fargate import calls
from experiments.executors.simulation.clock import SimulatedClock
from experiments.records.model import Outcome, RoundObservation
from infra.outputs import StackOutputs
from tests.support.scripted import Life, ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import executor_on, round_of


def run(outputs: StackOutputs, task_count: int, boot: float = 12.0, *, rounds: int = 1) -> RoundObservation:
    clock = SimulatedClock()
    with executor_on(ScriptedEcs(outputs, clock, life=Life(boot=boot)), outputs, clock) as executor:
        for _ in range(rounds):
            observation = executor.run_round(round_of(task_count), lambda _: None)
    return observation


@pytest.mark.parametrize(("task_count", "least"), [(1, 9), (8, 9), (100, 9), (101, 13), (1_000, 45), (10_000, 414)])
def test_the_minimum_counts_every_page_once(task_count: int, least: int) -> None:
    assert calls.minimum(task_count) == least


def test_tasks_that_stopped_earlier_must_be_paged_through() -> None:
    assert calls.minimum(1, stopped_earlier=250) == calls.minimum(1) + 2


@pytest.mark.slow
@pytest.mark.parametrize("boot", [1.0, 12.0, 60.0, 200.0])
@pytest.mark.parametrize("task_count", [1, 8, 100])
def test_a_round_takes_at_most_twice_the_least_requests_however_long_it_boots(
    outputs: StackOutputs, task_count: int, boot: float
) -> None:
    observation = run(outputs, task_count, boot)
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert observation.requests.api_calls is not None
    assert observation.requests.api_calls <= 2 * calls.minimum(task_count)
    assert observation.requests.balancer_gets is not None
    assert observation.requests.balancer_gets <= calls.most_gets(task_count)


@pytest.mark.slow
def test_a_large_round_keeps_to_it_too_and_records_every_task_once(outputs: StackOutputs) -> None:
    observation = run(outputs, 1_000)
    assert len({task.task_id for task in observation.tasks}) == len(observation.tasks) == 1_000
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}
    assert observation.requests.api_calls is not None
    assert observation.requests.api_calls <= 2 * calls.minimum(1_000)


def test_later_rounds_take_no_more(outputs: StackOutputs) -> None:
    observation = run(outputs, 8, rounds=4)
    assert observation.requests.api_calls is not None
    assert observation.requests.api_calls <= 2 * calls.minimum(8, stopped_earlier=24)


@pytest.mark.slow
def test_memory_grows_with_the_tasks_within_the_bound_that_is_written_down(outputs: StackOutputs) -> None:
    peaks = {}
    for task_count in (100, 300):
        clock = SimulatedClock()
        ecs = ScriptedEcs(outputs, clock)
        with executor_on(ecs, outputs, clock) as executor:
            gc.collect()
            tracemalloc.start()
            executor.run_round(round_of(task_count), lambda _: None)
            peaks[task_count] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert (peaks[300] - peaks[100]) / 200 <= calls.TASK_BYTES
