from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiments.executors import lab
from infra.settings.values import machine_platform
from kit.errors import MachineError
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
