from __future__ import annotations

import pytest

from sociometer.experiments.fargate.notes import watching
from sociometer.experiments.records import (
    ClockOffset,
    Outcome,
    Requests,
    Round,
    RoundObservation,
    RoundRecord,
    RoundStatus,
    TaskObservation,
    TaskTimes,
)
from tests.contracts.outputs import digest


def record(clock: ClockOffset | None, bound_ms: float | None = 0.5, retries: int | None = 0) -> RoundRecord:
    task = TaskObservation(
        task_id="t",
        image_digest=digest("i"),
        times=TaskTimes(created_ns=1, boot_started_ns=2, boot_finished_ns=3),
        outcome=Outcome.BOOTED,
        clock_error_bound_ms=bound_ms,
    )
    calls = None if retries is None else 10
    requests = Requests(api_calls=calls, api_retries=retries, balancer_gets=7, balancer_in_vain=3)
    return RoundRecord(
        sweep_id="s",
        round=Round(block=0, index=0, variant="movie", form="plain", task_count=1),
        attempt=1,
        status=RoundStatus.COMPLETE,
        observation=RoundObservation(
            tasks=(task,),
            started_ns=1,
            finished_ns=3,
            prepare_seconds=0,
            clear_seconds=0,
            requests=requests,
            clock=clock,
        ),
    )


def test_rounds_in_the_lab_need_no_note() -> None:
    assert list(watching([record(None, retries=None)])) == []


def test_requests_and_those_sent_again_are_counted_over_all_rounds() -> None:
    clock = ClockOffset(offset_ms=0, error_ms=100)
    first, *_ = watching([record(clock, retries=2), record(clock, retries=3)])
    assert first == (
        "Watching took 20 requests to AWS, 5 of them sent again (throttled, failed or lost), "
        "and 14 to the load balancer, 6 of them in vain."
    )


@pytest.mark.parametrize("clock", [None, ClockOffset(offset_ms=0, error_ms=1_500)])
def test_an_unknown_offset_is_said(clock: ClockOffset | None) -> None:
    assert any("their `ready` is left out" in note for note in watching([record(clock)]))


def test_a_clock_that_is_surely_wrong_is_said_and_one_that_may_be_right_is_not() -> None:
    surely = list(watching([record(ClockOffset(offset_ms=-2_500, error_ms=200))]))
    perhaps = list(watching([record(ClockOffset(offset_ms=900, error_ms=900))]))
    assert any("clock is up to 2.5 s off AWS's" in note for note in surely)
    assert not any("off AWS's" in note for note in perhaps)


@pytest.mark.parametrize(
    ("bound_ms", "said"), [(80.0, "off by up to 80 ms"), (None, "1 booted tasks do not know the error")]
)
def test_a_task_clock_that_may_be_wrong_is_said(bound_ms: float | None, said: str) -> None:
    assert any(said in note for note in watching([record(ClockOffset(offset_ms=0, error_ms=10), bound_ms)]))
