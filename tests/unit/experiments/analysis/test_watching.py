from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.analysis.watching import watching
from experiments.records.model import (
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
from experiments.store import frames
from experiments.store.store import Store
from tests.contracts.outputs import digest, stack_outputs
from tests.contracts.plans import small_plan

NotesOn = Callable[..., list[str]]


def record(
    clock: ClockOffset | None, bound_ms: float | None = 0.5, retries: int | None = 0, gets: int = 7
) -> RoundRecord:
    task = TaskObservation(
        task_id="t",
        image_digest=digest("i"),
        times=TaskTimes(created_ns=1, boot_started_ns=2, boot_finished_ns=3),
        outcome=Outcome.BOOTED,
        clock_error_bound_ms=bound_ms,
    )
    calls = None if retries is None else 10
    requests = Requests(api_calls=calls, api_retries=retries, balancer_gets=gets, balancer_in_vain=min(gets, 3))
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


@pytest.fixture
def notes_on(tmp_path: Path) -> NotesOn:
    """Return a function that stores records, reads them again and returns the notes on them."""

    def read(*records: RoundRecord) -> list[str]:
        with Store(tmp_path / "store.sqlite", write=True) as store:
            sweep = store.begin_sweep(small_plan(), "dev", {}, stack_outputs())
            for index, each in enumerate(records):
                (task,) = each.observation.tasks
                observation = each.observation.model_copy(
                    update={"tasks": (task.model_copy(update={"task_id": f"{sweep.id}/{index}"}),)}
                )
                update = {"sweep_id": sweep.id, "attempt": index + 1, "observation": observation}
                store.add_round(each.model_copy(update=update))
            return list(watching(frames.tasks(store, sweep.id), frames.rounds(store, sweep.id)))

    return read


def test_rounds_in_the_lab_need_no_note(notes_on: NotesOn) -> None:
    assert notes_on(record(None, retries=None)) == []


def test_requests_and_those_sent_again_are_counted_over_all_rounds(notes_on: NotesOn) -> None:
    clock = ClockOffset(offset_ms=0, error_ms=100)
    first, *_ = notes_on(record(clock, retries=2), record(clock, retries=3))
    assert first == (
        "Watching took 20 requests to AWS, 5 of them retries (throttled, failed or lost), "
        "and 14 to the load balancer, 6 of them without an answer from a task of the round."
    )


@pytest.mark.parametrize("clock", [None, ClockOffset(offset_ms=0, error_ms=1_500)])
def test_an_unknown_offset_is_said(notes_on: NotesOn, clock: ClockOffset | None) -> None:
    assert any("their `ready` is left out" in note for note in notes_on(record(clock)))


def test_a_clock_that_is_surely_wrong_is_said_and_one_that_may_be_right_is_not(notes_on: NotesOn) -> None:
    surely = notes_on(record(ClockOffset(offset_ms=-2_500, error_ms=200)))
    perhaps = notes_on(record(ClockOffset(offset_ms=900, error_ms=900)))
    assert any("clock is up to 2.5 s off AWS's" in note for note in surely)
    assert not any("off AWS's" in note for note in perhaps)


@pytest.mark.parametrize(
    ("bound_ms", "expected"), [(80.0, "off by up to 80 ms"), (None, "The clock error of 1 booted task is unknown")]
)
def test_a_task_clock_that_may_be_wrong_is_said(notes_on: NotesOn, bound_ms: float | None, expected: str) -> None:
    assert any(expected in note for note in notes_on(record(ClockOffset(offset_ms=0, error_ms=10), bound_ms)))


def test_of_rounds_that_probes_timed_no_load_balancer_and_no_clock_of_this_machine_is_told(notes_on: NotesOn) -> None:
    [requests] = notes_on(record(None, gets=0))
    assert requests == "Watching took 10 requests to AWS, 0 of them retries (throttled, failed or lost)."
