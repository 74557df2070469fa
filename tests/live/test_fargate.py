"""A tiny sweep on a real account; see README.md."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.fargate.boto import Boto
from experiments.executors.fargate.executor import FargateExecutor
from experiments.executors.fargate.orphans import describe
from experiments.executors.fargate.stage import fargate_of
from experiments.plan.plan import Design, make_plan
from experiments.plan.presets import PRESETS
from experiments.records.model import Outcome, RoundStatus
from experiments.records.phases import durations
from experiments.store.store import Store
from experiments.sweep import start
from infra.automation import stack as stacks
from infra.forms import is_lazy
from infra.outputs import StackOutputs

pytestmark = [pytest.mark.live, pytest.mark.timeout(3600)]

TIMEOUT_SECONDS = 600.0
STACK = "SOCIOMETER_LIVE_STACK"
FORMS = ("plain", "soci-v2")


@pytest.fixture(scope="module")
def stack() -> str:
    """The stack to measure on, named by whoever asks for a live run."""
    if STACK not in os.environ:
        pytest.fail(f"{STACK} names no stack; tests/live/README.md says how to run this.")
    return os.environ[STACK]


@pytest.fixture(scope="module")
def outputs(stack: str) -> StackOutputs:
    """What the stack exports."""
    return stacks.outputs(stack)


@pytest.fixture(scope="module")
def aws(outputs: StackOutputs) -> Iterator[Boto]:
    """The real thing."""
    with Boto(fargate_of(outputs).region) as opened:
        yield opened


def test_a_tiny_sweep_measures_every_treatment_and_leaves_nothing_running(
    stack: str, outputs: StackOutputs, aws: Boto, tmp_path: Path
) -> None:
    variants = tuple(outputs.variants)
    tiny = {"name": "live", "variants": variants, "forms": FORMS, "task_counts": (1,), "blocks": 1}
    plan = make_plan(Design.model_validate({**PRESETS["default"].design.model_dump(), **tiny}))
    executor = FargateExecutor(outputs, aws=aws, clock=time, timeout_seconds=TIMEOUT_SECONDS)
    with Store(tmp_path / "store.sqlite", write=True) as store:
        done = start(store, executor, plan, stack, outputs, lambda progress: print(progress.round, progress.phase))
        records = store.rounds(done.id)
    assert {record.status for record in records} == {RoundStatus.COMPLETE}
    for record in records:
        for task in record.observation.tasks:
            assert task.outcome is Outcome.BOOTED, task.reason
            assert (task.snapshotter == "soci") == is_lazy(record.round.form)
            assert None not in durations(task).model_dump().values()
    fargate = fargate_of(outputs)
    names = [t.service.name for v in outputs.variants.values() for t in v.treatments.values() if t.service]
    services = describe(aws, fargate, names)
    assert {(s["desiredCount"], s["runningCount"], s["pendingCount"]) for s in services.values()} == {(0, 0, 0)}
