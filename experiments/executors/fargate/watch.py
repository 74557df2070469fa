"""Watches the tasks of one round from its scaling up until every one has told all it can tell, or the round is over.

What is asked, and how often: while tasks come up, one DescribeServices a poll; it counts them and tells of failures.
When all are up they are listed, and from then on they are the round's tasks. Then their logs are read until every
task has reported; those that have not are described, for they may have stopped. At last whatever time is missing of a
task is asked for. All waiting is done by the load balancer's requests (`Balancer.wait`); their answers also tell when
it is worth asking ECS. `experiments.executors.fargate.calls` says how few requests these have to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from experiments.executors.fargate.aws import TASKS_PER_CALL, Document
from experiments.executors.fargate.balancer import Balancer
from experiments.executors.fargate.clocks import NS_PER_SECOND, AwsTime
from experiments.executors.fargate.outcomes import Ending
from experiments.executors.fargate.poll import Backoff
from experiments.executors.fargate.reports import BootLog
from experiments.executors.fargate.service import Service
from experiments.executors.fargate.stage import Stage
from experiments.executors.fargate.tasks import NO_CAPACITY, TaskFacts, task_id
from experiments.records.model import Outcome
from experiments.records.phases import NS_PER_MS
from kit.values import Notify

LAUNCHES_PER_SECOND = 500 / 60
"""The slowest that a round waits for: a service launches 500 tasks a minute unless that quota was raised (Amazon ECS
service quotas; an account launches a burst of 100, then 20 a second)."""
PATIENCE_SECONDS = 60.0
"""For what is merely late: times that ECS has not told yet, and the load balancer's health checks."""
MOST_SECONDS = 15.0
"""Between two looks, where nothing else would tell that it is time for one."""
LONGER = 1.5
"""So much longer than it has taken already a round is left alone, when its end will be told anyway."""
FIRST_LOOK_SECONDS = 60.0
"""After this time without all tasks up, and after twice and four times as long, stopped tasks are looked for."""
SKEW_NS = 360 * NS_PER_SECOND
"""AWS refuses requests signed more than five minutes off its clock, so a local time is less wrong than this."""
TROUBLE = ("unable to place", "unable to consistently start", "failed to launch", *NO_CAPACITY)
"""Parts of a service's events that tell that its tasks will not come (Amazon ECS, "Service event messages")."""


