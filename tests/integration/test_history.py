"""The history of an image whose second release sleeps longer before it ends: real sweeps in the lab, in two stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.executors.lab import LabExecutor
from experiments.store.store import Store
from experiments.sweep import start
from infra.automation import stack
from infra.lab.profiles import PROFILES
from kit.errors import SlowerError
from sociometer.cli import main
from tests.contracts.plans import small_plan
from tests.support.field_images import Tar, gzip_layer, image
from tests.support.traced import busybox

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SWEEPS = 4
SLEEPS = {"1.7": 0.1, "1.8": 3.0}
"""Seconds by release: a difference that no noise of a busy machine hides in four sweeps on each side."""


@pytest.fixture(scope="module")
def stores(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """A store per release, whose sweeps ran on one stack that was brought from one release to the next."""
    room, name = tmp_path_factory.mktemp("history"), f"test-history-{os.getpid()}"
    places = []
    try:
        for release, seconds in SLEEPS.items():
            layer = gzip_layer(Tar().folder("bin").file("bin/busybox", busybox(), 0o755))
            made = image([layer], config={"Cmd": ["/bin/busybox", "sleep", str(seconds)]})
            own = {"web": {"image": f"oci:{made.write(room / release, release)}:{release}", "ready": "exit:0"}}
            outputs = stack.up(name, {"variants": [], "forms": ["plain"], "images": own}, lambda _line: None)
            lab = LabExecutor(outputs, profile=PROFILES["fargate-256-512"].name, timeout_seconds=60)
            places.append(room / f"{release}.sqlite")
            plan = small_plan(variants=("web",), forms=("plain",), task_counts=(1,), blocks=1)
            with Store(places[-1], write=True) as store:
                for _ in range(SWEEPS):
                    start(store, lab, plan, name, outputs, lambda _: None)
        yield places
    finally:
        stack.down(name, lambda _line: None)


def history(stores: list[Path], *words: str) -> Result:
    places = [word for place in stores for word in ("--store", str(place))]
    return CliRunner().invoke(main.app, ["history", "web", *places, *words])


def test_the_release_that_starts_later_is_named_by_its_tag(stores: list[Path]) -> None:
    said = history(stores)
    assert said.exit_code == 0, said.output
    assert "slower since release 1.8 (sha256:" in said.stdout
    assert "break" not in said.stdout, "nothing but the image changed"


def test_the_gate_fails_on_it_and_not_on_the_release_before(stores: list[Path]) -> None:
    assert isinstance(history(stores, "--fail-if-slower", "5%").exception, SlowerError)
    assert history(stores, "--fail-if-slower", "5%", "--accept", "1.8").exit_code == 0
    before = history(stores[:1], "--fail-if-slower", "5%")
    assert before.exit_code == 0
    assert "too few sweeps to tell, 4 more needed" in before.stderr
