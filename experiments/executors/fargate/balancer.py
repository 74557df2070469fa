"""Asks the load balancer for boot reports: when did each task first answer, and does it tell what it logged?

The load balancer picks the task that answers. Until the first answer the waits between requests grow with the time
that has passed, which keeps the error of a first answer below `RESOLUTION` of it; then requests come in bursts, until
all tasks have been met. All requests of a round are bounded (`calls.most_gets`).
"""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import dataclass

from experiments.executors.fargate import calls
from experiments.executors.fargate.aws import Aws, Clock
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.reports import Report, named_task, read
from infra import boot_report
from infra.outputs import FargateOutput, ServiceOutput

OK = 200
RESOLUTION = 0.02
LEAST_SECONDS = 0.25
MOST_SECONDS = 2.0
"""Waits between requests are `RESOLUTION` of the time since the round began, within these limits."""
BURST = 10
"""The most requests at a time."""
EXTRA_ANSWERS = 100
"""How many more tasks than the round has are remembered at most: which of them are its own is known only later."""


@dataclass(slots=True, frozen=True)
class Answered:
    """A task's first answer: when it came (this machine's clock, ns) and the report, or what is wrong with it."""

    local_ns: int
    report: Report | str


class Balancer:
    """The load balancer in front of one treatment during one round; ``strangers`` are tasks of earlier rounds."""

    def __init__(
        self,
        aws: Aws,
        clock: Clock,
        stack: FargateOutput,
        service: ServiceOutput,
        task_count: int,
        strangers: Container[str],
    ) -> None:
        self._aws, self._clock, self._strangers = aws, clock, strangers
        self._url, self._header = f"{(stack.load_balancer or '').rstrip('/')}{boot_report.PATH}", service.header
        self._task_count = task_count
        # Tasks that the load balancer does not know are seen by their probes.
        self._left = calls.most_gets(task_count) if service.target_group else 0
        self._began = self._next = clock.monotonic()
        self._round_arns: Container[str] | None = None
        self.answered: dict[str, Answered] = {}
        self.gets = self.in_vain = 0
        self.reachable = False

    def only(self, arns: Collection[str]) -> None:
        """The round's own tasks are known now: answers of others do not count."""
        self._round_arns = arns
        for arn in self.answered.keys() - set(arns):
            del self.answered[arn]
            self.in_vain += 1

    @property
    def met_all(self) -> bool:
        """Whether as many tasks have answered as the round has."""
        return len(self.answered) >= self._task_count

    @property
    def active(self) -> bool:
        """Whether asking makes sense: tasks are left to meet, and requests to meet them with."""
        return self._left > 0 and not self.met_all

    @property
    def telling(self) -> bool:
        """Whether it can be expected to tell when every task has booted."""
        return self.reachable and self.active

    def wait(self, seconds: float, time: AwsTime) -> None:
        """Wait, and ask meanwhile; returns early when the last task has just been met."""
        until = self._clock.monotonic() + seconds
        asked = self.active
        while (now := self._clock.monotonic()) < until and not (asked and self.met_all):
            if self.active and now >= self._next:
                self._ask(time)
                self._next = self._clock.monotonic() + self._interval()
            else:
                self._clock.sleep(min(until, self._next if self.active else until) - now)

    def _interval(self) -> float:
        if self.answered:
            return LEAST_SECONDS
        passed = self._clock.monotonic() - self._began
        return min(max(passed * RESOLUTION, LEAST_SECONDS), MOST_SECONDS)

    def _ask(self, time: AwsTime) -> None:
        """One request before the first answer, then a burst that ends with the first answer that is not a report."""
        for _ in range(min(self._task_count - len(self.answered), BURST) if self.answered else 1):
            if not self.active or not self._ask_once(time):
                return

    def _ask_once(self, time: AwsTime) -> bool:
        """Send one request; returns whether a report came back."""
        self._left -= 1
        self.gets += 1
        answer = self._aws.get(self._url, self._header)
        self.reachable = self.reachable or answer.status != 0
        arn = named_task(answer.body) if answer.status == OK else None
        if arn is None or arn in self._strangers or (self._round_arns is not None and arn not in self._round_arns):
            self.in_vain += 1
            return False
        if arn not in self.answered and len(self.answered) < self._task_count + EXTRA_ANSWERS:
            self.answered[arn] = Answered(time.now_ns(), read(answer.body, arn))
        return True
