"""Judges what was seen of a round's tasks (facts, report, answer) and makes a record of each. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from experiments.executors.fargate.balancer import Answered
from experiments.executors.fargate.clocks import NS_PER_SECOND, on_aws_clock
from experiments.executors.fargate.reports import Logged, NeverReady, Report
from experiments.executors.fargate.tasks import TIMES, TaskFacts
from experiments.records.model import (
    MAX_OFFSET_ERROR_MS,
    ClockOffset,
    Outcome,
    RoundStatus,
    TaskObservation,
    TaskTimes,
    round_status,
)
from kit.errors import AwsError

SOCI = "soci"
Verdict = tuple[Outcome, str | None]
"""An outcome, and the reason when it is not `booted`, or is late."""


@dataclass(frozen=True)
class Promise:
    """What is expected of every task of a round."""

    image_digest: str
    task_definition: str
    lazy: bool
    timeout_seconds: float
    ready: str | None = None
    """What the probe waits for; None where tasks report by themselves."""


@dataclass(frozen=True)
class Ending:
    """Why a round ended before every task had booted; tasks without a fate of their own share it."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen of one task; ``starters`` are whom this round's tasks can have been started by.

    ``last_seen`` is what was seen of a task that was not ready.
    """

    facts: TaskFacts
    logged: Logged | None
    answered: Answered | None
    starters: frozenset[str]
    last_seen: str | None = None

    @property
    def report(self) -> Report | None:
        """Its logged report, when that can be used."""
        return self.logged.report if self.logged and isinstance(self.logged.report, Report) else None


@dataclass(frozen=True)
class Watched:
    """What was seen of a round until it ended; reports and answers by the ARN of their task.

    ``starters`` are whom its tasks can have been started by. ``began_ns`` and ``ended_ns`` are this machine's time (ns
    since the epoch). ``ending`` is None when every task has told all it can.
    """

    tasks: Mapping[str, TaskFacts]
    logged: Mapping[str, Logged]
    last_seen: Mapping[str, str]
    answered: Mapping[str, Answered]
    starters: frozenset[str]
    began_ns: int
    ended_ns: int
    balancer_gets: int
    balancer_in_vain: int
    ending: Ending | None = None
    interrupted: bool = False

    def failed(self, error: AwsError) -> Watched:
        """The same, ended by an error; when no task was seen, the error is raised."""
        if not self.tasks:
            raise error
        return dataclasses.replace(self, ending=Ending(Outcome.FAILED, str(error)))

    def evidence(self, facts: TaskFacts) -> Evidence:
        """All that was seen of one task, which may be another than the round's own."""
        arn = facts.arn
        return Evidence(facts, self.logged.get(arn), self.answered.get(arn), self.starters, self.last_seen.get(arn))


def observed(
    seen: Evidence, promise: Promise, ending: Ending | None, offset: ClockOffset | None, began_ns: int
) -> TaskObservation:
    """The record of a task; ``began_ns`` stands in for a creation time that ECS did not tell."""
    times, backwards = _times(seen, offset, began_ns)
    outcome, reason = judge(seen, promise, ending)
    if backwards and outcome is Outcome.BOOTED:
        outcome, reason = Outcome.FAILED, backwards
    return TaskObservation(
        task_id=seen.facts.arn,
        image_digest=promise.image_digest,
        times=times,
        outcome=outcome,
        reason=reason,
        snapshotter=seen.report.snapshotter if seen.report else None,
        clock_error_bound_ms=seen.report.clock_error_bound_ms if seen.report else None,
        logged_ns=seen.logged.logged_ns if seen.logged else None,
        stopped_ns=seen.facts.stopped_ns,
    )


def counted(tasks: tuple[TaskObservation, ...], task_count: int) -> tuple[TaskObservation, ...]:
    """The tasks of a round; when fewer or more came than wanted, none of them is of a round of that task count."""
    if len(tasks) == task_count or round_status(tasks) is not RoundStatus.COMPLETE:
        return tasks
    outcome = Outcome.FAILED if len(tasks) < task_count else Outcome.CONTAMINATED
    why = f"{len(tasks)} tasks came, not {task_count}"
    return tuple(
        task.model_copy(update={"outcome": outcome, "reason": f"{why}; {task.reason}" if task.reason else why})
        for task in tasks
    )


def judge(seen: Evidence, promise: Promise, ending: Ending | None) -> Verdict:
    """A task's outcome: its own fate first, then that of its round, then whether it kept its promise."""
    return (
        _own_fate(seen)
        or _shared_fate(seen, ending)
        or _faults(seen, promise)
        or _broken_promise(seen, promise)
        or (Outcome.BOOTED, _lateness(seen, promise))
    )


