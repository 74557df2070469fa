"""Watches the tasks of one round from its scaling up until every one has told all it can, or the round is over.

What is asked, and how often: while tasks come up, one DescribeServices a poll; it counts them and tells of failures.
When all are up they are listed, and from then on they are the round's tasks. Then their logs are read until every
task has reported; those that have not are described, for they may have stopped. Last, times that are still missing are
asked for. All waiting is done between the load balancer's requests (`Balancer.wait`), whose answers also tell when it
is worth asking ECS. `experiments.executors.fargate.calls` says how few requests these have to be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from experiments.executors.fargate.aws import TASKS_PER_CALL
from experiments.executors.fargate.balancer import Balancer
from experiments.executors.fargate.clocks import NS_PER_SECOND, AwsTime
from experiments.executors.fargate.outcomes import Ending, Watched
from experiments.executors.fargate.probed import task_log
from experiments.executors.fargate.service import Service, Signs
from experiments.executors.fargate.stage import Backoff, Stage
from experiments.executors.fargate.tasks import TaskFacts, task_id
from experiments.executors.protocol import NotifyPhase
from experiments.records.model import Outcome
from experiments.records.phases import NS_PER_MS
from kit.errors import AwsError

LAUNCHES_PER_SECOND = 500 / 60
"""The slowest that a round waits for: a service launches 500 tasks a minute unless that quota was raised (Amazon ECS
service quotas; an account launches a burst of 100, then 20 a second)."""
PATIENCE_SECONDS = 60.0
"""How long to wait for what is merely late: times that ECS has not told yet, the load balancer's health checks."""
MOST_SECONDS = 15.0
"""The longest wait between two polls, where nothing else would tell that it is time for one."""
LONGER = 1.5
"""When its end will be told anyway, a round is left alone for this many times as long as it has taken already."""
FIRST_LOOK_SECONDS = 60.0
"""Stopped tasks are looked for when not all tasks are up after this time, after twice and after four times as long."""
SKEW_NS = 360 * NS_PER_SECOND
"""AWS refuses requests signed more than five minutes off its clock, so a local time is less wrong than this."""


def watch(
    stage: Stage, service: Service, task_count: int, time: AwsTime, notify: NotifyPhase, *, ready: str | None = None
) -> Watched:
    """Scale the service up and watch its tasks until all is known, or until it is clear that it never will be.

    ``ready`` is what the tasks' probes wait for; None where the tasks report by themselves.

    Raises `AwsError` only when no task was seen; Ctrl-C ends the watch and is told in its result.
    """
    watching = _Watch(stage, service, task_count, time, notify, ready)
    try:
        watching.until_known()
    except _RoundOver as over:
        return watching.seen(over.ending)
    except KeyboardInterrupt:
        return dataclasses.replace(watching.seen(Ending(Outcome.ABORTED, "interrupted")), interrupted=True)
    except AwsError as error:
        return watching.seen().failed(error)
    return watching.seen()


