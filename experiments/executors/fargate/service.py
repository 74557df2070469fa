"""One treatment's ECS service: scaled, listed and described page by page, and emptied with proof."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Literal

from experiments.executors.fargate.aws import TASKS_PER_CALL, Aws, Described, Document, Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.tasks import TaskFacts
from infra.outputs import FargateOutput, ServiceOutput
from kit.errors import AwsError, CredentialsError

DesiredStatus = Literal["RUNNING", "STOPPED"]


class Service:
    """The ECS service of a treatment.

    ``earlier`` are tasks that it had before and that are no part of a round; ``emptied_ns`` is a time before which
    (AWS's clock) nothing of the next round can have happened; ``may_run`` says that it is not proven to be empty.
    """

    def __init__(self, aws: Aws, stack: FargateOutput, output: ServiceOutput) -> None:
        self.output = output
        self.earlier: set[str] = set()
        self.emptied_ns = 0
        self.may_run = False
        self._aws, self._cluster = aws, stack.cluster

    @property
    def name(self) -> str:
        """As ECS knows it."""
        return self.output.name

    def scale(self, count: int) -> Document:
        """Ask for so many tasks; returns the service as it is then."""
        before, self.may_run = self.may_run, True
        try:
            return self._aws.update_service(self._cluster, self.name, count)
        except CredentialsError:
            self.may_run = before  # not heard of at all, while what is merely lost may have been heard
            raise

    def describe(self) -> Document:
        """The service as it is now; raises `AwsError` when it is gone."""
        found = self._aws.describe_services(self._cluster, [self.name])
        if not found:
            raise AwsError(f"The ECS service {self.name} is gone. `sociometer up` makes it again.")
        return found[0]

    def listed(self, status: DesiredStatus, time: AwsTime) -> set[str]:
        """The ARNs of its tasks of that desired status that were not there before; the list may be out of date."""
        found: set[str] = set()
        token = None
        while True:
            page = self._page(status, token, time)
            found.update(item["taskArn"] for item in page.items)
            if (token := page.token) is None:
                return found - self.earlier

    def some_running(self, time: AwsTime) -> set[str]:
        """Up to 100 of its tasks that run or will; empty when there are none, at the price of one call."""
        return {item["taskArn"] for item in self._page("RUNNING", None, time).items} - self.earlier

    def _page(self, status: DesiredStatus, token: str | None, time: AwsTime) -> Page:
        return time.dated(lambda: self._aws.list_tasks(self._cluster, self.name, status, token))

    def remember(self, time: AwsTime) -> None:
        """Whatever is listed now, of an empty service, is of the past; lists may still say that it runs."""
        self.earlier |= self.listed("RUNNING", time) | self.listed("STOPPED", time)

    def emptied(self, tasks: Iterable[TaskFacts]) -> None:
        """Nothing runs any more; the tasks that ran belong to the past."""
        for task in tasks:
            self.earlier.add(task.arn)
            self.emptied_ns = max(self.emptied_ns, task.stopped_ns or 0)
        self.may_run = False

    def learn(self, tasks: Iterable[TaskFacts], time: AwsTime) -> None:
        """Describe tasks, a hundred a call, and take in what is told of each and of AWS's clock."""
        wanted = {task.arn: task for task in tasks}
        arns = list(wanted)
        for start in range(0, len(arns), TASKS_PER_CALL):
            some = arns[start : start + TASKS_PER_CALL]
            described = time.dated(functools.partial(self._aws.describe_tasks, self._cluster, some))
            _take(described, wanted, time)


def _take(described: Described, wanted: dict[str, TaskFacts], time: AwsTime) -> None:
    heard_ns = time.now_ns()
    for document in described.tasks:
        task = wanted[document["taskArn"]]
        task.learn(document)
        for stamp_ns in task.stamps():
            time.heard(stamp_ns, heard_ns)
    for failure in described.failures:
        wanted[failure["arn"]].missing = failure.get("reason") or "no reason given"
