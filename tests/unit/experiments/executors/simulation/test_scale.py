"""From one task to ten thousand: every task once, few requests, and memory that grows with the tasks alone."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from experiments.executors.fargate import calls
from experiments.executors.simulation import SimulatedExecutor, world
from experiments.records.model import Outcome, RoundObservation
from tests.support.simulated import one_round, run, simulated

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("task_count", [1, 8, 100, 1_000, 10_000])
def test_every_task_is_recorded_once_with_few_requests(task_count: int) -> None:
    observation, executor = run(task_count)
    assert_all_recorded_once(observation, executor, task_count)
    assert_few_requests(observation, task_count)


@pytest.mark.parametrize("task_count", [1, 8, 100])
def test_chance_does_not_drive_the_requests_above_their_bound(task_count: int) -> None:
    for seed in range(25 if task_count < 100 else 10):
        observation, executor = run(task_count, seed=seed, form="plain")
        assert_all_recorded_once(observation, executor, task_count)
        assert_few_requests(observation, task_count)


def test_later_rounds_page_through_what_stopped_before_and_ask_no_more_than_that() -> None:
    executor, task_count = simulated(), 250
    with executor:
        for index in range(4):
            round_ = one_round(task_count).model_copy(update={"index": index})
            observation = executor.run_round(round_, lambda _: None)
            assert_all_recorded_once(observation, executor, task_count)
            assert_few_requests(observation, task_count, stopped_earlier=index * task_count)


def assert_all_recorded_once(observation: RoundObservation, executor: SimulatedExecutor, task_count: int) -> None:
    ids = [task.task_id for task in observation.tasks]
    assert len(ids) == task_count
    assert set(ids) == {task.arn for task in executor.region.truth()}
    assert {task.outcome for task in observation.tasks} == {Outcome.BOOTED}


def assert_few_requests(observation: RoundObservation, task_count: int, stopped_earlier: int = 0) -> None:
    requests = observation.requests
    assert requests.api_calls is not None
    assert requests.api_retries is not None
    assert requests.balancer_gets is not None
    assert requests.api_calls - requests.api_retries <= 2 * calls.minimum(task_count, stopped_earlier)
    assert requests.balancer_gets <= calls.most_gets(task_count)


def test_memory_grows_with_the_tasks_and_stays_below_its_bound() -> None:
    run(10)  # what is loaded once
    small, large = peak_bytes(100), peak_bytes(400)
    assert (large - small) / 300 < calls.TASK_BYTES + world.TASK_BYTES
    assert large < 4.5 * small


def peak_bytes(task_count: int) -> int:
    """The most memory in use at a time during a round, above what there was before."""
    gc.collect()
    tracemalloc.start()
    try:
        run(task_count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
