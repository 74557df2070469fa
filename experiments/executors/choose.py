"""Picks the executor for a stack's target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from experiments.executors.fargate.stage import fargate_of
from experiments.executors.protocol import Executor
from experiments.plan.plan import Design
from infra.outputs import StackOutputs
from infra.settings.model import FARGATE_PLATFORM
from kit.errors import SettingsError

if TYPE_CHECKING:
    from experiments.executors.simulation import Parameters

_PARAMETER = "parameter."
"""How a simulation's executor names its parameters in the key metadata."""


@contextmanager
def open_executor(
    outputs: StackOutputs,
    *,
    profile: str,
    timeout_seconds: float,
    design: Design,
    parameters: Mapping[str, object] | None = None,
) -> Iterator[Executor]:
    """The executor for a stack's target, not entered; its network connections are closed at the end.

    A task that has not booted after ``timeout_seconds`` gets that outcome. ``profile`` is for the lab, ``design`` and
    ``parameters`` are for the simulation. Imports are local so that no target waits for the libraries of another.
    """
    if outputs.target == "lab":
        from experiments.executors.lab import LabExecutor
        from infra.lab.alone import alone_in_the_lab

        with alone_in_the_lab():
            yield LabExecutor(outputs, profile=profile, timeout_seconds=timeout_seconds)
    elif outputs.target == "sim":
        from experiments.executors import simulation

        simulated = simulated_parameters(design, parameters or {})
        yield simulation.SimulatedExecutor(outputs, simulated, seed=design.seed, timeout_seconds=timeout_seconds)
    else:
        from experiments.executors.fargate.boto import Boto
        from experiments.executors.fargate.executor import FargateExecutor

        with Boto(fargate_of(outputs).region) as aws:
            yield FargateExecutor(outputs, aws=aws, clock=time, timeout_seconds=timeout_seconds)


def simulated_outputs(design: Design) -> StackOutputs:
    """The outputs of the simulated stack of a design."""
    from experiments.executors import simulation

    return simulation.outputs(design, FARGATE_PLATFORM)


def simulated_parameters(design: Design, changes: Mapping[str, object]) -> Parameters:
    """A simulation's parameters for a design, with some changed, each as a number or numbers (``launches=100/20``).

    Raises `SettingsError` for an unknown parameter or an invalid value.
    """
    from experiments.executors import simulation

    base = simulation.parameters(design).model_dump()
    for name in changes:
        if name not in base or name == "workloads":
            allowed = ", ".join(key for key in base if key != "workloads")
            raise SettingsError(f"The simulation has no parameter {name!r}. Allowed: {allowed}.")
    try:
        return simulation.Parameters.model_validate({**base, **{name: _numbers(changes[name]) for name in changes}})
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        raise SettingsError(f"The simulation's {name} cannot be {changes[name]!r}: {fault['msg']}.") from error


def parameters_of(key_metadata: Mapping[str, str]) -> dict[str, object]:
    """The parameters that a sweep was simulated with, as changes for `simulated_parameters`."""
    named = {key.removeprefix(_PARAMETER): value for key, value in key_metadata.items() if key.startswith(_PARAMETER)}
    return {name: value for name, value in named.items() if "." not in name}


def _numbers(value: object) -> object:
    """Numbers separated by slashes are a tuple."""
    return tuple(value.split("/")) if isinstance(value, str) and "/" in value else value


@contextmanager
def unused(outputs: StackOutputs) -> Iterator[None]:
    """Claim a Fargate stack against sweeps of any machine; raises `StoreError` that names the one that uses it."""
    from experiments.executors.fargate.boto import Boto
    from experiments.executors.fargate.orphans import claimed

    with Boto(fargate_of(outputs).region) as aws, claimed(outputs, aws, time):
        yield


def clear_services(outputs: StackOutputs) -> list[str]:
    """Scale every service of a Fargate stack to 0 tasks and verify it; returns what was cleared, in words."""
    from experiments.executors.fargate.boto import Boto
    from experiments.executors.fargate.orphans import clear_orphans

    with Boto(fargate_of(outputs).region) as aws:
        return clear_orphans(outputs, aws, time)