class RoundOver(Exception):
    """The round has ended before every task had booted."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.ending = Ending(outcome, reason)


class Watch:
    """The tasks of one round, and everything that is learnt of them."""

    def __init__(self, stage: Stage, service: Service, task_count: int, notify: Notify) -> None:
        self._stage, self._service, self._task_count, self._notify = stage, service, task_count, notify
        self.time = AwsTime(stage.clock)
        self.began_ns = self.time.now_ns()
        self._began = stage.clock.monotonic()
        self._deadline = self._began + stage.timeout_seconds + task_count / LAUNCHES_PER_SECOND
        self._next_look = FIRST_LOOK_SECONDS
        self.tasks: dict[str, TaskFacts] = {}
        self.starters = frozenset({service.name})
        self.balancer = Balancer(
            stage.aws, stage.clock, stage.stack, service.output, task_count, strangers=service.earlier
        )
        prefix = f"{service.output.log_stream_prefix}/{stage.stack.container}/"
        start_ns = max(self.began_ns - SKEW_NS, service.emptied_ns)
        self.log = BootLog(stage.aws, self.time, stage.stack.log_group, prefix, start_ns // NS_PER_MS)

    def run(self) -> None:
        """Scale up and watch until all is known; raises `RoundOver` as soon as it is clear that it never will be."""
        before = self._service.scale(self._task_count)
        self.starters |= {deployment["id"] for deployment in before.get("deployments", ())}
        self._notify("starting")
        self._until_up(_Signs.of(before))
        self._until_listed()
        self._until_reported()
        self._until_told()
        self._until_answered()

    def _until_up(self, before: _Signs) -> None:
        backoff = Backoff(self._stage.random, first=3, most=30)
        while not self._late():
            self._wait(backoff)
            if self.balancer.met_all or self._counted_up(before):
                return

    def _counted_up(self, before: _Signs) -> bool:
        document = self._service.describe()
        signs = _Signs.of(document)
        trouble = signs.since(before)
        if trouble or signs.failed_tasks > before.failed_tasks or self._time_to_look():
            self._look_at_stopped()
        if trouble:
            raise RoundOver(Outcome.FAILED, trouble)
        running = int(document.get("runningCount", 0))
        self._notify(f"starting {running}/{self._task_count}")
        return running >= self._task_count

    def _until_listed(self) -> None:
        backoff = Backoff(self._stage.random, first=1, most=MOST_SECONDS)
        while self._know(self._service.listed("RUNNING", self.time)) < self._task_count:
            if self._late():
                self._look_at_stopped()
                raise RoundOver(Outcome.FAILED, f"only {len(self.tasks)} of {self._task_count} tasks were ever listed")
            self._wait(backoff)
        if len(self.tasks) > self._task_count:
            self._learn(self.tasks.values())
            raise RoundOver(Outcome.CONTAMINATED, f"{len(self.tasks)} tasks were started, not {self._task_count}")
        self.balancer.only(self.tasks)
        self._deadline = self._stage.clock.monotonic() + self._stage.timeout_seconds

    def _until_reported(self) -> None:
        late = Backoff(self._stage.random, first=2, most=MOST_SECONDS)
        self._wait_for_reports(late)
        self._read_log()
        while self._silent():
            if self._late():
                self._read_log(again=True)
                return
            self._wait_for_reports(late)
            self._read_log()
            self._check_alive(self._silent()[:TASKS_PER_CALL])

    def _wait_for_reports(self, late: Backoff) -> None:
        """Until the load balancer tells that all have booted, or, where it will, `LONGER` times as long as the
        round has taken so far; where it tells nothing, less long. Logs come some seconds after that."""
        now = self._stage.clock.monotonic()
        passed, left = now - self._began, self._deadline - now
        if self.balancer.telling:
            self.balancer.wait(min(passed * LONGER, left + 1), self.time)
        elif not self.balancer.met_all:
            self.balancer.wait(min(max(passed / 4, 3), MOST_SECONDS), self.time)
        if self.balancer.met_all:
            self._wait(late)

    def _until_told(self) -> None:
        backoff = Backoff(self._stage.random, first=2, most=MOST_SECONDS)
        until = self._stage.clock.monotonic() + PATIENCE_SECONDS
        while left := [task for task in self.tasks.values() if not task.complete]:
            self._check_alive(left)
            if all(task.complete for task in left) or self._late() or self._stage.clock.monotonic() > until:
                return
            self._wait(backoff)

    def _until_answered(self) -> None:
        until = self._stage.clock.monotonic() + PATIENCE_SECONDS
        while self.balancer.telling and not self._late() and self._stage.clock.monotonic() < until:
            self.balancer.wait(1.0, self.time)
        for arn, answered in self.balancer.answered.items():
            if (task := self.tasks.get(arn)) is not None and task.started_ns is not None:
                self.time.heard(task.started_ns, answered.local_ns)

    def _wait(self, backoff: Backoff) -> None:
        self.balancer.wait(backoff.seconds(), self.time)

    def _late(self) -> bool:
        return self._stage.clock.monotonic() > self._deadline

    def _time_to_look(self) -> bool:
        if self._stage.clock.monotonic() - self._began < self._next_look:
            return False
        self._next_look *= 2
        return True

    def _know(self, arns: Iterable[str]) -> int:
        """Add tasks to the round's own, and count those."""
        for arn in arns:
            self.tasks.setdefault(arn, TaskFacts(arn))
        return len(self.tasks)

    def _learn(self, tasks: Iterable[TaskFacts]) -> None:
        self._service.learn(tasks, self.time)
        for task in tasks:
            if task.created_ns is not None:
                self.time.caused(task.created_ns, self.began_ns)

    def _read_log(self, *, again: bool = False) -> None:
        self.log.read({task_id(task.arn): task.arn for task in self._silent()}, again=again)
        done = self._task_count - len(self._silent())
        self._notify(f"booted {done}/{self._task_count}")

    def _silent(self) -> list[TaskFacts]:
        return [task for task in self.tasks.values() if task.arn not in self.log.found]

    def _look_at_stopped(self) -> None:
        """Raise `RoundOver` when tasks of this round have stopped already."""
        self._know(self._service.listed("STOPPED", self.time))
        self._check_alive([task for task in self.tasks.values() if not task.complete])

    def _check_alive(self, tasks: Collection[TaskFacts]) -> None:
        """Describe tasks, and raise `RoundOver` when one has stopped: nobody but its own fate can have stopped it."""
        if not tasks:
            return
        self._learn(tasks)
        dead = [task for task in tasks if task.stopping or task.stopped]
        for task in sorted(dead, key=lambda task: not task.hopeless):
            outcome = Outcome.FAILED if task.hopeless else Outcome.CONTAMINATED
            why = task.stop_reason or "ECS does not say why"
            raise RoundOver(outcome, f"task {task_id(task.arn)} stopped during the round: {why}")


@dataclass(frozen=True)
class _Signs:
    """What a service says of itself, to be told from what it said before."""

    events: frozenset[str]
    troubles: tuple[tuple[str, str], ...]
    failed_tasks: int
    rollout: str

    @classmethod
    def of(cls, document: Document) -> _Signs:
        events = document.get("events", ())
        deployments = document.get("deployments", ())
        return cls(
            events=frozenset(event["id"] for event in events),
            troubles=tuple((e["id"], e["message"]) for e in events if any(part in e["message"] for part in TROUBLE)),
            failed_tasks=sum(int(deployment.get("failedTasks", 0)) for deployment in deployments),
            rollout=" ".join(d.get("rolloutStateReason", "") for d in deployments if d.get("rolloutState") == "FAILED"),
        )

    def since(self, before: _Signs) -> str | None:
        """The first trouble that was not there before."""
        new = [message for event, message in self.troubles if event not in before.events]
        if self.rollout and not before.rollout:
            new.append(self.rollout)
        return new[0] if new else None
