"""What all rounds on one stack share: AWS, time, the stack, and how long to wait between two polls."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from experiments.executors.fargate.aws import Aws, Clock
from infra.outputs import FargateOutput, StackOutputs
from kit.errors import StackError

GROWTH = 2.0
JITTER = 0.15
"""Waits vary by this share either way, so that many sweeps do not poll in step."""


@dataclass(frozen=True)
class Stage:
    """AWS and time as rounds see them, the stack, and how long a task may take to boot."""

    aws: Aws
    clock: Clock
    stack: FargateOutput
    timeout_seconds: float
    random: Random = field(default_factory=Random)

    def backoff(self, *, first: float, most: float) -> Backoff:
        """The waits of one series of polls."""
        return Backoff(self.random, first=first, most=most)


class Backoff:
    """A series of waits: ``first`` seconds, then each twice the last, up to ``most``, with jitter.

    A short round is seen soon, and a long one is not polled to death.
    """

    def __init__(self, random: Random, *, first: float, most: float) -> None:
        self._random = random
        self._next, self._most = first, most

    def seconds(self) -> float:
        """The next wait."""
        wait = min(self._next, self._most)
        self._next *= GROWTH
        return wait * self._random.uniform(1 - JITTER, 1 + JITTER)


def fargate_of(outputs: StackOutputs) -> FargateOutput:
    """The outputs that all treatments share; raises `StackError` for a stack of another target."""
    if outputs.fargate is None:
        raise StackError(f"The stack's target is {outputs.target}: it has no ECS services to run tasks in.")
    return outputs.fargate
