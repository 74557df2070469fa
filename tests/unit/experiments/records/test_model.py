from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from experiments.records.model import (
    ClockOffset,
    HostLoad,
    Outcome,
    Requests,
    Round,
    RoundObservation,
    RoundRecord,
    RoundStatus,
    Spent,
    TaskObservation,
    TaskTimes,
    round_status,
)
from experiments.records.reads import Figures
from tests.contracts.outputs import digest


def task(outcome: Outcome, times: TaskTimes | None = None) -> TaskObservation:
    booted = TaskTimes(created_ns=1, ready_ns=2, boot_finished_ns=3)
    return TaskObservation(task_id="t", image_digest=digest("i"), times=times or booted, outcome=outcome)


ROUND = {"block": 0, "index": 0, "variant": "movie", "form": "plain", "task_count": 1}
OBSERVED = {"tasks": (), "started_ns": 0, "finished_ns": 1, "prepare_seconds": 0, "clear_seconds": 0}
RECORD = {"sweep_id": "s", "round": ROUND, "attempt": 1, "status": "failed", "observation": OBSERVED}
TASK = {"task_id": "t", "image_digest": digest("i"), "times": {"created_ns": 1}, "outcome": "timeout"}
LEAST: list[tuple[type[BaseModel], dict[str, object], dict[str, int]]] = [
    (Spent, dict.fromkeys(Spent.model_fields, 0), dict.fromkeys(Spent.model_fields, 0)),
    (Figures, dict.fromkeys(Figures.model_fields, 0), dict.fromkeys(Figures.model_fields, 0)),
    (Requests, {}, dict.fromkeys(Requests.model_fields, 0)),
    (HostLoad, {}, dict.fromkeys(HostLoad.model_fields, 0)),
    (ClockOffset, {"offset_ms": 0, "error_ms": 0}, {"error_ms": 0}),
    (Round, ROUND, {"block": 0, "index": 0, "task_count": 1}),
    (RoundObservation, OBSERVED, {"prepare_seconds": 0, "clear_seconds": 0}),
    (RoundRecord, RECORD, {"attempt": 1}),
    (TaskObservation, TASK, {"lazy_layers": 0, "received_bytes": 0, "clock_error_bound_ms": 0}),
]
"""Models, values that they accept, and the least that each of their amounts can be."""


@pytest.mark.parametrize(("model", "values", "least"), LEAST, ids=[model.__name__ for model, _, _ in LEAST])
def test_the_least_amount_is_a_record_and_less_is_none(
    model: type[BaseModel], values: dict[str, object], least: dict[str, int]
) -> None:
    for name, amount in least.items():
        assert getattr(model.model_validate({**values, name: amount}), name) == amount
        with pytest.raises(ValidationError, match=f"{name}\n  Input should be greater than or equal to {amount}"):
            model.model_validate({**values, name: amount - 1})


def test_a_task_without_a_name_is_no_record() -> None:
    with pytest.raises(ValidationError, match="task_id"):
        TaskObservation.model_validate({**TASK, "task_id": ""})


def test_times_that_are_equal_are_in_order() -> None:
    assert TaskTimes(created_ns=1, pull_started_ns=1, pull_stopped_ns=1, started_ns=1, ready_ns=1)


@pytest.mark.parametrize(
    "times",
    [
        {"created_ns": 2, "connected_ns": 1},
        {"created_ns": 2, "pull_started_ns": 1},
        {"created_ns": 1, "pull_started_ns": 3, "pull_stopped_ns": 2},
        {"created_ns": 2, "started_ns": 1},
        {"created_ns": 2, "ready_ns": 1},
        {"created_ns": 1, "boot_started_ns": 3, "boot_finished_ns": 2},
    ],
)
def test_times_that_run_backwards_are_no_record(times: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="run backwards"):
        TaskTimes(**times)


def test_boot_times_of_another_clock_may_lie_before_the_creation() -> None:
    assert TaskTimes(created_ns=10, boot_started_ns=8, boot_finished_ns=9).boot_finished_ns == 9


def test_a_task_that_was_never_seen_ready_or_done_cannot_count_as_booted() -> None:
    with pytest.raises(ValidationError, match="neither ready nor done"):
        task(Outcome.BOOTED, TaskTimes(created_ns=1, started_ns=2))


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], RoundStatus.FAILED),
        ([Outcome.BOOTED, Outcome.BOOTED], RoundStatus.COMPLETE),
        ([Outcome.BOOTED, Outcome.TIMEOUT], RoundStatus.COMPLETE),
        ([Outcome.NOT_LAZY, Outcome.STOPPED], RoundStatus.COMPLETE),
        ([Outcome.BOOTED, Outcome.FAILED], RoundStatus.FAILED),
        ([Outcome.CONTAMINATED, Outcome.BOOTED], RoundStatus.CONTAMINATED),
        ([Outcome.ABORTED, Outcome.CONTAMINATED], RoundStatus.ABORTED),
        ([Outcome.ABORTED, Outcome.FAILED], RoundStatus.ABORTED),
    ],
)
def test_the_status_of_a_round_follows_from_its_tasks(outcomes: list[Outcome], status: RoundStatus) -> None:
    assert round_status([task(outcome) for outcome in outcomes]) is status


def test_a_round_of_fewer_or_more_tasks_than_planned_is_not_complete() -> None:
    booted = [task(Outcome.BOOTED), task(Outcome.TIMEOUT)]
    assert [round_status(booted, count) for count in (1, 2, 3)] == [
        RoundStatus.CONTAMINATED,
        RoundStatus.COMPLETE,
        RoundStatus.FAILED,
    ]


def test_a_task_that_was_ready_or_done_counts_as_booted() -> None:
    assert task(Outcome.BOOTED, TaskTimes(created_ns=1, ready_ns=2))
    assert task(Outcome.BOOTED, TaskTimes(created_ns=1, boot_finished_ns=2))
    assert task(Outcome.TIMEOUT, TaskTimes(created_ns=1))


def test_each_task_of_a_round_is_a_record_with_its_place() -> None:
    place = {"block": 2, "index": 5, "variant": "movie", "form": "soci-v2", "task_count": 2}
    tasks = (task(Outcome.BOOTED), task(Outcome.FAILED))
    values = {**RECORD, "round": place, "attempt": 3, "observation": {**OBSERVED, "tasks": tasks}}
    first, second = RoundRecord.model_validate(values).tasks()
    assert first.model_dump(exclude={"observation"}) == {
        "sweep_id": "s",
        "block": 2,
        "round": 5,
        "attempt": 3,
        "round_status": "failed",
        "variant": "movie",
        "form": "soci-v2",
        "task_count": 2,
    }
    assert (first.observation, second.observation) == tasks