class _RoundOver(Exception):
    """The round has ended before every task had booted."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.ending = Ending(outcome, reason)


class _Watch:
    def __init__(
        self,
        stage: Stage,
        service: Service,
        task_count: int,
        time: AwsTime,
        notify: NotifyPhase,
        ready: str | None,
    ) -> None:
        self._stage, self._service, self._task_count = stage, service, task_count
        self._time, self._notify = time, notify
        self._began_ns, self._began = time.now_ns(), stage.clock.monotonic()
        self._deadline = self._began + stage.timeout_seconds + task_count / LAUNCHES_PER_SECOND
        self._next_look = FIRST_LOOK_SECONDS
        self._tasks: dict[str, TaskFacts] = {}
        self._starters = frozenset({service.name})
        self._balancer = Balancer(
            stage.aws, stage.clock, stage.stack, service.output, task_count, strangers=service.earlier
        )
        start_ms = max(self._began_ns - SKEW_NS, service.emptied_ns) // NS_PER_MS
        self._log = task_log(stage, time, service.output, start_ms, ready)

    def seen(self, ending: Ending | None = None) -> Watched:
        """What has been seen by now."""
        return Watched(
            tasks=dict(self._tasks),
            logged=dict(self._log.reports),
            last_seen=dict(self._log.seen),
            answered=dict(self._balancer.answered),
            starters=self._starters,
            began_ns=self._began_ns,
            ended_ns=self._time.now_ns(),
            balancer_gets=self._balancer.gets,
            balancer_in_vain=self._balancer.in_vain,
            ending=ending,
        )

    def until_known(self) -> None:
        """Raises `_RoundOver` as soon as it is clear that not everything will be known."""
        before = self._service.scale(self._task_count)
        self._starters |= before.deployments
        self._notify("starting")
        self._until_up(before)
        self._until_listed()
        self._until_reported()
        self._until_told()
        self._until_answered()

    def _until_up(self, before: Signs) -> None:
        backoff = self._stage.backoff(first=3, most=30)
        while not self._late():
            self._wait(backoff)
            if self._balancer.met_all or self._counted_up(before):
                return

    def _counted_up(self, before: Signs) -> bool:
        signs = self._service.describe()
        trouble = signs.trouble_since(before)
        if trouble or signs.failed_tasks > before.failed_tasks or self._time_to_look():
            self._look_at_stopped()
        if trouble:
            raise _RoundOver(Outcome.FAILED, trouble)
        self._notify(f"starting {signs.running}/{self._task_count}")
        return signs.running >= self._task_count

    def _until_listed(self) -> None:
        backoff = self._stage.backoff(first=1, most=MOST_SECONDS)
        while self._know(self._service.listed("RUNNING", self._time)) < self._task_count:
            if self._late():
                self._look_at_stopped()
                raise _RoundOver(
                    Outcome.FAILED, f"only {len(self._tasks)} of {self._task_count} tasks were ever listed"
                )
            self._wait(backoff)
        if len(self._tasks) > self._task_count:
            self._learn(self._tasks.values())
            raise _RoundOver(Outcome.CONTAMINATED, f"{len(self._tasks)} tasks were started, not {self._task_count}")
        self._balancer.only(self._tasks)
        self._deadline = self._stage.clock.monotonic() + self._stage.timeout_seconds

    def _until_reported(self) -> None:
        late = self._stage.backoff(first=2, most=MOST_SECONDS)
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
        """Wait until the load balancer tells that all have booted, and for the logs, which come some seconds later.

        At most `LONGER` times as long as the round has taken so far, and less when the load balancer tells nothing.
        """
        now = self._stage.clock.monotonic()
        passed, left = now - self._began, self._deadline - now
        if self._balancer.telling:
            self._balancer.wait(min(passed * LONGER, left + 1), self._time)
        elif not self._balancer.met_all:
            self._balancer.wait(min(max(passed / 4, 3), MOST_SECONDS), self._time)
        if self._balancer.met_all:
            self._wait(late)

    def _until_told(self) -> None:
        backoff = self._stage.backoff(first=2, most=MOST_SECONDS)
        until = self._stage.clock.monotonic() + PATIENCE_SECONDS
        while left := [task for task in self._tasks.values() if not task.complete]:
            self._check_alive(left)
            if all(task.complete for task in left) or self._late() or self._stage.clock.monotonic() > until:
                return
            self._wait(backoff)

    def _until_answered(self) -> None:
        until = self._stage.clock.monotonic() + PATIENCE_SECONDS
        while self._balancer.telling and not self._late() and self._stage.clock.monotonic() < until:
            self._balancer.wait(1.0, self._time)
        for arn, answered in self._balancer.answered.items():
            if (task := self._tasks.get(arn)) is not None and task.started_ns is not None:
                self._time.heard(task.started_ns, answered.local_ns)

    def _wait(self, backoff: Backoff) -> None:
        self._balancer.wait(backoff.seconds(), self._time)

    def _late(self) -> bool:
        return self._stage.clock.monotonic() > self._deadline

    def _time_to_look(self) -> bool:
        if self._stage.clock.monotonic() - self._began < self._next_look:
            return False
        self._next_look *= 2
        return True

    def _know(self, arns: Iterable[str]) -> int:
        """Add tasks to the round's own; returns how many those are now."""
        for arn in arns:
            self._tasks.setdefault(arn, TaskFacts(arn))
        return len(self._tasks)

    def _learn(self, tasks: Iterable[TaskFacts]) -> None:
        self._service.learn(tasks, self._time)
        for task in tasks:
            if task.created_ns is not None:
                self._time.caused(task.created_ns, self._began_ns)

    def _read_log(self, *, again: bool = False) -> None:
        self._log.read({task_id(task.arn): task.arn for task in self._silent()}, again=again)
        done = self._task_count - len(self._silent())
        self._notify(f"booted {done}/{self._task_count}")

    def _silent(self) -> list[TaskFacts]:
        return [task for task in self._tasks.values() if task.arn not in self._log.reports]

    def _look_at_stopped(self) -> None:
        """Raise `_RoundOver` when tasks of this round have stopped already."""
        self._know(self._service.listed("STOPPED", self._time))
        self._check_alive([task for task in self._tasks.values() if not task.complete])

    def _check_alive(self, tasks: Collection[TaskFacts]) -> None:
        """Describe tasks, and raise `_RoundOver` when one has stopped: nobody else stops tasks in a round."""
        if not tasks:
            return
        self._learn(tasks)
        dead = [task for task in tasks if task.stopping or task.stopped]
        for task in sorted(dead, key=lambda task: not task.hopeless):
            outcome = Outcome.FAILED if task.hopeless else Outcome.CONTAMINATED
            why = task.stop_reason or "ECS does not say why"
            raise _RoundOver(outcome, f"task {task_id(task.arn)} stopped during the round: {why}")
