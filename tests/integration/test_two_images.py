"""Images next to each other in one real sweep: the slower one is caught by the gate, and an equal one passes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.compare import gate
from experiments.compare.versus import Versus
from experiments.executors.lab import LabExecutor
from experiments.plan.control import Control
from experiments.report.formats import Report, read
from experiments.store.store import Store
from experiments.sweep import start
from infra.automation import stack
from infra.lab.profiles import PROFILES
from infra.outputs import StackOutputs
from sociometer.cli.gating import within_one
from sociometer.loading import load
from tests.contracts.plans import small_plan
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.traced import busybox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SECONDS = {"before": 0.1, "equal": 0.1, "slower": 4.0}
"""How long each image works before it is done; a slow machine must not hide the difference."""
LIMIT = 0.05
Judged = tuple[Report, Versus]


@pytest.fixture(scope="module")
def outputs(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackOutputs]:
    folder, program, images = tmp_path_factory.mktemp("images"), busybox(), {}
    for name, seconds in SECONDS.items():
        layer = gzip_layer(Tar().folder("bin").file("bin/busybox", program, 0o755).file(name, b""))
        made = image([layer], config={"Cmd": ["/bin/busybox", "sleep", str(seconds)]})
        images[name] = {"image": f"oci:{made.write(folder / name)}", "ready": "exit:0"}
    name = f"test-two-{os.getpid()}"
    try:
        yield stack.up(name, {"variants": [], "forms": ["plain"], "images": images}, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)


@pytest.fixture(scope="module")
def judged(outputs: StackOutputs, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    plan = small_plan(
        variants=tuple(SECONDS), forms=("plain",), task_counts=(1,), blocks=3, control=Control(variant="before")
    )
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with Store(path, write=True) as store:
        lab = LabExecutor(outputs, profile=PROFILES["fargate-256-512"].name, timeout_seconds=60)
        done = start(store, lab, plan, "two", outputs, lambda _: None)
        report = read(store, done)
    return report, within_one(load(done.id, path), LIMIT)


def test_rounds_of_the_images_stand_next_to_each_other(judged: Judged, outputs: StackOutputs) -> None:
    assert set(outputs.variants) == set(SECONDS)
    compared = judged[0].contents.analysis.comparisons
    assert {(each.variant, each.control_variant, each.form, each.control) for each in compared} == {
        (name, "before", "plain", "plain") for name in ("equal", "slower")
    }
    assert {each.blocks for each in compared} == {3}


def test_a_slower_image_is_caught_and_an_equal_one_passes(judged: Judged) -> None:
    report, compared = judged
    found = gate.judge(compared, LIMIT)
    assert found.fails
    [slower] = found.slower
    assert slower.startswith("boot of slower plain with 1 task against before +")
    assert found.lost == found.fewer == ()
    equal = compared.model_copy(update={"changes": [each for each in compared.changes if each.variant == "equal"]})
    assert not gate.judge(equal, LIMIT).fails
    assert gate.reach(equal).startswith("Such a sweep catches a slow-down of ")
    headline = report.contents.analysis.headline
    assert "slower against before: boots 3." in headline or "slower against before: boots 4." in headline
    assert "equal against before: boots" not in headline
