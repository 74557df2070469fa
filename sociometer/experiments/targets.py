"""Where the tasks of a stack can run: picks the executor for its target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sociometer.experiments.executor import Executor
from sociometer.experiments.fargate.stage import fargate_of
from sociometer.experiments.plan import Design
from sociometer.infra.outputs import StackOutputs


@contextmanager
def open_executor(
    outputs: StackOutputs,
    *,
    profile: str,
    timeout_seconds: float,
    seed: int = 1,
    parameters: Mapping[str, object] | None = None,
) -> Iterator[Executor]:
    """The executor for a stack's target, not entered; what it needs of the network is closed at the end.

    A task that has not booted after ``timeout_seconds`` gets that outcome. ``profile`` is the lab's; ``seed`` and
    ``parameters`` are those of a simulation. The imports are here because what one target needs (network libraries,
    boto3) the others should not wait for.
    """
    if outputs.target == "lab":
        from sociometer.experiments.lab_tasks import LabExecutor

        yield LabExecutor(outputs, profile=profile, timeout_seconds=timeout_seconds)
    elif outputs.target == "sim":
        from sociometer.experiments import simulation

        yield simulation.open_executor(outputs, simulation.parameters(parameters or {}), seed, timeout_seconds)
    else:
        from sociometer.experiments.fargate.boto import Boto
        from sociometer.experiments.fargate.clocks import SystemClock
        from sociometer.experiments.fargate.executor import FargateExecutor

        with Boto(fargate_of(outputs).region) as aws:
            yield FargateExecutor(outputs, aws=aws, clock=SystemClock(), timeout_seconds=timeout_seconds)


def simulated_outputs(design: Design) -> StackOutputs:
    """What stands for a stack in a simulation of a design."""
    from sociometer.experiments import simulation

    return simulation.outputs(design)


def clear_services(outputs: StackOutputs) -> list[str]:
    """Scale every service of a Fargate stack to 0 tasks and verify it; gives what was cleared, in words."""
    from sociometer.experiments.fargate.boto import Boto
    from sociometer.experiments.fargate.clocks import SystemClock
    from sociometer.experiments.fargate.orphans import clear_orphans

    with Boto(fargate_of(outputs).region) as aws:
        return clear_orphans(outputs, aws, SystemClock())
