"""One treatment's ECS service: scaled, listed and described page by page, and drained until it is proven empty."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from experiments.executors.fargate.aws import TASKS_PER_CALL, Described, Document, Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.stage import Stage
from experiments.executors.fargate.tasks import NO_CAPACITY, TaskFacts
from experiments.executors.protocol import NotifyPhase
from infra.outputs import ServiceOutput
from kit.errors import AwsError, CredentialsError

TROUBLE = ("unable to place", "unable to consistently start", "failed to launch", *NO_CAPACITY)
"""Parts of service events that mean that the tasks will not come (Amazon ECS, "Service event messages")."""
DRAIN_SECONDS = 600.0
DRAIN_SECONDS_PER_TASK = 0.2
"""A task leaves its load balancer (10 s), is asked to end (30 s at most) and unplugged; ECS does a few at once."""
FIRST_WAIT_SECONDS = 4.0
MOST_WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class Signs:
    """What a service says of itself, to be compared with what it said before. ``deployments`` are their ids."""

    running: int
    deployments: frozenset[str]
    failed_tasks: int
    rollout: str
    events: frozenset[str]
    troubles: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, document: Document) -> Signs:
        """The signs in an answer of DescribeServices or UpdateService."""
        events, deployments = document.get("events", ()), document.get("deployments", ())
        return cls(
            running=int(document.get("runningCount", 0)),
            deployments=frozenset(deployment["id"] for deployment in deployments),
            failed_tasks=sum(int(deployment.get("failedTasks", 0)) for deployment in deployments),
            rollout=" ".join(d.get("rolloutStateReason", "") for d in deployments if d.get("rolloutState") == "FAILED"),
            events=frozenset(event["id"] for event in events),
            troubles=tuple((e["id"], e["message"]) for e in events if any(part in e["message"] for part in TROUBLE)),
        )

    def trouble_since(self, before: Signs) -> str | None:
        """The first trouble that was not there before."""
        new = [message for event, message in self.troubles if event not in before.events]
        if self.rollout and not before.rollout:
            new.append(self.rollout)
        return new[0] if new else None


class Service:
    """The ECS service of a treatment.

    ``earlier`` are tasks that it had before and that belong to no round; ``emptied_ns`` is a time (AWS's clock) before
    which nothing of the next round can have happened; ``may_run`` means that it is not proven to be empty.
    """

    def __init__(self, stage: Stage, output: ServiceOutput) -> None:
        self.output = output
        self.earlier: set[str] = set()
        self.emptied_ns = 0
        self.may_run = False
        self._stage, self._aws, self._cluster = stage, stage.aws, stage.stack.cluster

    @property
    def name(self) -> str:
        """As ECS knows it."""
        return self.output.name

    def scale(self, count: int) -> Signs:
        """Ask for ``count`` tasks; returns the service as it is then."""
        before, self.may_run = self.may_run, True
        try:
            return Signs.of(self._aws.update_service(self._cluster, self.name, count))
        except CredentialsError:
            self.may_run = before  # AWS refused the request; one that is merely lost may have been carried out
            raise

    def describe(self) -> Signs:
        """The service as it is now; raises `AwsError` when it is gone."""
        described = self._aws.describe_services(self._cluster, [self.name])
        if not described:
            raise AwsError(f"The ECS service {self.name} is gone. `sociometer up` makes it again.")
        return Signs.of(described[0])

    def listed(self, status: Literal["RUNNING", "STOPPED"], time: AwsTime) -> set[str]:
        """The ARNs of its tasks of that desired status without `earlier` ones; the list may be out of date."""
        arns: set[str] = set()
        token = None
        while True:
            page = self._page(status, token, time)
            arns.update(item["taskArn"] for item in page.items)
            if (token := page.token) is None:
                return arns - self.earlier

    def some_running(self, time: AwsTime) -> set[str]:
        """Up to 100 of its tasks that run or are to run, for the price of one call; empty when there are none."""
        return {item["taskArn"] for item in self._page("RUNNING", None, time).items} - self.earlier

    def remember(self, time: AwsTime) -> None:
        """Of a service without tasks: what is listed now is `earlier`, even if the list still says that it runs."""
        self.earlier |= self.listed("RUNNING", time) | self.listed("STOPPED", time)

    def learn(self, tasks: Iterable[TaskFacts], time: AwsTime) -> None:
        """Describe tasks, a hundred a call; what is told of them and of AWS's clock is taken in."""
        wanted = {task.arn: task for task in tasks}
        arns = list(wanted)
        for start in range(0, len(arns), TASKS_PER_CALL):
            hundred = arns[start : start + TASKS_PER_CALL]
            described = time.dated(functools.partial(self._aws.describe_tasks, self._cluster, hundred))
            _take(described, wanted, time)

    def drain(self, tasks: dict[str, TaskFacts], time: AwsTime, notify: NotifyPhase) -> None:
        """Scale to 0 and wait until none of its tasks is left; ``tasks`` gains those that were not known.

        Raises `AwsError`, of the kind that AWS gave or when it takes too long, that says how to stop what is left.
        """
        try:
            self.scale(0)
            _Drain(self, self._stage, tasks, time, notify).until_none()
        except AwsError as error:
            raise type(error)(
                f"{error} Tasks of {self.name} may still run and cost money: `sociometer clean` stops them."
            ) from error
        self.earlier |= tasks.keys()
        self.emptied_ns = max([self.emptied_ns, *(task.stopped_ns or 0 for task in tasks.values())])
        self.may_run = False

    def _page(self, status: Literal["RUNNING", "STOPPED"], token: str | None, time: AwsTime) -> Page:
        return time.dated(lambda: self._aws.list_tasks(self._cluster, self.name, status, token))


class _Drain:
    """Waits until nothing is listed as running and every known task has stopped."""

    def __init__(
        self, service: Service, stage: Stage, tasks: dict[str, TaskFacts], time: AwsTime, notify: NotifyPhase
    ) -> None:
        self._service, self._tasks, self._time, self._notify = service, tasks, time, notify
        self._clock, self._backoff = stage.clock, stage.backoff(first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        self._seconds = DRAIN_SECONDS + DRAIN_SECONDS_PER_TASK * len(tasks)
        self._deadline = self._clock.monotonic() + self._seconds

    def until_none(self) -> None:
        """The cheapest sign first: the list of what runs, then the known tasks, then those that were not known."""
        for task in self._tasks.values():
            task.missing = None  # asked anew
        self._clock.sleep(self._backoff.seconds())
        while running := self._service.some_running(self._time):
            self._add(running)
            self._again(f"{len(running)} or more are listed as running")
        self._clock.sleep(self._backoff.seconds())
        self._wait_stopped()
        if unknown := self._service.listed("STOPPED", self._time) - self._tasks.keys():
            self._add(unknown)
            self._wait_stopped()

    def _wait_stopped(self) -> None:
        """While one of the first hundred runs, there is no need to ask for the others."""
        while left := self._left():
            hundred = left[:TASKS_PER_CALL]
            self._service.learn(hundred, self._time)
            if all(task.gone for task in hundred):
                self._service.learn(left[TASKS_PER_CALL:], self._time)
            if left := self._left():
                self._again(f"{len(left)} have not stopped")

    def _left(self) -> list[TaskFacts]:
        return [task for task in self._tasks.values() if not task.gone]

    def _add(self, arns: set[str]) -> None:
        for arn in arns - self._tasks.keys():
            self._tasks[arn] = TaskFacts(arn)

    def _again(self, left: str) -> None:
        self._notify(f"clearing: {left}")
        if self._clock.monotonic() > self._deadline:
            raise AwsError(f"The service was scaled to 0, but {left} after {self._seconds:.0f} s.")
        self._clock.sleep(self._backoff.seconds())


def _take(described: Described, wanted: dict[str, TaskFacts], time: AwsTime) -> None:
    heard_ns = time.now_ns()
    for document in described.tasks:
        task = wanted[document["taskArn"]]
        task.learn(document)
        for stamp_ns in task.stamps():
            time.heard(stamp_ns, heard_ns)
    for failure in described.failures:
        wanted[failure["arn"]].missing = failure.get("reason") or "no reason given"
