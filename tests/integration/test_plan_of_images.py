"""What own images weigh, take and cost before anything exists: by the manifests in a real registry."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.forecast.costs import BYTES_PER_GB, HOURS_PER_MONTH
from experiments.forecast.duration import FARGATE_PULL_SECONDS_PER_BYTE, UNPACK_SECONDS_PER_BYTE
from experiments.forecast.prices import of_region
from experiments.plan.plan import Payload
from experiments.records.model import Round
from infra.settings.values import machine_platform
from sociometer.cli.options import Changes
from sociometer.cli.target_kinds import Fargate
from sociometer.cli.targets import Forecast
from tests.support.images import MIB, SourceImage, push_image
from tests.support.registry import TestRegistry, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
REGION = "eu-west-2"
SIZES = {"small": 12 * MIB, "large": 200 * MIB}
GIGABIT = 1e9
"""The rate of the lab's default profile."""


@pytest.fixture(scope="module")
def there() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def pushed(there: TestRegistry) -> dict[str, SourceImage]:
    architecture = machine_platform().partition("/")[2]
    return {
        name: push_image(f"{there.host}/{name}", [size // 2, size // 2], architecture=architecture)
        for name, size in SIZES.items()
    }


@pytest.fixture(scope="module")
def layer_bytes(there: TestRegistry, pushed: dict[str, SourceImage]) -> dict[str, int]:
    """What lies in the registry's own folder."""
    return {
        name: sum(there.blob_path(layer).stat().st_size for layer in image.layers) for name, image in pushed.items()
    }


def planned(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("sociometer"), "plan", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def references(pushed: dict[str, SourceImage]) -> list[str]:
    return [word for name, image in pushed.items() for word in ("--image", f"{name}={image.reference}")]


def test_in_the_lab_each_image_is_planned_at_its_own_size(
    own_data: Path, tmp_path: Path, pushed: dict[str, SourceImage], layer_bytes: dict[str, int]
) -> None:
    done = planned(tmp_path, *references(pushed), "--counts", "1", "--blocks", "1", "--json")
    assert done.returncode == 0, done.stderr
    plan: dict[str, Any] = json.loads(done.stdout)
    for name, image in pushed.items():
        found = plan["images"][name]
        assert (found["digest"], found["layer_bytes"], found["exact"]) == (image.digest, layer_bytes[name], True)
    plain = {round_["variant"]: round_ for round_ in plan["rounds"] if round_["form"] == "plain"}
    more = layer_bytes["large"] - layer_bytes["small"]
    difference = plain["large"]["least_seconds"] - plain["small"]["least_seconds"]
    assert difference == pytest.approx(more * (8 / GIGABIT + UNPACK_SECONDS_PER_BYTE), abs=0.11)  # two roundings
    assert difference > 1.5


def forecast(name: str, image: SourceImage, folder: Path) -> Forecast:
    """Of one block of one task each, plain and soci-v2, on Fargate."""
    target = Fargate(f"of-{name}", "fargate")
    settings: dict[str, object] = {
        "variants": [],
        "images": {name: {"image": image.reference, "bootReport": True}},
        "platform": machine_platform(),
        "region": REGION,
    }
    plan = target.plan_to_make(Changes(None, None, "1", 1, None), settings)
    return target.forecast(plan, folder / "none.sqlite", None, settings)


def test_on_fargate_each_image_is_timed_stored_and_moved_at_its_own_size(
    own_data: Path, tmp_path: Path, pushed: dict[str, SourceImage], layer_bytes: dict[str, int]
) -> None:
    prices = of_region(REGION)
    assert prices is not None
    pulls: dict[str, float] = {}
    for name, image in pushed.items():
        found = forecast(name, image, tmp_path)
        assert found.bill is not None
        assert found.bill.estimate is not None
        parts = {part.name: part for part in found.bill.estimate.parts}
        stored = 3 * layer_bytes[name] / BYTES_PER_GB
        assert parts["images in ECR"].usd == pytest.approx(stored / HOURS_PER_MONTH * prices.ecr_gb_month.usd)
        tasks = 2 * layer_bytes[name] / BYTES_PER_GB
        assert parts["image transfer"].quantity == f"{stored:.2f} GB into ECR, at most {tasks:.2f} GB to the tasks"
        plain = Round(block=0, index=0, variant=name, form="plain", task_count=1)
        pulls[name] = found.model.least().seconds(plain, Payload())
    more = layer_bytes["large"] - layer_bytes["small"]
    assert pulls["large"] - pulls["small"] == pytest.approx(more * FARGATE_PULL_SECONDS_PER_BYTE)


def test_a_registry_that_does_not_answer_ends_a_plan_with_one_line(own_data: Path, tmp_path: Path) -> None:
    with registry() as gone:
        host = gone.host
    done = planned(tmp_path, "--image", f"{host}/web:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: The registry does not answer: ")
    assert done.stderr.count("\n") == 1
