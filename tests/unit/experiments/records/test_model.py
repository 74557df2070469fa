from __future__ import annotations

import pytest
from pydantic import ValidationError

from experiments.records.model import Outcome, RoundStatus, TaskObservation, TaskTimes, round_status
from tests.contracts.outputs import digest


def task(outcome: Outcome, times: TaskTimes | None = None) -> TaskObservation:
    booted = TaskTimes(created_ns=1, ready_ns=2, boot_finished_ns=3)
    return TaskObservation(task_id="t", image_digest=digest("i"), times=times or booted, outcome=outcome)


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
