"""A simulated ECS service: launches tasks until there are as many as wanted, replaces those that stop, stops the rest.

As on ECS a changed count makes no new deployment, so tasks of successive rounds bear the same one (doc: UpdateService).
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.draw import RoundDraw
from experiments.executors.simulation.failures import Failure, Kind
from experiments.executors.simulation.parameters import Parameters
from experiments.executors.simulation.task import SimulatedTask, Treatment
from experiments.executors.simulation.throttle import TokenBucket
from experiments.records.phases import NS_PER_SECOND

MOST_EVENTS = 100
"""The most events that DescribeServices shows (API reference of Amazon ECS, Service)."""
MANY_FAILURES = 3
"""After this many failures in a row ECS says that it cannot start tasks (assumption)."""
MOST_DOUBLINGS = 7


@dataclass(frozen=True)
class ServiceEvent:
    """A line of the service's event list."""

    created_ns: int
    message: str


class SimulatedService:
    """The service of one treatment. ``launches`` is the account's bucket, shared by all services; ``launched`` is told
    of each new task."""

    def __init__(
        self,
        treatment: Treatment,
        parameters: Parameters,
        clock: SimulatedClock,
        launches: TokenBucket,
        draw: RoundDraw,
    ) -> None:
        self.treatment = treatment
        self._parameters, self._clock = parameters, clock
        self._launches = (launches, TokenBucket(parameters.service_launches))
        self._draw = draw
        self._failures: Sequence[Failure] = ()
        self._began_ns = self.created_ns = self.updated_ns = clock.now_ns
        self._active: dict[str, SimulatedTask] = {}
        self._failed_in_a_row = 0
        self._launch_ns: int | None = None
        self.desired = 0
        self.failed = 0
        self.by_rank: list[SimulatedTask] = []
        self.round_tasks: list[SimulatedTask] = []
        self.events: deque[ServiceEvent] = deque(maxlen=MOST_EVENTS)
        self.launched: Callable[[SimulatedTask], None] = lambda _: None

    @property
    def name(self) -> str:
        """As in the stack's outputs."""
        return self.treatment.service.name

    @property
    def deployment(self) -> str:
        """The id of its one deployment, which starts its tasks."""
        return f"ecs-svc/{zlib.crc32(self.treatment.service.arn.encode()):019d}"

    def begin_round(self, draw: RoundDraw, failures: Sequence[Failure]) -> list[SimulatedTask]:
        """From now on tasks come from ``draw`` and meet these failures; returns the tasks that ECS forgets now."""
        self._draw, self._failures, self._began_ns = draw, failures, self._clock.now_ns
        self.round_tasks = []
        self._failed_in_a_row = 0
        forgotten = [task for task in self.by_rank if self._forgotten(task)]
        self.by_rank = [task for task in self.by_rank if not self._forgotten(task)]
        return forgotten

    def scale(self, desired: int) -> None:
        """UpdateService: launch missing tasks, stop surplus ones."""
        self.desired, self.updated_ns = desired, self._clock.now_ns
        acts_ns = self._clock.now_ns + round(self._parameters.schedule_seconds * NS_PER_SECOND)
        self._clock.at(acts_ns, self._stop_surplus)
        self._launch_at(acts_ns)

    def from_rank(self, rank: float) -> Iterator[SimulatedTask]:
        """The tasks that ECS remembers, from a place in its lists on."""
        return islice(self.by_rank, bisect_left(self.by_rank, rank, key=_rank), None)

    def failures(self, kind: Kind) -> Iterator[Failure]:
        """The script's failures of a kind that are not over yet."""
        passed = (self._clock.now_ns - self._began_ns) / NS_PER_SECOND
        return (failure for failure in self._failures if failure.kind is kind and passed < failure.seconds)

    def meets(self, kind: Kind, task: SimulatedTask) -> bool:
        """Whether a failure of that kind meets a task now."""
        return kind in task.fate and any(True for _ in self.failures(kind))

    def earlier(self) -> Iterator[SimulatedTask]:
        """Tasks of earlier rounds that ECS remembers."""
        return (task for task in self.by_rank if self._is_earlier(task))

    def wanted(self, task: SimulatedTask, now_ns: int) -> bool:
        """Whether ListTasks lists a task as running, not as stopped."""
        if self._is_earlier(task) and any(True for _ in self.failures(Kind.STALE)):
            return True
        return not task.stopping(now_ns)

    def _is_earlier(self, task: SimulatedTask) -> bool:
        return task.created_ns < self._began_ns

    def _launch_at(self, time_ns: int) -> None:
        """Schedule the next launches, unless they are scheduled for an earlier time already."""
        if self._launch_ns is None or time_ns < self._launch_ns:
            self._launch_ns = time_ns
            self._clock.at(time_ns, self._launch)

    def _launch(self) -> None:
        if self._launch_ns is None or self._clock.now_ns < self._launch_ns:
            return  # an earlier time took this one's place
        self._launch_ns = None
        wanted = self.desired - len(self._active)
        placed = min(wanted, self.desired - self._unplaceable() - len(self._active))
        while placed > 0 and (next_ns := self._next_launch_ns()) <= self._clock.now_ns:
            self._create()
            placed -= 1
            wanted -= 1
        if placed > 0:
            self._launch_at(next_ns)
        elif wanted > 0:
            self._say(
                "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or "
                "in a different availability zone."
            )
            self._launch_at(self._clock.now_ns + round(self._parameters.retry_seconds * NS_PER_SECOND))

    def _next_launch_ns(self) -> int:
        """When both the account and the service have a launch left."""
        return max(bucket.next_ns(self._clock.now_ns) for bucket in self._launches)

    def _create(self) -> None:
        for bucket in self._launches:
            bucket.take(self._clock.now_ns)
        number = len(self.round_tasks)
        fate = frozenset(failure.kind for failure in self._failures if number < failure.count)
        task = self._draw.task(self.treatment, number, self._clock.now_ns, fate)
        self._active[task.arn] = task
        self.round_tasks.append(task)
        insort(self.by_rank, task, key=_rank)
        self.launched(task)
        if task.stop is not None:
            self._clock.at(task.stop.asked_ns, lambda: self._lost(task))

    def _lost(self, task: SimulatedTask) -> None:
        """A task stops by itself: another takes its place, with growing waits when they never start."""
        if self._active.pop(task.arn, None) is None or task.stop is None:
            return
        started = task.time("started_ns", task.stop.asked_ns) is not None
        self.failed += 1
        self._failed_in_a_row = 0 if started else self._failed_in_a_row + 1
        if self._failed_in_a_row == MANY_FAILURES:
            self._say("is unable to consistently start tasks successfully.")
        doublings = min(self._failed_in_a_row, MOST_DOUBLINGS)
        delay = self._parameters.schedule_seconds if started else self._parameters.retry_seconds * 2**doublings
        self._launch_at(self._clock.now_ns + round(delay * NS_PER_SECOND))

    def _stop_surplus(self) -> None:
        now_ns = self._clock.now_ns
        reason = f"Scaling activity initiated by (deployment {self.deployment})"
        for task in list(self._active.values())[self.desired :]:
            del self._active[task.arn]
            killed_ns = self._draw.killed_ns(now_ns) if task.serves(now_ns) else now_ns
            task.stop = self._draw.stop(now_ns, killed_ns, "ServiceSchedulerInitiated", reason)

    def _unplaceable(self) -> int:
        return sum(failure.count for failure in self.failures(Kind.NO_CAPACITY))

    def _say(self, what: str) -> None:
        self.events.appendleft(ServiceEvent(self._clock.now_ns, f"(service {self.name}) {what}"))

    def _forgotten(self, task: SimulatedTask) -> bool:
        remembered_ns = round(self._parameters.remembered_seconds * NS_PER_SECOND)
        return task.stop is not None and task.stop.stopped_ns + remembered_ns < self._clock.now_ns


def _rank(task: SimulatedTask) -> float:
    return task.rank
