"""The simulated region with tasks by script: each step takes a round number of seconds, and a `Fate` can change a task.

Nothing is random but the order in which tasks answer. What a test wants to be late, wrong or gone is changed here, on
top of the simulation's answers; how services launch, replace and stop tasks is the simulation's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from experiments.executors.fargate.aws import Answer, Described, Document, Page
from experiments.executors.simulation import Parameters, documents
from experiments.executors.simulation.aws import SimulatedAws
from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.draw import RoundDraw
from experiments.executors.simulation.parameters import Bucket
from experiments.executors.simulation.service import ServiceEvent, SimulatedService
from experiments.executors.simulation.task import SimulatedTask, Stop, Treatment
from experiments.executors.simulation.world import SimulatedRegion
from experiments.records.model import Round
from experiments.records.phases import NS_PER_SECOND
from infra.outputs import StackOutputs
from tests.support.simulated import EXACT

CALL_SECONDS = 0.05
"""What each call to AWS takes."""


@dataclass(frozen=True)
class Life:
    """How long each step of a healthy task takes, and how late things are told, in seconds."""

    launch: float = 1.0
    per_task: float = 0.05
    connect: float = 8.0
    pull: float = 6.0
    start: float = 1.0
    boot: float = 12.0
    stop: float = 25.0
    healthy: float = 10.0
    log_late: float = 3.0
    list_late: float = 0.5
    describe_late: float = 0.5

    def parameters(self) -> Parameters:
        """What the simulation must know of it; the tasks' own times are `ScriptedDraw`'s."""
        return Parameters().model_copy(
            update={
                **EXACT,
                "get_seconds": 0.01,
                "schedule_seconds": self.launch,
                "service_launches": Bucket(1, 1 / self.per_task),
                "deregister_seconds": 0.0,
                "kill_seconds": 0.0,
                "deprovision_seconds": self.stop,
                "clock_error_bound_ms": 0.5,
            }
        )


@dataclass(frozen=True)
class Fate:
    """What is different for one task; ``stop_after`` counts seconds from its creation.

    ``report`` and ``answer`` change what its log and the load balancer tell, ``change`` what DescribeTasks does.
    """

    stop_after: float | None = None
    stop_code: str = "EssentialContainerExited"
    stop_reason: str = "Essential container in task exited"
    snapshotter: str | None = None
    report: Callable[[str], Sequence[str]] = lambda line: [line]
    answer: Callable[[bytes], bytes] = lambda body: body
    missing: bool = False
    slow: float = 0.0
    change: Mapping[str, Any] = field(default_factory=dict)


HEALTHY = Fate()
HEALTHY_LIFE = Life()


class ScriptedDraw(RoundDraw):
    """Gives every task its times by a `Life`, and the n-th of a service the n-th `Fate`."""

    def __init__(
        self, life: Life, fates: Mapping[int, Fate], parameters: Parameters, seed: int, round_: Round, attempt: int
    ) -> None:
        super().__init__(parameters, seed, round_, attempt)
        self._life, self._fates = life, fates

    def task(self, treatment: Treatment, number: int, created_ns: int, fate: frozenset[Any]) -> SimulatedTask:
        """A task that is created now, with all that is going to happen to it."""
        task = super().task(treatment, number, created_ns, fate)
        life, scripted = self._life, self._fates.get(number, HEALTHY)
        task.clock_error_ns = 0
        task.snapshotter = scripted.snapshotter or task.snapshotter
        task.connected_ns = task.pull_started_ns = created_ns + _ns(life.connect)
        task.pull_stopped_ns = task.pull_started_ns + _ns(life.pull + scripted.slow)
        task.started_ns = task.ready_ns = task.boot_started_ns = task.pull_stopped_ns + _ns(life.start)
        task.healthy_ns = task.started_ns + _ns(life.healthy)
        task.boot_finished_ns = task.boot_started_ns + _ns(life.boot)
        task.ingested_ns = task.boot_finished_ns + _ns(life.log_late)
        if scripted.stop_after is not None:
            asked_ns = created_ns + _ns(scripted.stop_after)
            stopped_ns = asked_ns + _ns(life.stop)
            task.stop = Stop(asked_ns, asked_ns, stopped_ns, scripted.stop_code, scripted.stop_reason)
        return task


class ScriptedEcs(SimulatedAws):
    """An `Aws` on a stack; ``before`` is called with each operation (``GET`` too) before its answer, and may raise.

    ``answers`` are the load balancer's next ones, ``changes`` what DescribeServices tells otherwise by service (None:
    the service is gone), ``dated`` whether answers bear a date.
    """

    def __init__(
        self,
        outputs: StackOutputs,
        clock: SimulatedClock,
        *,
        life: Life = HEALTHY_LIFE,
        fates: Mapping[int, Fate] | None = None,
        before: Callable[[str], None] = lambda _operation: None,
    ) -> None:
        self.fates = dict(fates or {})
        super().__init__(
            SimulatedRegion(
                outputs,
                life.parameters(),
                seed=1,
                clock=clock,
                draw=lambda *arguments: ScriptedDraw(life, self.fates, *arguments),
            )
        )
        self.clock = clock
        self._names = [
            treatment.service.name
            for variant in outputs.variants.values()
            for treatment in variant.treatments.values()
            if treatment.service is not None
        ]
        self._late = {"ListTasks": life.list_late, "DescribeTasks": life.describe_late}
        self._late_seconds = 0.0
        self.before = before
        self.answers: list[Answer] = []
        self.changes: dict[str, Document | None] = {}
        self.dated = True

    def service(self, name: str) -> SimulatedService:
        """The truth about a service."""
        return self._region.service(name)

    def tasks(self) -> list[SimulatedTask]:
        """Every task that was ever launched."""
        return [task for name in self._names for task in self.service(name).by_rank]

    def running(self) -> int:
        """Tasks that have not stopped."""
        self._clock.sleep(0)  # what is due by now happens first
        return sum(task.status(self._clock.now_ns) != documents.STOPPED for task in self.tasks())

    def start_foreign(self, service: str, age_seconds: float) -> SimulatedTask:
        """A task that somebody else had started before."""
        known = {task.arn for task in self.tasks()}
        self.service(service).scale(self.service(service).desired + 1)
        self._clock.sleep(self._parameters.schedule_seconds + age_seconds)
        return next(task for task in self.tasks() if task.arn not in known)

    def say(self, service: str, message: str) -> None:
        """Add an event to a service."""
        self.service(service).events.appendleft(ServiceEvent(self._clock.now_ns, message))

    def date(self) -> datetime | None:
        """AWS's clock, cut to the second as HTTP's dates are."""
        return documents.moment(self._clock.now_ns).replace(microsecond=0) if self.dated else None

    def describe_services(self, cluster: str, services: Sequence[str]) -> list[Document]:
        described = super().describe_services(cluster, services)
        changes = [self.changes.get(name, {}) for name in services]
        return [document | change for document, change in zip(described, changes, strict=True) if change is not None]

    def list_tasks(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"], token: str | None
    ) -> Page:
        return super().list_tasks(cluster, service, desired_status, token)._replace(date=self.date())

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> Described:
        described = super().describe_tasks(cluster, arns)
        missing = [{"arn": arn, "reason": "MISSING"} for arn in arns if self._fate(arn).missing]
        tasks = [
            document | fate.change
            for document in described.tasks
            if not (fate := self._fate(document["taskArn"])).missing
        ]
        return Described(tasks, described.failures + missing, self.date())

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        page = super().filter_log_events(group, stream_prefix, pattern, start_ms, token)
        events = [
            event | {"message": line}
            for event in page.items
            for line in self._fate(json.loads(event["message"])["task_arn"]).report(event["message"])
            if pattern.strip('"') in line
        ]
        return Page(events, page.token, self.date())

    def get(self, url: str, header: str) -> Answer:
        self.calls["GET"] += 1
        self.before("GET")
        answer = super().get(url, header)
        if self.answers:
            return self.answers.pop(0)
        if answer.status != 200:
            return answer
        return answer._replace(body=self._fate(json.loads(answer.body)["task_arn"]).answer(answer.body))

    def _fate(self, arn: str) -> Fate:
        task = self._region.task(arn)
        return HEALTHY if task is None else self.fates.get(task.number, HEALTHY)

    def _send(self, operation: str) -> None:
        """Counted even when ``before`` raises, as a request whose answer is lost."""
        self.calls[operation] += 1
        self.before(operation)
        self._clock.sleep(CALL_SECONDS)
        self._late_seconds = self._late.get(operation, 0.0)

    def _seen_ns(self) -> int:
        return self._clock.now_ns - _ns(self._late_seconds)


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)
