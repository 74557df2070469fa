from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.plan.plan import Plan
from experiments.plan.schedule import MAX_ATTEMPTS, attempt_number, next_round, remaining
from experiments.records.model import Round, RoundObservation, RoundRecord, RoundStatus
from tests.contracts.plans import small_plan

PLAN = small_plan()


def record(round_: Round, status: RoundStatus, attempt: int = 1) -> RoundRecord:
    nothing = RoundObservation(tasks=(), started_ns=0, finished_ns=1, prepare_seconds=0, clear_seconds=0)
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