def _own_fate(seen: Evidence) -> Verdict | None:
    facts = seen.facts
    if facts.hopeless:
        return Outcome.FAILED, facts.stop_reason
    if facts.stopped_by_itself and seen.report is None:
        return Outcome.STOPPED, f"{facts.stop_code}: {facts.stop_reason}"
    if seen.logged is not None and isinstance(seen.logged.report, NeverReady):
        return Outcome.STOPPED, seen.logged.report.seen
    return None


def _shared_fate(seen: Evidence, ending: Ending | None) -> Verdict | None:
    if ending is None or (ending.outcome is Outcome.ABORTED and seen.logged is not None):
        return None
    return ending.outcome, ending.reason


def _faults(seen: Evidence, promise: Promise) -> Verdict | None:
    facts, logged = seen.facts, seen.logged
    if facts.missing is not None or facts.created_ns is None:
        return Outcome.FAILED, f"DescribeTasks does not know the task: {facts.missing or 'no createdAt'}"
    if facts.started_by and facts.started_by not in seen.starters:
        return Outcome.CONTAMINATED, f"it was started by {facts.started_by}, not by {', '.join(sorted(seen.starters))}"
    if facts.task_definition and facts.task_definition != promise.task_definition:
        return Outcome.CONTAMINATED, f"it ran {facts.task_definition}, not {promise.task_definition}"
    if logged is None:
        return Outcome.TIMEOUT, _silence(seen, promise)
    if isinstance(logged.report, str):
        return Outcome.FAILED, logged.report
    return None if seen.report is None else _disagreement(seen.report, seen.answered)


def _silence(seen: Evidence, promise: Promise) -> str:
    after = f"after {promise.timeout_seconds:.0f} s"
    if promise.ready is None:
        return f"no boot report in its log {after}"
    return f"not ready ({promise.ready}) {after}: {seen.last_seen or 'its probe wrote nothing'}"


def _disagreement(report: Report, answered: Answered | None) -> Verdict | None:
    if answered is None or answered.report == report:
        return None
    other = answered.report
    what = other if isinstance(other, str) else f"boot finished at {other.finished_ns} ns"
    return Outcome.FAILED, (
        f"Its log and the load balancer tell different reports: boot finished at {report.finished_ns} ns; {what}"
    )


def _broken_promise(seen: Evidence, promise: Promise) -> Verdict | None:
    report = seen.report
    if report is None:
        return None
    if promise.lazy and report.snapshotter != SOCI:
        return Outcome.NOT_LAZY, f"loaded by {report.snapshotter or 'a snapshotter that it does not name'}, not by soci"
    if not promise.lazy and report.snapshotter == SOCI:
        return Outcome.FAILED, "loaded lazily by soci, although its form is not lazy: it is no control"
    return None


def _lateness(seen: Evidence, promise: Promise) -> str | None:
    """That a task booted after the limit: it was waited for because others came up late, and it is what it is.

    To leave it out would leave out the slowest.
    """
    if seen.report is None or seen.facts.created_ns is None:
        return None
    seconds = (seen.report.finished_ns - seen.facts.created_ns) / NS_PER_SECOND
    late = seconds > promise.timeout_seconds
    return f"booted after {seconds:.0f} s, later than {promise.timeout_seconds:.0f} s" if late else None


def _times(seen: Evidence, offset: ClockOffset | None, began_ns: int) -> tuple[TaskTimes, str | None]:
    """The task's times; when they run backwards, only the creation, and what is wrong."""
    facts, report = seen.facts, seen.report
    created_ns = began_ns if facts.created_ns is None else facts.created_ns
    ecs = {name: getattr(facts, name) for name in TIMES if name != "created_ns"}
    boot = {"boot_started_ns": report.started_ns, "boot_finished_ns": report.finished_ns} if report else {}
    try:
        return TaskTimes(created_ns=created_ns, **ecs, **boot, ready_ns=_ready(seen, offset)), None
    except ValidationError as error:
        return TaskTimes(created_ns=created_ns), f"its times cannot be: {error.errors()[0]['msg']}"


def _ready(seen: Evidence, offset: ClockOffset | None) -> int | None:
    """When the task was ready: as its probe saw it, on the task's clock, or when it first answered, on AWS's clock.

    None when that is not known well enough.
    """
    if seen.report is not None and seen.report.ready_ns is not None:
        return seen.report.ready_ns
    if seen.answered is None or offset is None or offset.error_ms > MAX_OFFSET_ERROR_MS:
        return None
    # It answered after it had started: an earlier time is due to the offset's error alone.
    return max(on_aws_clock(seen.answered.local_ns, offset), seen.facts.started_ns or seen.facts.created_ns or 0)
