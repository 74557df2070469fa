"""A real container that needs more memory than its profile has is never a measurement, and the limit is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Round, TaskObservation
from infra.automation import stack
from infra.lab.profiles import PROFILES
from infra.outputs import StackOutputs
from tests.integration.test_lab import silent
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.leftovers import left_on_the_machine
from tests.support.traced import python_root

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
PROFILE = PROFILES["fargate-256-512"]
GREEDY = f"bytearray(b'x') * {2 * (PROFILE.memory_bytes or 0)}"
PROGRAMS = {
    "itself": GREEDY,
    "child": f"import subprocess, sys; subprocess.run([sys.executable, '-c', {GREEDY!r}])",
    "modest": "bytearray(b'x') * 1000",
}


@pytest.fixture(scope="module")
def outputs(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackOutputs]:
    name, folder = f"test-memory-{os.getpid()}", tmp_path_factory.mktemp("memory")
    root, own = python_root(), {}
    for which, program in PROGRAMS.items():
        layer = gzip_layer(Tar().file("main.py", program.encode()))
        made = image([root, layer], config={"Cmd": ["/usr/bin/python3", "/main.py"]}).write(folder / which)
        own[which] = {"image": f"oci:{made}", "ready": "exit:0"}
    try:
        yield stack.up(name, {"variants": [], "forms": ["plain"], "images": own}, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)


@pytest.fixture(scope="module")
def lab(outputs: StackOutputs) -> Iterator[LabExecutor]:
    with LabExecutor(outputs, profile=PROFILE.name, timeout_seconds=60) as executor:
        yield executor
    assert left_on_the_machine() == []


def task_of(lab: LabExecutor, variant: str) -> TaskObservation:
    [task] = lab.run_round(Round(block=0, index=0, variant=variant, form="plain", task_count=1), silent).tasks
    return task


def test_a_container_that_runs_out_of_memory_is_stopped_with_its_limit_and_the_next_boots(lab: LabExecutor) -> None:
    task = task_of(lab, "itself")
    assert task.outcome is Outcome.STOPPED
    assert "The container ran out of memory (limit 512 MiB) and ended with exit code 137" in (task.reason or "")
    assert task_of(lab, "modest").outcome is Outcome.BOOTED


def test_a_task_of_which_a_process_ran_out_of_memory_is_stopped_though_it_was_ready(lab: LabExecutor) -> None:
    task = task_of(lab, "child")
    assert task.outcome is Outcome.STOPPED
    assert task.reason == "A process of the container ran out of memory (limit 512 MiB); it booted all the same."
