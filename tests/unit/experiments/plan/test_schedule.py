from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.plan.plan import Plan, Stopping
from experiments.plan.race import Race
from experiments.plan.schedule import (
    MAX_ATTEMPTS,
    attempt_number,
    due_rounds,
    next_round,
    remaining,
    why_nothing_boots,
)
from experiments.records.model import (
    Outcome,
    Round,
    RoundObservation,
    RoundRecord,
    RoundStatus,
    TaskObservation,
    TaskTimes,
)
from tests.contracts.plans import small_plan

PLAN = small_plan()


def record(
    round_: Round, status: RoundStatus = RoundStatus.COMPLETE, attempt: int = 1, tasks: tuple[TaskObservation, ...] = ()
) -> RoundRecord:
    nothing = RoundObservation(tasks=tasks, started_ns=0, finished_ns=1, prepare_seconds=0, clear_seconds=0)
    return RoundRecord(sweep_id="s", round=round_, attempt=attempt, status=status, observation=nothing)


def play(plan: Plan, statuses: Sequence[RoundStatus]) -> list[tuple[int, RoundStatus]]:
    """Run a plan whose attempts end as the statuses say, in turn, and then as complete."""
    records: list[RoundRecord] = []
    ends = iter(statuses)
    while (round_ := next_round(plan, records)) is not None:
        status = next(ends, RoundStatus.COMPLETE)
        records.append(record(round_, status, attempt_number(round_, records)))
    return [(entry.round.index, entry.status) for entry in records]


def test_rounds_run_in_the_order_of_the_plan() -> None:
    assert [index for index, _ in play(PLAN, [])] == list(range(8))


@pytest.mark.parametrize("status", [RoundStatus.FAILED, RoundStatus.CONTAMINATED])
def test_a_failed_or_disturbed_round_is_tried_again_at_the_end_of_its_block(status: RoundStatus) -> None:
    assert [index for index, _ in play(PLAN, [status])] == [0, 1, 2, 3, 0, 4, 5, 6, 7]


def test_a_round_that_always_fails_is_given_up_after_three_attempts() -> None:
    records = [record(PLAN.rounds[0], RoundStatus.FAILED, attempt) for attempt in (1, 2)]
    assert 0 in [round_.index for round_ in remaining(PLAN, records)]
    records.append(record(PLAN.rounds[0], RoundStatus.FAILED, MAX_ATTEMPTS))
    assert [round_.index for round_ in remaining(PLAN, records)] == [1, 2, 3, 4, 5, 6, 7]


def test_an_aborted_round_comes_first_again_and_does_not_use_up_its_attempts() -> None:
    aborted = [record(PLAN.rounds[0], RoundStatus.ABORTED, attempt) for attempt in range(1, 6)]
    assert next_round(PLAN, aborted) == PLAN.rounds[0]
    assert attempt_number(PLAN.rounds[0], aborted) == 6


@given(st.lists(st.sampled_from(RoundStatus), max_size=40))
def test_every_round_ends_complete_or_after_three_failures(statuses: list[RoundStatus]) -> None:
    played = play(PLAN, statuses)
    for round_ in PLAN.rounds:
        own = [status for index, status in played if index == round_.index]
        failures = sum(status in (RoundStatus.FAILED, RoundStatus.CONTAMINATED) for status in own)
        assert own[-1] is RoundStatus.COMPLETE or failures == MAX_ATTEMPTS
        assert failures <= MAX_ATTEMPTS
        assert own.count(RoundStatus.COMPLETE) <= 1


@given(st.lists(st.sampled_from(RoundStatus), max_size=40))
def test_blocks_never_overlap(statuses: list[RoundStatus]) -> None:
    blocks = [PLAN.rounds[index].block for index, _ in play(PLAN, statuses)]
    assert blocks == sorted(blocks)


def task(outcome: Outcome, reason: str | None = None) -> TaskObservation:
    times = TaskTimes(created_ns=1, ready_ns=2)
    return TaskObservation(
        task_id="fake/1", image_digest=f"sha256:{'a' * 64}", times=times, outcome=outcome, reason=reason
    )


def block_of(*tasks: TaskObservation) -> list[RoundRecord]:
    """A finished first block of `PLAN`, with one of the tasks in each round in turn."""
    block = [round_ for round_ in PLAN.rounds if round_.block == 0]
    return [record(round_, tasks=(tasks[place % len(tasks)],)) for place, round_ in enumerate(block)]


def test_where_no_task_of_a_block_boots_its_most_frequent_reason_is_told_with_its_treatment() -> None:
    never = task(Outcome.TIMEOUT, "exit status of X.")
    assert why_nothing_boots(PLAN, block_of(never), 0) == "movie as soci-v2: exit status of X"
    often = [*block_of(never), record(PLAN.rounds[1], tasks=(task(Outcome.STOPPED, "exit code 1"),) * 9)]
    assert why_nothing_boots(PLAN, often, 0) == f"movie as {PLAN.rounds[1].form}: exit code 1"
    silent = block_of(task(Outcome.STOPPED))
    assert (why_nothing_boots(PLAN, silent, 0) or "").endswith(": no task gave a reason")


@pytest.mark.parametrize("other", [Outcome.BOOTED, Outcome.NOT_LAZY, Outcome.FAILED])
def test_one_task_that_booted_or_whose_image_is_not_to_blame_lets_the_sweep_go_on(other: Outcome) -> None:
    never = task(Outcome.TIMEOUT, "no boot report")
    assert why_nothing_boots(PLAN, block_of(never, never, never, task(other)), 0) is None


def test_a_block_that_is_not_done_or_the_last_one_says_nothing() -> None:
    never = task(Outcome.TIMEOUT, "no boot report")
    first = block_of(never)
    assert why_nothing_boots(PLAN, first[:-1], 0) is None
    last = [record(round_, tasks=(never,)) for round_ in PLAN.rounds if round_.block == 1]
    assert why_nothing_boots(PLAN, [*first, *last], 1) is None
    assert why_nothing_boots(PLAN, [record(round_) for round_ in PLAN.rounds if round_.block == 0], 0) is None


def test_what_another_block_did_says_nothing_of_this_one() -> None:
    plan = small_plan(blocks=3)
    never, booted = task(Outcome.TIMEOUT, "no boot report"), task(Outcome.BOOTED)
    outcomes = {0: booted, 1: never}
    records = [record(round_, tasks=(outcomes[round_.block],)) for round_ in plan.rounds if round_.block in outcomes]
    assert why_nothing_boots(plan, records, 1) == "movie as soci-v2: no boot report"
    assert why_nothing_boots(plan, records, 0) is None


def test_a_race_owes_what_it_began_and_a_fixed_plan_all() -> None:
    race = Race(image="web", forms=("plain",), references=(), budget_seconds=60)
    racing = PLAN.model_copy(update={"race": race})
    assert due_rounds(racing, {0, 5}) == (PLAN.rounds[0], PLAN.rounds[5])
    assert due_rounds(PLAN, {0}) == PLAN.rounds


def test_a_sweep_that_may_stop_early_owes_the_blocks_that_it_began() -> None:
    stopping = small_plan(blocks=3).model_copy(update={"stopping": Stopping(precision=0.05)})
    assert due_rounds(stopping, {0, 5}) == stopping.rounds[:8]
    assert due_rounds(stopping, {9}) == stopping.rounds[8:]
