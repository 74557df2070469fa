from __future__ import annotations

import pytest

from sociometer.experiments.executor import Executor
from sociometer.infra.outputs import StackOutputs
from tests.contracts.executor import ExecutorContract
from tests.contracts.fargate import fargate_outputs
from tests.support.fake_ecs import FakeClock, FakeEcs
from tests.unit.experiments.fargate.conftest import executor_on


class TestFargateKeepsTheExecutorContract(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls) -> StackOutputs:
        return fargate_outputs()

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, outputs: StackOutputs) -> Executor:
        clock = FakeClock()
        return executor_on(FakeEcs(outputs, clock), outputs, clock)
