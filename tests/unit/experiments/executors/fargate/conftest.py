"""A Fargate stack, a scripted simulation of ECS, and an executor on both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from experiments.executors.fargate.aws import Aws
from experiments.executors.fargate.executor import FargateExecutor
from experiments.executors.simulation.clock import SimulatedClock
from experiments.records.model import Round, RoundObservation
from infra.outputs import StackOutputs
from tests.contracts.fargate import fargate_outputs
from tests.support.scripted import ScriptedEcs

Observe = Callable[..., RoundObservation]
TIMEOUT_SECONDS = 300.0


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))


@pytest.fixture
def outputs() -> StackOutputs:
    """One variant, plain and soci-v2."""
    return fargate_outputs()


@pytest.fixture
def clock() -> SimulatedClock:
    """Time that only moves when somebody waits."""
    return SimulatedClock()


def round_of(task_count: int = 3, form: str = "soci-v2", index: int = 0) -> Round:
    """A round of the movie."""
    return Round(block=0, index=index, variant="movie", form=form, task_count=task_count)


def executor_on(
    ecs: Aws, outputs: StackOutputs, clock: SimulatedClock, timeout: float = TIMEOUT_SECONDS
) -> FargateExecutor:
    """The executor under test."""
    return FargateExecutor(outputs, aws=ecs, clock=clock, timeout_seconds=timeout, random=Random(1))


@pytest.fixture
def observe(outputs: StackOutputs) -> Observe:
    """Run one round on an ECS, and check that nothing is left running."""

    def run(ecs: ScriptedEcs, round_: Round | None = None, timeout: float = TIMEOUT_SECONDS) -> RoundObservation:
        with executor_on(ecs, outputs, ecs.clock, timeout) as executor:
            observation = executor.run_round(round_ or round_of(), lambda _phase: None)
        assert ecs.running() == 0
        return observation

    return run
