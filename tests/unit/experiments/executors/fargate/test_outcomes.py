"""Claims about judging a task by what was seen of it: facts, report and answer as values, without a round."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.executors.fargate.balancer import Answered
from experiments.executors.fargate.outcomes import Ending, Evidence, Promise, Watched, counted, judge, observed
from experiments.executors.fargate.reports import Logged, NeverReady, Report
from experiments.executors.fargate.tasks import NEVER_RAN, TaskFacts
from experiments.records.model import MAX_OFFSET_ERROR_MS, ClockOffset, Outcome, TaskObservation
from kit.errors import AwsError

SECOND = 10**9
BEGAN = 1_000 * SECOND
PROMISE = Promise(image_digest=f"sha256:{'a' * 64}", task_definition="web:1", lazy=True, timeout_seconds=60)
REPORT = Report(
    started_ns=BEGAN + 5 * SECOND, finished_ns=BEGAN + 30 * SECOND, snapshotter="soci", clock_error_bound_ms=0.5
)
FAILED = Ending(Outcome.FAILED, "no capacity")
ABORTED = Ending(Outcome.ABORTED, "Ctrl-C")


def seen(logged: object = REPORT, answered: Answered | None = None, **facts: object) -> Evidence:
    """A task that was created a second after the round began, and whose log holds ``logged``; nothing if None."""
    usual: dict[str, object] = {"created_ns": BEGAN + SECOND, "started_by": "web", "task_definition": "web:1"}
    return Evidence(
        facts=TaskFacts("task/1", **{**usual, **facts}),  # type: ignore[arg-type]
        logged=None if logged is None else Logged(BEGAN + 31 * SECOND, logged),  # type: ignore[arg-type]
        answered=answered,
        starters=frozenset({"web"}),
    )


def outcome(evidence: Evidence, ending: Ending | None = None, **promise: object) -> tuple[Outcome, str | None]:
    return judge(evidence, dataclasses.replace(PROMISE, **promise), ending)  # type: ignore[arg-type]


def record(evidence: Evidence, offset: ClockOffset | None = None, ending: Ending | None = None) -> TaskObservation:
    return observed(evidence, PROMISE, ending, offset, BEGAN)


def test_a_task_that_kept_its_promise_has_booted_and_its_record_holds_what_was_seen() -> None:
    task = record(seen(connected_ns=BEGAN + 2 * SECOND, stopped_ns=BEGAN + 90 * SECOND))
    assert (task.outcome, task.reason, task.task_id) == (Outcome.BOOTED, None, "task/1")
    assert (task.times.created_ns, task.times.connected_ns) == (BEGAN + SECOND, BEGAN + 2 * SECOND)
    assert (task.times.boot_started_ns, task.times.boot_finished_ns) == (REPORT.started_ns, REPORT.finished_ns)
    assert (task.snapshotter, task.clock_error_bound_ms) == ("soci", 0.5)
    assert (task.logged_ns, task.stopped_ns) == (BEGAN + 31 * SECOND, BEGAN + 90 * SECOND)


def test_late_is_what_booted_after_the_limit_and_not_at_it() -> None:
    limit = dataclasses.replace(REPORT, finished_ns=BEGAN + 61 * SECOND)
    assert outcome(seen(limit)) == (Outcome.BOOTED, None)
    later = dataclasses.replace(limit, finished_ns=limit.finished_ns + 2 * SECOND)
    assert outcome(seen(later)) == (Outcome.BOOTED, "booted after 62 s, later than 60 s")


def test_a_task_s_own_fate_comes_before_that_of_its_round() -> None:
    assert outcome(seen(stop_code=NEVER_RAN, stop_reason="CannotPull"), ABORTED) == (Outcome.FAILED, "CannotPull")
    stopped = seen(None, stop_code="EssentialContainerExited", stop_reason="exit code 1")
    assert outcome(stopped, ABORTED) == (Outcome.STOPPED, "EssentialContainerExited: exit code 1")
    assert outcome(seen(NeverReady("exit code 3, not 0")), FAILED) == (Outcome.STOPPED, "exit code 3, not 0")


def test_a_task_that_stopped_after_its_report_has_the_outcome_of_its_report() -> None:
    assert outcome(seen(stop_code="EssentialContainerExited")) == (Outcome.BOOTED, None)


def test_tasks_share_the_end_of_their_round_but_one_that_had_reported_before_ctrl_c() -> None:
    assert outcome(seen(), FAILED) == (Outcome.FAILED, "no capacity")
    assert outcome(seen(None), FAILED) == (Outcome.FAILED, "no capacity")
    assert outcome(seen(None), ABORTED) == (Outcome.ABORTED, "Ctrl-C")
    assert outcome(seen(), ABORTED) == (Outcome.BOOTED, None)
    assert (record(seen(), ending=FAILED).outcome, record(seen(), ending=FAILED).reason) == (
        Outcome.FAILED,
        "no capacity",
    )


def test_a_task_of_which_ecs_tells_no_creation_has_no_duration() -> None:
    assert outcome(seen(created_ns=None)) == (
        Outcome.FAILED,
        "DescribeTasks does not know the task: no createdAt",
    )
    assert record(seen(created_ns=None)).times.created_ns == BEGAN
    assert outcome(seen(missing="MISSING"))[0] is Outcome.FAILED


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"started_by": "other"}, "started by other, not by web"), ({"task_definition": "web:2"}, "ran web:2, not web:1")],
)
def test_a_task_of_somebody_else_contaminates(facts: dict[str, object], said: str) -> None:
    found, reason = outcome(seen(**facts))
    assert found is Outcome.CONTAMINATED
    assert said in (reason or "")


def test_a_task_of_somebody_else_is_told_with_all_whom_it_could_have_been_started_by() -> None:
    evidence = dataclasses.replace(seen(started_by="other"), starters=frozenset({"ecs-svc/2", "ecs-svc/1"}))
    assert outcome(evidence)[1] == "it was started by other, not by ecs-svc/1, ecs-svc/2"


def test_what_ecs_does_not_say_contaminates_nothing() -> None:
    assert outcome(seen(started_by="", task_definition="")) == (Outcome.BOOTED, None)


def test_silence_is_a_time_out_that_says_what_was_waited_for() -> None:
    assert outcome(seen(None)) == (Outcome.TIMEOUT, "no boot report in its log after 60 s")
    never = dataclasses.replace(seen(None), last_seen="connection refused")
    assert outcome(never, ready="tcp:80") == (Outcome.TIMEOUT, "not ready (tcp:80) after 60 s: connection refused")
    assert outcome(seen(None), ready="tcp:80")[1] == "not ready (tcp:80) after 60 s: its probe wrote nothing"


def test_a_report_that_cannot_be_used_is_a_failure_that_says_why() -> None:
    assert outcome(seen("cut or not ours")) == (Outcome.FAILED, "cut or not ours")


def test_log_and_load_balancer_must_tell_the_same_report() -> None:
    other = dataclasses.replace(REPORT, finished_ns=7)
    assert outcome(seen(answered=Answered(BEGAN, REPORT))) == (Outcome.BOOTED, None)
    found, reason = outcome(seen(answered=Answered(BEGAN, other)))
    assert found is Outcome.FAILED
    assert (reason or "").endswith(f"boot finished at {REPORT.finished_ns} ns; boot finished at 7 ns")
    assert (outcome(seen(answered=Answered(BEGAN, "cut")))[1] or "").endswith("ns; cut")


@pytest.mark.parametrize(
    ("lazy", "snapshotter", "expected"),
    [
        (True, "soci", (Outcome.BOOTED, None)),
        (True, "overlayfs", (Outcome.NOT_LAZY, "loaded by overlayfs, not by soci")),
        (True, None, (Outcome.NOT_LAZY, "loaded by a snapshotter that it does not name, not by soci")),
        (False, "overlayfs", (Outcome.BOOTED, None)),
        (False, None, (Outcome.BOOTED, None)),
        (False, "soci", (Outcome.FAILED, "loaded lazily by soci, although its form is not lazy: it is no control")),
    ],
)
def test_a_form_must_have_been_loaded_as_it_promises(
    lazy: bool, snapshotter: str | None, expected: tuple[Outcome, str | None]
) -> None:
    assert outcome(seen(dataclasses.replace(REPORT, snapshotter=snapshotter)), lazy=lazy) == expected


def test_times_that_run_backwards_fail_a_task_that_booted_and_no_other() -> None:
    backwards = {"pull_started_ns": BEGAN + 3 * SECOND, "pull_stopped_ns": BEGAN + 2 * SECOND}
    task = record(seen(**backwards))
    assert (task.outcome, task.times.pull_started_ns) == (Outcome.FAILED, None)
    assert "its times cannot be" in (task.reason or "")
    assert task.times.created_ns == BEGAN + SECOND
    assert record(seen(None, **backwards)).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(("error_ms", "known"), [(MAX_OFFSET_ERROR_MS, True), (MAX_OFFSET_ERROR_MS + 1, False)])
def test_an_answer_tells_when_it_was_ready_where_the_clocks_are_known_well_enough(error_ms: float, known: bool) -> None:
    evidence = seen(answered=Answered(BEGAN + 20 * SECOND, REPORT), started_ns=BEGAN + 4 * SECOND)
    task = record(evidence, ClockOffset(offset_ms=250, error_ms=error_ms))
    assert task.times.ready_ns == (BEGAN + 20 * SECOND + SECOND // 4 if known else None)


def test_ready_is_unknown_without_an_answer_or_without_a_clock() -> None:
    assert record(seen(), ClockOffset(offset_ms=0, error_ms=1)).times.ready_ns is None
    assert record(seen(answered=Answered(BEGAN + 20 * SECOND, REPORT))).times.ready_ns is None


def test_an_answer_from_before_the_start_came_at_the_start() -> None:
    offset = ClockOffset(offset_ms=0, error_ms=1)
    early = seen(answered=Answered(BEGAN, REPORT), started_ns=BEGAN + 4 * SECOND)
    assert record(early, offset).times.ready_ns == BEGAN + 4 * SECOND
    assert record(seen(answered=Answered(BEGAN, REPORT)), offset).times.ready_ns == BEGAN + SECOND


def test_what_the_probe_saw_counts_before_the_answer() -> None:
    probed = dataclasses.replace(REPORT, ready_ns=BEGAN + 8 * SECOND)
    evidence = seen(probed, answered=Answered(BEGAN + 20 * SECOND, probed))
    assert record(evidence, ClockOffset(offset_ms=0, error_ms=1)).times.ready_ns == BEGAN + 8 * SECOND


def test_a_round_with_too_few_or_too_many_tasks_keeps_what_was_wrong_with_each() -> None:
    booted = record(seen())
    late = booted.model_copy(update={"reason": "booted after 62 s"})
    assert counted((booted, late), 2) == (booted, late)
    few = counted((booted, late), 3)
    assert [task.outcome for task in few] == [Outcome.FAILED] * 2
    assert [task.reason for task in few] == ["2 tasks came, not 3", "2 tasks came, not 3; booted after 62 s"]
    many = counted((booted, late), 1)
    assert [task.outcome for task in many] == [Outcome.CONTAMINATED] * 2
    failed = booted.model_copy(update={"outcome": Outcome.FAILED, "reason": "no capacity"})
    assert counted((booted, failed), 3) == (booted, failed), "what went wrong says more"


def test_what_was_seen_of_a_task_is_found_by_its_arn_among_what_was_seen_of_others() -> None:
    ours, other = seen(), seen(None)
    logged, answered = ours.logged, Answered(BEGAN, REPORT)
    assert logged is not None
    watched = Watched(
        tasks={},
        logged={"task/2": Logged(1, "cut"), "task/1": logged},
        last_seen={"task/2": "refused", "task/1": "reset"},
        answered={"task/2": Answered(1, "cut"), "task/1": answered},
        starters=frozenset({"web"}),
        began_ns=0,
        ended_ns=1,
        balancer_gets=0,
        balancer_in_vain=0,
    )
    assert watched.evidence(ours.facts) == dataclasses.replace(ours, answered=answered, last_seen="reset")
    unknown = dataclasses.replace(ours.facts, arn="task/3")
    assert watched.evidence(unknown) == dataclasses.replace(other, facts=unknown)


def test_an_error_ends_a_round_of_which_tasks_were_seen_and_is_raised_where_none_was() -> None:
    facts = seen().facts
    nothing = Watched({}, {}, {}, {}, frozenset(), 0, 1, 0, 0)
    some = dataclasses.replace(nothing, tasks={facts.arn: facts})
    assert some.failed(AwsError("throttled")).ending == Ending(Outcome.FAILED, "throttled")
    with pytest.raises(AwsError, match="throttled"):
        nothing.failed(AwsError("throttled"))
