"""An unchanged image on Fargate, from one command to an empty account: the probe beside it tells all that is measured.

Real and stand-ins are those of `test_fargate_run`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.records.model import Outcome
from experiments.store.store import LATEST, Store
from tests.support.aws.command import sociometer
from tests.support.aws.inventory import inventory
from tests.support.aws.sent import actions
from tests.support.aws.world import World, whole_world
from tests.support.images import MIB, push_image
from tests.support.permissions import in_the_table

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
SNAPSHOTTERS = {"plain": "overlayfs", "soci-v2": "soci"}
FORMS = ("--forms", ",".join(SNAPSHOTTERS))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with whole_world(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def image(world: World) -> str:
    return push_image(f"{world.registry.host}/team/web", [12 * MIB, MIB], architecture="arm64").reference


def test_one_command_measures_it_and_leaves_nothing(world: World, image: str, tmp_path: Path) -> None:
    """Two of them: one is ready when its port opens, the other when it logs a line."""
    before, store = inventory(world.aws), tmp_path / "store.sqlite"
    images = {"web": {"image": image, "ready": "tcp:8080"}, "lines": {"image": image, "ready": "log:^serving$"}}
    places = ("--stack", f"test-unchanged-{os.getpid()}", "--store", str(store), "--results", str(tmp_path / "results"))
    given = ("--set", "variants=[]", "--set", f"images={json.dumps(images)}", *FORMS)
    done = sociometer(
        "run", "--target", "fargate", *places, *given, "--counts", "2", "--blocks", "1", "--yes", "--destroy"
    )
    assert inventory(world.aws) == before
    assert "lets nobody in" not in done.stderr, "there is no load balancer to reach"
    with Store(store) as opened:
        records = opened.rounds(opened.sweep(LATEST).id)
    seen = {(record.round.variant, record.round.form): record.observation for record in records}
    assert seen.keys() == {(variant, form) for variant in images for form in SNAPSHOTTERS}
    for (_, form), observation in seen.items():
        assert len(observation.tasks) == 2 and observation.requests.balancer_gets == 0
        for task in observation.tasks:
            assert (task.outcome, task.snapshotter) == (Outcome.BOOTED, SNAPSHOTTERS[form])
            assert task.times.ready_ns is not None and task.times.ready_ns == task.times.boot_finished_ns
    assert actions(world.sent) - in_the_table() == set()


def test_a_job_that_ends_is_measured_by_its_end(world: World, image: str) -> None:
    stack = ("--target", "fargate", "--stack", f"test-job-{os.getpid()}")
    try:
        job = json.dumps({"job": {"image": image, "ready": "exit:0"}})
        made = sociometer("up", *stack, "--set", "variants=[]", "--set", f"images={job}", *FORMS, "--yes", "--json")
        outputs = json.loads(made.stdout)
        assert outputs["variants"]["job"]["ready"] == "exit:0"
        definition = outputs["variants"]["job"]["treatments"]["soci-v2"]["service"]["task_definition"]
        ecs = world.aws.client("ecs")
        found = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
        assert {one["name"]: one["essential"] for one in found} == {"workload": False, "sociometer-probe": True}
    finally:
        sociometer("down", *stack)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ready", "log:("), "the regular expression cannot be compiled"),
        (("--ready", "healthcheck"), "The image of web has no HEALTHCHECK"),
        ((), "The image of web exposes no port"),
    ],
)
def test_an_image_that_nobody_can_watch_is_refused_before_anything_is_made(
    world: World, image: str, options: tuple[str, ...], said: str
) -> None:
    before = inventory(world.aws)
    stack = ("--target", "fargate", "--stack", f"test-refused-{os.getpid()}")
    done = sociometer("run", *stack, "--image", f"web={image}", *options, *FORMS, "--yes", "--destroy", exit_code=2)
    assert said in done.stderr
    assert inventory(world.aws) == before
