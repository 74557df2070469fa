"""What all rounds on one stack share."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from experiments.executors.fargate.aws import Aws, Clock
from infra.outputs import FargateOutput, StackOutputs
from kit.errors import StackError


@dataclass(frozen=True)
class Stage:
    """AWS and time as rounds see them, the stack, and how long a task may take to boot."""

    aws: Aws
    clock: Clock
    stack: FargateOutput
    timeout_seconds: float
    random: Random = field(default_factory=Random)


def fargate_of(outputs: StackOutputs) -> FargateOutput:
    """What the treatments share; raises `StackError` for a stack of another target."""
    if outputs.fargate is None:
        raise StackError(f"The stack's target is {outputs.target}: it has no ECS services to run tasks in.")
    return outputs.fargate
