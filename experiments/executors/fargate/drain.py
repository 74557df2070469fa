"""Brings a service to no task and proves it: desired count 0, nothing listed as running, every known task stopped."""

from __future__ import annotations

from experiments.executors.fargate.aws import TASKS_PER_CALL
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.poll import Backoff
from experiments.executors.fargate.service import Service
from experiments.executors.fargate.stage import Stage
from experiments.executors.fargate.tasks import TaskFacts
from kit.errors import AwsError
from kit.values import Notify

DRAIN_SECONDS = 600.0
DRAIN_SECONDS_PER_TASK = 0.2
"""A task is taken from its load balancer (10 s), asked to end (30 s at most) and unplugged; ECS does a few at once."""
FIRST_WAIT_SECONDS = 4.0
MOST_WAIT_SECONDS = 15.0


def drain(service: Service, tasks: dict[str, TaskFacts], stage: Stage, time: AwsTime, say: Notify) -> None:
    """Scale to 0 and wait until none of the service's tasks is left; ``tasks`` gains those that were not known.

    Raises `AwsError`, of the kind that AWS gave or when it takes too long, that says how to stop what is left.
    """
    try:
        service.scale(0)
        _Drain(service, tasks, stage, time, say).wait()
        service.emptied(tasks.values())
    except AwsError as error:
        raise type(error)(
            f"{error} Tasks of {service.name} may still run and cost money: `sociometer clean` stops them."
        ) from error


class _Drain:
    def __init__(self, service: Service, tasks: dict[str, TaskFacts], stage: Stage, time: AwsTime, say: Notify) -> None:
        self._time = time
        self._service, self._tasks, self._clock, self._say = service, tasks, stage.clock, say
        self._backoff = Backoff(stage.random, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS)
        self._seconds = DRAIN_SECONDS + DRAIN_SECONDS_PER_TASK * len(tasks)
        self._deadline = self._clock.monotonic() + self._seconds

    def wait(self) -> None:
        """Look at the cheapest sign first: the list of what runs, then the known tasks, then those not known yet."""
        for task in self._tasks.values():
            task.missing = None  # asked anew
        self._clock.sleep(self._backoff.seconds())
        while running := self._service.some_running(self._time):
            self._add(running)
            self._again(f"{len(running)} or more are listed as running")
        self._clock.sleep(self._backoff.seconds())
        self._wait_stopped()
        if strangers := self._service.listed("STOPPED", self._time) - self._tasks.keys():
            self._add(strangers)
            self._wait_stopped()

    def _wait_stopped(self) -> None:
        """A hundred are asked first: while one of them runs, there is no need to ask for the others."""
        while left := self._left():
            some = left[:TASKS_PER_CALL]
            self._service.learn(some, self._time)
            if all(_gone(task) for task in some):
                self._service.learn(left[TASKS_PER_CALL:], self._time)
            if left := self._left():
                self._again(f"{len(left)} have not stopped")

    def _left(self) -> list[TaskFacts]:
        return [task for task in self._tasks.values() if not _gone(task)]

    def _add(self, arns: set[str]) -> None:
        for arn in arns - self._tasks.keys():
            self._tasks[arn] = TaskFacts(arn)

    def _again(self, left: str) -> None:
        self._say(f"clearing: {left}")
        if self._clock.monotonic() > self._deadline:
            raise AwsError(f"The service was scaled to 0, but {left} after {self._seconds:.0f} s.")
        self._clock.sleep(self._backoff.seconds())


def _gone(task: TaskFacts) -> bool:
    """Whether it has stopped, or ECS has forgotten it already."""
    return task.stopped or task.missing is not None
