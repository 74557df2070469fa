from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from experiments.executors import lab
from experiments.executors.choose import open_executor
from experiments.executors.protocol import Executor
from experiments.plan.presets import PRESETS
from infra.lab.profiles import DEFAULT_PROFILE
from infra.settings.values import machine_platform
from kit.errors import MachineError, StoreError
from tests.contracts.outputs import stack_outputs


def test_a_task_with_more_vcpus_than_the_machine_has_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lab, "require_lab", lambda: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    changes = {"registry_storage": str(tmp_path), "platform": machine_platform()}
    outputs = stack_outputs().model_copy(update=changes)
    executor = lab.LabExecutor(outputs, profile="unshaped(vcpu=2)", timeout_seconds=1)
    with pytest.raises(MachineError, match="2 vCPU, this machine has 1"):
        executor.check([])


def test_a_second_sweep_in_this_machine_s_lab_is_refused_and_the_first_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever stack and store it has: the two would measure each other."""
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    outputs = stack_outputs().model_copy(update={"target": "lab", "registry_storage": str(tmp_path)})

    def opened() -> AbstractContextManager[Executor]:
        return open_executor(outputs, profile=DEFAULT_PROFILE, timeout_seconds=1, design=PRESETS["default"].design)

    in_use = rf"This machine's lab is in use by process {os.getpid()} since"
    with opened(), pytest.raises(StoreError, match=in_use), opened():
        pass
    with opened():
        pass
