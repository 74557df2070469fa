"""Where the tasks of a stack can run: picks the executor for its target."""

from __future__ import annotations

from collections.abc import Mapping

from sociometer.experiments.executor import Executor, Notify
from sociometer.experiments.plan import Design
from sociometer.infra.outputs import StackOutputs


def open_executor(
    outputs: StackOutputs,
    *,
    profile: str,
    timeout_seconds: float,
    seed: int = 1,
    parameters: Mapping[str, object] | None = None,
) -> Executor:
    """The executor for a stack's target; a task that has not booted after ``timeout_seconds`` gets that outcome.

    ``profile`` is the lab's; ``seed`` and ``parameters`` are those of a simulation. The imports are here because what
    one target needs (network libraries, boto3) the others should not wait for.
    """
    if outputs.target == "lab":
        from sociometer.experiments.lab_tasks import LabExecutor

        return LabExecutor(outputs, profile=profile, timeout_seconds=timeout_seconds)
    if outputs.target == "sim":
        from sociometer.experiments import simulation

        return simulation.open_executor(outputs, simulation.parameters(parameters or {}), seed, timeout_seconds)
    from sociometer.experiments.fargate.boto import open_aws
    from sociometer.experiments.fargate.executor import FargateExecutor

    return FargateExecutor(outputs, aws=open_aws(outputs), timeout_seconds=timeout_seconds)


def simulated_outputs(design: Design) -> StackOutputs:
    """What stands for a stack in a simulation of a design."""
    from sociometer.experiments import simulation

    return simulation.outputs(design)


def clear_services(outputs: StackOutputs, notify: Notify) -> list[str]:
    """Scale every service of a Fargate stack to 0 tasks and verify it; gives what was found running, a line each."""
    from sociometer.experiments.fargate.boto import open_aws
    from sociometer.experiments.fargate.orphans import clear_orphans

    return clear_orphans(outputs, open_aws(outputs), notify)
