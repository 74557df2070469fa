"""ECS, its logs and its load balancer in memory, on a clock that only moves when somebody waits; small and scriptable.

Tasks live by `Life`; what happens to the n-th task that is ever launched is its `Fate`. A service keeps its desired
count: what stops is replaced. It is no model of Fargate's performance (that is `sociometer.sim`), only of its rules.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal

from experiments.executors.fargate.aws import TASKS_PER_CALL, Answer, Described, Document, Page
from infra.outputs import StackOutputs
from tests.contracts.outputs import digest

EPOCH_NS = 1_790_000_000_000_000_000
DEPLOYMENT = "ecs-svc/1234567890"
EVENTS_PER_PAGE = 1_000


class FakeClock:
    """A `Clock` that moves by its own sleeps and by what calls cost."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time_ns(self) -> int:
        return EPOCH_NS + round(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.seconds += seconds


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


@dataclass(frozen=True)
class Fate:
    """What is different for one task; ``stop_after`` counts seconds from its creation."""

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


@dataclass
class FakeTask:
    """A task; times in seconds on the fake clock."""

    arn: str
    service: str
    created: float
    fate: Fate
    life: Life
    stopping: float | None = None
    scaled_down: bool = False

    @property
    def started(self) -> float:
        return self.created + self.life.connect + self.life.pull + self.life.start + self.fate.slow

    @property
    def finished(self) -> float:
        return self.started + self.life.boot

    @property
    def stopped(self) -> float | None:
        return None if self.stopping is None else self.stopping + self.life.stop


@dataclass
class FakeService:
    """A service and what it says of itself."""

    name: str
    task_definition: str
    desired: int = 0
    failed_tasks: int = 0
    status: str = "ACTIVE"
    events: list[Document] = field(default_factory=list)


class FakeEcs:
    """An `Aws`; ``before`` is called with the name of every operation before it is answered, and may raise."""

    def __init__(
        self,
        outputs: StackOutputs,
        clock: FakeClock,
        *,
        life: Life = HEALTHY_LIFE,
        fates: Mapping[int, Fate] | None = None,
        lazy_by: str = "soci",
        skew_seconds: float = 0.0,
        before: Callable[[str], None] = lambda _operation: None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.answers: list[Answer] = []
        self.foreign_tasks: list[FakeTask] = []
        self.launches = True
        self.dated = True
        self.tasks: dict[str, FakeTask] = {}
        self._clock, self._life, self._fates, self.before = clock, life, dict(fates or {}), before
        self._lazy_by, self._skew_ns = lazy_by, round(skew_seconds * 1e9)
        self._numbers, self._turn = count(), count()
        self.services: dict[str, FakeService] = {}
        self._forms: dict[str, str] = {}
        self._by_header: dict[str, str] = {}
        for variant in outputs.variants.values():
            for treatment in variant.treatments.values():
                assert treatment.service is not None
                name = treatment.service.name
                self.services[name] = FakeService(name, treatment.service.task_definition)
                self._by_header[treatment.service.header] = name
                self._forms[name] = treatment.form

    def update_service(self, cluster: str, service: str, desired_count: int) -> Document:
        self._called("UpdateService")
        self.services[service].desired = desired_count
        if desired_count == 0:
            for task in self._alive(service):
                task.stopping, task.scaled_down = self._clock.seconds + 1, True
        return self._service(service)

    def describe_services(self, cluster: str, services: Sequence[str]) -> list[Document]:
        self._called("DescribeServices")
        return [self._service(name) for name in services if name in self.services]

    def list_tasks(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"], token: str | None
    ) -> Page:
        self._called("ListTasks")
        then = self._clock.seconds - self._life.list_late
        arns = [
            task.arn
            for task in self.tasks.values()
            if task.service == service
            and task.created <= then
            and (task.stopping is None or task.stopping > then) == (desired_status == "RUNNING")
        ]
        return self._page([{"taskArn": arn} for arn in arns], token, TASKS_PER_CALL)

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> Described:
        self._called("DescribeTasks")
        assert len(arns) <= TASKS_PER_CALL
        known = [self.tasks[arn] for arn in arns if arn in self.tasks and not self.tasks[arn].fate.missing]
        told = {task.arn for task in known}
        failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in told]
        return Described([self._describe(task) for task in known], failures, self._date())

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        self._called("FilterLogEvents")
        phrase = pattern.strip('"')
        events = [
            {"logStreamName": f"{task.service}/app/{task.arn[-32:]}", "timestamp": at_ms, "message": line}
            for task in self.tasks.values()
            if f"{task.service}/app/".startswith(stream_prefix)
            and (task.stopping is None or task.finished < task.stopping)
            and task.finished + self._life.log_late <= self._clock.seconds
            and (at_ms := self._ns(task.finished) // 10**6) >= start_ms
            for line in task.fate.report(self.report(task))
            if phrase in line
        ]
        return self._page(events, token, EVENTS_PER_PAGE)

    def get(self, url: str, header: str) -> Answer:
        self.before("GET")
        self.calls["GET"] += 1
        self._clock.seconds += 0.01
        self._live()
        assert re.fullmatch(r"http://[^/]+/boot.json", url)
        if self.answers:
            return self.answers.pop(0)
        now = self._clock.seconds
        behind = [
            task
            for task in (*self.foreign_tasks, *self._alive(self._by_header[header]))
            if task.started + self._life.healthy <= now
        ]
        if not behind:
            return Answer(503, b"<html>503 Service Temporarily Unavailable</html>")
        task = behind[next(self._turn) % len(behind)]
        if task.finished > now:
            return Answer(404, b"<html>404 Not Found</html>")
        return Answer(200, task.fate.answer(self.report(task).encode()))

    def report(self, task: FakeTask) -> str:
        """The task's boot report, as the hasher writes it."""
        lazy = self._forms[task.service] != "plain"
        return json.dumps(
            {
                "schema_version": 1,
                "variant": "movie",
                "task_arn": task.arn,
                "snapshotter": task.fate.snapshotter or (self._lazy_by if lazy else "overlayfs"),
                "clock_error_bound_ms": 0.5,
                "started_ns": self._ns(task.started),
                "finished_ns": self._ns(task.finished),
                "files": [{"path": "/srv/www/movie", "bytes": 5, "sha256": digest("movie").removeprefix("sha256:")}],
            }
        )

    def running(self) -> int:
        """Tasks that have not stopped."""
        return sum(task.stopped is None or task.stopped > self._clock.seconds for task in self.tasks.values())

    def start_foreign(self, service: str, age_seconds: float) -> FakeTask:
        """A task that was there before anybody looked."""
        task = self._launch(service, self._clock.seconds - age_seconds)
        self.services[service].desired += 1
        return task

    def say(self, service: str, message: str) -> None:
        """Add an event to a service."""
        self.services[service].events.insert(
            0, {"id": f"event-{len(self.services[service].events)}", "message": message}
        )

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        self.before(operation)
        self._clock.seconds += 0.05
        self._live()

    def _live(self) -> None:
        """Let what was due until now happen: tasks launched, and those that stop by themselves replaced."""
        for service in self.services.values():
            for task in self._alive(service.name):
                if task.fate.stop_after is not None and task.created + task.fate.stop_after <= self._clock.seconds:
                    task.stopping = task.created + task.fate.stop_after
                    service.failed_tasks += task.fate.stop_code == "TaskFailedToStart"
            missing = service.desired - len(self._alive(service.name))
            for number in range(missing if self.launches else 0):
                self._launch(service.name, self._clock.seconds + self._life.launch + number * self._life.per_task)

    def _launch(self, service: str, created: float) -> FakeTask:
        number, unique = next(self._numbers), uuid.uuid4().hex
        arn = f"arn:aws:ecs:eu-west-2:123456789012:task/sociometer/{unique}"
        self.tasks[arn] = FakeTask(arn, service, created, self._fates.get(number, HEALTHY), self._life)
        return self.tasks[arn]

    def _alive(self, service: str) -> list[FakeTask]:
        return [task for task in self.tasks.values() if task.service == service and task.stopping is None]

    def _service(self, name: str) -> Document:
        service, now = self.services[name], self._clock.seconds
        alive = [task for task in self._alive(name) if task.created <= now]
        running = sum(task.started <= now for task in alive)
        return {
            "serviceName": name,
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": running,
            "pendingCount": len(alive) - running,
            "taskDefinition": service.task_definition,
            "deployments": [{"id": DEPLOYMENT, "status": "PRIMARY", "failedTasks": service.failed_tasks}],
            "events": list(service.events),
        }

    def _describe(self, task: FakeTask) -> Document:
        then, life = self._clock.seconds - self._life.describe_late, self._life
        pulled = task.created + life.connect + life.pull + task.fate.slow
        times = {
            "createdAt": task.created,
            "connectivityAt": task.created + life.connect,
            "pullStartedAt": task.created + life.connect,
            "pullStoppedAt": pulled,
            "startedAt": task.started,
        }
        stop = {"stoppingAt": task.stopping, "stoppedAt": task.stopped}
        told = {key: self._moment(at) for key, at in times.items() if key == "createdAt" or at <= then}
        told |= {key: self._moment(at) for key, at in stop.items() if at is not None and at <= then}
        reason = {}
        if task.stopping is not None and task.stopping <= then:
            code, why = task.fate.stop_code, task.fate.stop_reason
            if task.scaled_down:
                code, why = "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {DEPLOYMENT})"
            reason = {"stopCode": code, "stoppedReason": why}
        return {
            "taskArn": task.arn,
            "taskDefinitionArn": self.services[task.service].task_definition,
            "startedBy": DEPLOYMENT,
            "lastStatus": "STOPPED" if "stoppedAt" in told else "RUNNING",
            "desiredStatus": "STOPPED" if reason else "RUNNING",
            "containers": [{"name": "app"}],
            **told,
            **reason,
            **task.fate.change,
        }

    def _ns(self, seconds: float) -> int:
        return EPOCH_NS + round(seconds * 1e9) + self._skew_ns

    def _moment(self, seconds: float) -> datetime:
        """Cut to the millisecond, as ECS's times are."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self._ns(seconds) // 10**6)

    def _date(self) -> datetime | None:
        """Cut to the second, as HTTP's dates are."""
        return self._moment(self._clock.seconds).replace(microsecond=0) if self.dated else None

    def _page(self, items: list[Document], token: str | None, size: int) -> Page:
        start = int(token or 0)
        end = start + size
        return Page(items[start:end], str(end) if end < len(items) else None, self._date())
