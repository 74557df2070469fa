"""Claims about which tasks count for a share of those that booted, and when a share is smaller beyond chance."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.shares import Counts, counts, smaller, total
from experiments.analysis.statistics import share
from experiments.analysis.statistics.permutation import Permuted

KEY, OTHER = ("movie", "soci-v2", 4), ("web", "soci-v2", 4)
SURE, PERHAPS = Permuted(p_value=0.0, least=0.0), Permuted(p_value=0.2, least=0.0)


def frame(*rounds: tuple[int, str, str], form: str = "soci-v2") -> pd.DataFrame:
    """Rounds of up to four tasks, each as its block, its status and the outcomes of its tasks, parted by blanks."""
    rows = [
        {
            "variant": "movie",
            "form": form,
            "task_count": 4,
            "block": block,
            "round": number,
            "attempt": 1,
            "outcome": outcome,
            "round_status": status,
        }
        for number, (block, status, outcomes) in enumerate(rounds)
        for outcome in outcomes.split()
    ]
    return pd.DataFrame(rows)


def counted(*rounds: tuple[int, str, str]) -> tuple[list[int], list[int], list[int]]:
    """Blocks, tasks that booted and all tasks."""
    found = counts(frame(*rounds)).get(KEY)
    return ([], [], []) if found is None else (found.blocks.tolist(), found.booted.tolist(), found.tasks.tolist())


def of(*booted: int, tasks: int = 8) -> Counts:
    """One block each, of so many tasks."""
    return Counts(np.arange(len(booted)), np.array(booted), np.full(len(booted), tasks))


@pytest.mark.parametrize("fate", ["timeout", "stopped", "not-lazy"])
def test_a_task_counts_by_its_own_fate_in_a_round_that_is_complete(fate: str) -> None:
    assert counted((0, "complete", f"booted booted {fate} failed")) == ([0], [2], [3])
    assert counted((0, "aborted", f"booted stopped {fate}")) == ([], [], [])


def test_a_round_that_failed_for_another_reason_counts_for_nothing() -> None:
    assert counted((0, "failed", "booted timeout not-lazy failed")) == ([], [], [])


def test_one_that_stopped_and_spoilt_its_round_counts_with_the_others_of_that_round() -> None:
    assert counted((0, "contaminated", "stopped contaminated contaminated")) == ([0], [3], [4])
    assert counted((0, "contaminated", "stopped stopped stopped stopped stopped")) == ([0], [0], [4])
    assert counted((0, "contaminated", "booted booted contaminated")) == ([], [], [])


def test_rounds_of_a_block_add_up_and_blocks_and_treatments_stay_apart() -> None:
    rounds = [(0, "complete", "booted booted"), (0, "complete", "booted timeout"), (2, "complete", "timeout")]
    assert counted(*rounds) == ([0, 2], [3, 0], [4, 1])
    both = counts(pd.concat([frame(*rounds), frame((0, "complete", "booted"), form="plain")]))
    assert {key: found.tasks.tolist() for key, found in both.items()} == {KEY: [4, 1], ("movie", "plain", 4): [1]}


def test_a_share_is_that_of_all_blocks_and_a_total_that_of_all_treatments() -> None:
    counts_of_two = of(8, 4)
    assert counts_of_two.share.model_dump() == pytest.approx(
        {"booted": 12, "tasks": 16, "low": share.interval(12, 16, 0.95)[0], "high": share.interval(12, 16, 0.95)[1]}
    )
    assert counts_of_two.failed.tolist() == [0.0, 0.5]
    cells = [SimpleNamespace(booted=each) for each in (counts_of_two.share, None, of(1, tasks=4).share)]
    whole = total(cells)  # type: ignore[arg-type]
    assert whole is not None
    assert (whole.booted, whole.tasks) == (13, 20)
    assert (whole.low, whole.high) == share.interval(13, 20, 0.95)
    assert total([SimpleNamespace(booted=None)]) is None  # type: ignore[list-item]


def test_a_share_is_smaller_where_tasks_and_blocks_both_say_so() -> None:
    fewer = {KEY: (of(2, 3, 2), of(8, 8, 8))}
    assert smaller(fewer, lambda *_: SURE) == {KEY: True}
    assert smaller(fewer, lambda *_: PERHAPS) == {KEY: False}
    assert smaller({KEY: (of(8, 8, 8), of(2, 3, 2))}, lambda *_: SURE) == {KEY: False}
    assert smaller({KEY: (of(7, 8, 8), of(8, 8, 8))}, lambda *_: SURE) == {KEY: False}


def test_the_test_of_blocks_is_asked_about_both_sides_and_for_one_direction() -> None:
    asked: list[tuple[Counts, Counts]] = []

    def permute(now: Counts, then: Counts) -> Permuted:
        asked.append((now, then))
        return Permuted(p_value=0.1, least=0.0)

    sides = of(2, 3, 2), of(8, 8, 8)
    assert smaller({KEY: sides}, permute) == {KEY: True}, "two-sided 10 % is one-sided 5 %"
    assert asked == [sides]
    assert smaller({KEY: sides}, lambda *_: Permuted(p_value=0.11, least=0.0)) == {KEY: False}


def test_few_blocks_cannot_contradict_by_what_they_cannot_say() -> None:
    sides = {KEY: (of(2, 3, 2), of(8, 8, 8))}
    assert smaller(sides, lambda *_: Permuted(p_value=0.25, least=0.25)) == {KEY: True}
    assert smaller(sides, lambda *_: Permuted(p_value=0.5, least=0.25)) == {KEY: False}


def test_fewer_than_three_blocks_on_either_side_prove_nothing() -> None:
    for sides in ((of(0, 0), of(8, 8, 8)), (of(0, 0, 0), of(8, 8))):
        assert smaller({KEY: sides}, lambda *_: SURE) == {KEY: False}


def test_only_treatments_with_a_failure_are_corrected_for() -> None:
    """5 of 24 against 12 of 24 has p = 0.034: alone it is sure, as one of two it is not."""
    near = of(1, 2, 2), of(4, 4, 4)
    perfect = of(8, 8, 8), of(8, 8, 8)
    assert smaller({KEY: near, OTHER: perfect}, lambda *_: SURE) == {KEY: True, OTHER: False}
    assert smaller({KEY: near, OTHER: (of(7, 8, 8), of(8, 8, 8))}, lambda *_: SURE) == {KEY: False, OTHER: False}
    assert smaller({KEY: perfect, OTHER: perfect}, lambda *_: SURE) == {KEY: False, OTHER: False}
