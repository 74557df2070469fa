from __future__ import annotations

from collections.abc import Callable

from experiments.analysis.left_out import left_out
from experiments.records.model import Outcome
from experiments.report.formats import Report
from tests.contracts.plans import small_plan

Reported = Callable[..., Report]


def test_nothing_is_left_out_of_a_sweep_in_which_everything_booted(reported: Reported) -> None:
    assert reported().contents.analysis.left_out == ()


def test_tasks_that_did_not_boot_are_counted_by_treatment_and_reason(reported: Reported) -> None:
    plan = small_plan(task_counts=(4,), blocks=1)
    report = reported(plan, script={index: [Outcome.TIMEOUT] for index in range(2)})
    assert {(row.form, row.what, row.fate, row.count) for row in report.contents.analysis.left_out} == {
        ("plain", "task", "timed out", 4),
        ("soci-v2", "task", "timed out", 4),
    }
    assert {row.reason for row in report.contents.analysis.left_out} == {"scripted: timeout"}


def test_the_most_frequent_comes_first_and_what_has_no_reason_says_so(reported: Reported) -> None:
    tasks = reported(small_plan(blocks=1, task_counts=(4,))).tasks
    spoilt = tasks.head(3).assign(outcome="failed", reason=[None, "no room", "no room"])
    rows = left_out(spoilt, tasks.head(0).assign(status="", index=0))
    assert [(row.reason, row.count) for row in rows] == [("no room", 2), ("no reason given", 1)]


def test_what_is_equally_frequent_is_told_in_the_order_in_which_it_came(reported: Reported) -> None:
    tasks = reported(small_plan(blocks=1, task_counts=(4,))).tasks
    spoilt = tasks.head(3).assign(outcome="failed", reason=["no room", "a late answer", "lost"])
    rows = left_out(spoilt, tasks.head(0).assign(status="", index=0))
    assert [row.reason for row in rows] == ["no room", "a late answer", "lost"]


def test_a_round_that_failed_is_named_beside_its_tasks(reported: Reported) -> None:
    report = reported(script={0: [Outcome.FAILED] * 3})
    rows = {row.what: row for row in report.contents.analysis.left_out}
    assert rows["round"].count == 3
    assert rows["task"].count == 3 * rows["task"].task_count


def test_a_task_that_booted_in_an_incomplete_round_is_left_out_for_that(reported: Reported) -> None:
    report = reported(small_plan(blocks=1, task_counts=(1,)))
    tasks = report.tasks.assign(round_status="contaminated")
    rounds = report.tasks.head(0).assign(status="", index=0)
    assert {(row.what, row.fate) for row in left_out(tasks, rounds)} == {
        ("task", "booted in a round that was disturbed")
    }
