from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.records.model import (
    Outcome,
    Round,
    RoundObservation,
    RoundRecord,
    RoundStatus,
    TaskObservation,
    TaskTimes,
)
from experiments.records.phases import COMPARED_PHASES, PHASES, TIMED, durations, wall_seconds
from tests.contracts.outputs import digest

CREATED_NS = 1_700_000_000_000_000_001


def task(times: TaskTimes, outcome: Outcome = Outcome.BOOTED) -> TaskObservation:
    return TaskObservation(task_id="t", image_digest=digest("i"), times=times, outcome=outcome)


def test_durations_are_those_of_the_definitions() -> None:
    observed = durations(
        task(
            TaskTimes(
                created_ns=CREATED_NS,
                connected_ns=CREATED_NS + 100_000_000,
                pull_started_ns=CREATED_NS + 150_000_000,
                pull_stopped_ns=CREATED_NS + 2_150_000_000,
                started_ns=CREATED_NS + 2_500_000_000,
                ready_ns=CREATED_NS + 2_750_000_000,
                boot_started_ns=CREATED_NS + 2_600_000_000,
                boot_finished_ns=CREATED_NS + 9_000_000_000,
            )
        )
    )
    assert observed.model_dump() == {
        "connect_seconds": 0.1,
        "pull_seconds": 2.0,
        "start_seconds": 2.5,
        "ready_seconds": 2.75,
        "boot_seconds": 9.0,
    }


def test_a_single_nanosecond_since_the_epoch_is_not_lost() -> None:
    """As floats, the two times would be the same number."""
    times = TaskTimes(created_ns=CREATED_NS, ready_ns=CREATED_NS + 1)
    assert durations(task(times)).ready_seconds == 1e-9


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome not in TIMED])
def test_a_task_that_did_not_boot_has_no_duration_whatever_its_times(outcome: Outcome) -> None:
    times = TaskTimes(created_ns=1, pull_started_ns=2, pull_stopped_ns=3, started_ns=4, ready_ns=5, boot_finished_ns=6)
    assert set(durations(task(times, outcome)).model_dump().values()) == {None}


def test_what_was_not_observed_has_no_duration() -> None:
    observed = durations(task(TaskTimes(created_ns=1, ready_ns=2)))
    assert [phase for phase in PHASES if observed.of(phase) is not None] == ["ready"]


@given(st.integers(0, 2**62), st.lists(st.integers(0, 10**12), min_size=7, max_size=7))
def test_durations_of_times_in_order_are_never_negative(created_ns: int, steps_ns: list[int]) -> None:
    names = [name for name in TaskTimes.model_fields if name != "created_ns"]
    times = {"created_ns": created_ns}
    for name, step_ns in zip(names, steps_ns, strict=True):
        times[name] = list(times.values())[-1] + step_ns
    observed = durations(task(TaskTimes(**times)))
    values = [observed.of(phase) for phase in PHASES]
    assert all(value is not None and value >= 0 for value in values)
    assert observed.boot_seconds == pytest.approx(sum(steps_ns) / 1e9)


def test_forms_are_compared_in_every_phase_but_the_connection_to_the_network() -> None:
    assert COMPARED_PHASES == ("pull", "start", "ready", "boot")


def test_a_round_takes_what_its_preparation_its_tasks_and_its_clearing_take() -> None:
    observed = RoundObservation(
        tasks=(), started_ns=CREATED_NS, finished_ns=CREATED_NS + 8 * 10**9, prepare_seconds=4, clear_seconds=2
    )
    place = Round(block=0, index=0, variant="movie", form="plain", task_count=1)
    record = RoundRecord(sweep_id="s", round=place, attempt=1, status=RoundStatus.FAILED, observation=observed)
    assert wall_seconds(record) == 14
