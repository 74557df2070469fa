"""The whole experiment on Fargate from the command line, on a local AWS: run, interrupted, killed, and left empty.

Real: the command in a process of its own, the engine, boto3 and the load balancer's HTTP, the registry and the forms.
Stand-ins: the providers' plugins, AWS, and the containers, which the local AWS does not run.
"""

from __future__ import annotations

import base64
import csv
import json
import math
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.records import columns
from experiments.records.model import Outcome, RoundRecord, RoundStatus
from experiments.records.phases import durations
from experiments.report import export
from experiments.store.store import LATEST, Store
from infra.automation import stack as engine
from infra.automation import workspace
from infra.automation.files import FARGATE_STACK
from infra.oci.ecr import auth_file
from tests.support.aws.command import Running, sociometer, started
from tests.support.aws.inventory import inventory
from tests.support.aws.sent import actions
from tests.support.aws.server import REGION
from tests.support.aws.world import SECRET, World, whole_world
from tests.support.permissions import in_the_table

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
SNAPSHOTTERS = {"plain": "overlayfs", "soci-v2": "soci"}
COUNTS = (1, 2, 3, 8)
BLOCKS = 3
TREATMENTS = ("--variants", "movie", "--forms", ",".join(SNAPSHOTTERS))
SMALL = ("--set", "movieMegabytes=12", "--set", "owner=tests")
INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True)
class Deployed:
    """A stack that is up, and a store of its own; ``options`` name both to a command."""

    world: World
    stack: str
    store: Path

    @property
    def options(self) -> tuple[str, ...]:
        return ("--stack", self.stack, "--store", str(self.store))

    @contextmanager
    def sweep_in_its_second_round(self) -> Iterator[Running]:
        """A sweep of four rounds whose second one has its task up, which does not come to the end of its boot."""
        plan = (*TREATMENTS, "--counts", "1", "--blocks", "2", "--yes")
        self.world.tasks.boots_left = 1
        try:
            with started("sweep", "--target", "fargate", *self.options, *plan) as sweep:
                sweep.until("[2/4]", "booted 0/1")
                yield sweep
        finally:
            self.world.tasks.boots_left = math.inf


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with whole_world(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def stack(world: World) -> Iterator[str]:
    name = f"test-sweeps-{os.getpid()}"
    try:
        sociometer("up", "--target", "fargate", "--stack", name, *TREATMENTS, *SMALL, "--yes")
        yield name
    finally:
        engine.down(name, lambda _line: None)


@pytest.fixture
def deployed(world: World, stack: str, tmp_path: Path) -> Deployed:
    return Deployed(world, stack, tmp_path / "store.sqlite")


def records_in(store: Path) -> list[RoundRecord]:
    with Store(store) as opened:
        return opened.rounds(opened.sweep(LATEST).id)


def files_with(secret: str, *folders: Path) -> list[Path]:
    """Files that show it anywhere below the folders."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return [file for file in files if secret.encode() in file.read_bytes()]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def outcomes(store: Path) -> list[tuple[RoundStatus, list[Outcome]]]:
    """Each attempt at a round, in their order."""
    return [(record.status, [task.outcome for task in record.observation.tasks]) for record in records_in(store)]


BOOTED = (RoundStatus.COMPLETE, [Outcome.BOOTED])


def test_run_measures_every_round_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    before, store = inventory(world.aws), tmp_path / "store.sqlite"
    plan = (*TREATMENTS, "--counts", ",".join(map(str, COUNTS)), "--blocks", str(BLOCKS), "--seed", "7")
    places = ("--store", str(store), "--results", str(tmp_path / "results"))
    done = sociometer("run", "--target", "fargate", *plan, *SMALL, *places, "--yes", "--destroy")
    records = records_in(store)
    check_measurements(records)
    [folder] = (tmp_path / "results").iterdir()
    check_results(folder, [record.round.task_count for record in records])
    assert (folder / "report.txt").read_text() == done.stdout
    assert inventory(world.aws) == before
    assert FARGATE_STACK not in workspace.names()
    assert files_with("aws:ecs/service:Service", world.data), "no state of the stack was searched for secrets"
    for secret in (SECRET, *ecr_token()):
        assert secret not in done.stdout + done.stderr
        assert files_with(secret, world.data, tmp_path) == []


def check_measurements(records: list[RoundRecord]) -> None:
    rounds = Counter((record.round.form, record.round.task_count, record.status) for record in records)
    assert rounds == {(form, count, RoundStatus.COMPLETE): BLOCKS for form in SNAPSHOTTERS for count in COUNTS}
    for record in records:
        assert len(record.observation.tasks) == record.round.task_count
        for task in record.observation.tasks:
            assert (task.outcome, task.reason) == (Outcome.BOOTED, None)
            assert task.snapshotter == SNAPSHOTTERS[record.round.form]
            assert None not in durations(task).model_dump().values()


def check_results(folder: Path, task_counts: list[int]) -> None:
    tasks, averages = rows(folder / "records.csv"), rows(folder / "averages.csv")
    assert tuple(tasks[0]) == columns.COLUMNS
    assert {(row["target"], row["simulated"]) for row in tasks} == {("fargate", "False")}
    assert len(tasks) == sum(task_counts)
    assert tuple(averages[0]) == ("variant", "form", "taskCount", *export.AVERAGES)
    assert {(row["variant"], row["form"]) for row in averages} == {("movie", form) for form in SNAPSHOTTERS}
    assert [int(row["taskCount"]) for row in averages] == task_counts
    assert all(float(value) >= 0 for row in averages for value in list(row.values())[2:])
    report = (folder / "report.txt").read_text()
    assert "target fargate, 24 of 24 rounds complete" in report
    assert "simulated" not in report.lower()


def ecr_token() -> tuple[str, str]:
    """What opens ECR, as AWS gives it and as it is meant."""
    with auth_file("registry", REGION) as file:
        encoded = json.loads(file.read_text())["auths"]["registry"]["auth"]
    return encoded, base64.b64decode(encoded).decode().partition(":")[2]


def test_interrupted_sweep_leaves_no_task_and_is_resumed(deployed: Deployed) -> None:
    with deployed.sweep_in_its_second_round() as sweep:
        assert sweep.ended_by(signal.SIGINT) == INTERRUPTED
    assert set(deployed.world.services().values()) == {(0, 0)}
    assert outcomes(deployed.store) == [BOOTED, (RoundStatus.ABORTED, [Outcome.ABORTED])]
    assert any("1 of 4 rounds are kept" in line for line in sweep.said)
    sociometer("sweep", "--resume", "last", "--store", str(deployed.store), "--yes")
    assert outcomes(deployed.store)[2:] == [BOOTED] * 3
    assert set(deployed.world.services().values()) == {(0, 0)}


def test_killed_sweep_is_cleared_and_resumed(deployed: Deployed) -> None:
    with deployed.sweep_in_its_second_round() as sweep:
        assert sweep.ended_by(signal.SIGKILL) == -signal.SIGKILL
    assert sorted(deployed.world.services().values()) == [(0, 0), (1, 1)]
    [left] = (name for name, counts in deployed.world.services().items() if counts != (0, 0))
    done = sociometer("clean", "--target", "fargate", *deployed.options)
    assert done.stdout == f"cleared tasks of the ECS service {left}\n"
    assert set(deployed.world.services().values()) == {(0, 0)}
    sociometer("sweep", "--resume", "last", "--store", str(deployed.store), "--yes")
    assert outcomes(deployed.store) == [BOOTED] * 4


def test_resuming_a_killed_sweep_clears_what_it_left_by_itself(deployed: Deployed) -> None:
    with deployed.sweep_in_its_second_round() as sweep:
        sweep.ended_by(signal.SIGKILL)
    sociometer("sweep", "--resume", "last", "--store", str(deployed.store), "--yes")
    assert outcomes(deployed.store) == [BOOTED] * 4
    assert set(deployed.world.services().values()) == {(0, 0)}


def test_stack_that_a_sweep_uses_is_refused_to_others(deployed: Deployed, tmp_path: Path) -> None:
    stack = ("--target", "fargate", "--stack", deployed.stack)
    other_store = ("--store", str(tmp_path / "other.sqlite"))
    sweep_too = ("sweep", *stack, *other_store, *TREATMENTS, "--counts", "1", "--blocks", "1", "--yes")
    with deployed.sweep_in_its_second_round() as sweep:
        for words in (("down", *stack), ("clean", *stack, *other_store), sweep_too):
            done = sociometer(*words, exit_code=1)
            assert f"in use by process {sweep.process.pid} since" in done.stderr
        assert sorted(deployed.world.services().values()) == [(0, 0), (1, 1)]
        assert sweep.ended_by(signal.SIGINT) == INTERRUPTED


def test_stack_that_a_sweep_uses_is_refused_to_another_machine_which_stops_nothing(
    deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other machine has the stack's state, as in a shared backend, and none of the first one's locks."""
    others = tmp_path / "other machine"
    shutil.copytree(deployed.world.data, others, ignore=shutil.ignore_patterns("locks", "*.sqlite*"))
    stack = ("--target", "fargate", "--stack", deployed.stack)
    store = ("--store", str(tmp_path / "other.sqlite"))
    sweep_too = ("sweep", *stack, *store, *TREATMENTS, "--counts", "1", "--blocks", "1", "--yes")
    with deployed.sweep_in_its_second_round() as sweep:
        with monkeypatch.context() as there:
            there.setenv("SOCIOMETER_DATA", str(others))
            for words in (("down", *stack), ("clean", *stack, *store), sweep_too):
                done = sociometer(*words, exit_code=1)
                assert re.search(rf"in use by \S+ process {sweep.process.pid}, on another machine", done.stderr)
        assert sorted(deployed.world.services().values()) == [(0, 0), (1, 1)]
        assert sweep.ended_by(signal.SIGINT) == INTERRUPTED
    with monkeypatch.context() as there:
        there.setenv("SOCIOMETER_DATA", str(others))
        sociometer(*sweep_too)


def test_tasks_that_fall_back_are_said_and_left_out(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployed.world.tasks, "fall_back", True)
    plan = (*TREATMENTS, "--counts", "2", "--blocks", "1", "--yes")
    done = sociometer("sweep", "--target", "fargate", *deployed.options, *plan, exit_code=1)
    assert "1 of 2 rounds" in done.stderr and "gave no measurement: movie soci-v2 x2" in done.stderr
    seen = {
        record.round.form: {(task.outcome, task.snapshotter) for task in record.observation.tasks}
        for record in records_in(deployed.store)
    }
    assert seen == {"plain": {(Outcome.BOOTED, "overlayfs")}, "soci-v2": {(Outcome.NOT_LAZY, "overlayfs")}}
    report = json.loads(sociometer("report", "--json", "--store", str(deployed.store)).stdout)
    figures = {cell["form"]: (bool(cell["phases"]), cell["outcomes"]) for cell in report["cells"]}
    assert figures == {"plain": (True, {"booted": 2}), "soci-v2": (False, {"not-lazy": 2})}
    assert any("booted without lazy loading" in note for note in report["notes"])


def run_to_be_destroyed(folder: Path) -> AbstractContextManager[Running]:
    """A small experiment on a stack of its own that is to be removed at the end."""
    places = ("--store", str(folder / "store.sqlite"), "--results", str(folder / "results"))
    plan = (*TREATMENTS, *SMALL, "--counts", "1", "--blocks", "1", "--yes", "--destroy")
    return started("run", "--target", "fargate", "--stack", f"test-cut-{os.getpid()}", *places, *plan)


def test_run_that_is_interrupted_in_a_round_is_removed_all_the_same(world: World, tmp_path: Path) -> None:
    before = inventory(world.aws)
    with run_to_be_destroyed(tmp_path) as run:
        run.until("[1/2]", "starting")
        assert run.ended_by(signal.SIGTERM) == 128 + signal.SIGTERM
    assert inventory(world.aws) == before


def test_run_that_is_interrupted_while_its_stack_is_made_leaves_nothing(world: World, tmp_path: Path) -> None:
    before = inventory(world.aws)
    with run_to_be_destroyed(tmp_path) as run:
        run.until("Subnet", ": making")
        assert run.ended_by(signal.SIGTERM) == 128 + signal.SIGTERM
    assert inventory(world.aws) == before


def test_interrupted_up_goes_on_then_changes_nothing_and_down_leaves_nothing(world: World) -> None:
    before, stack = inventory(world.aws), ("--target", "fargate", "--stack", f"test-twice-{os.getpid()}")
    try:
        with started("up", *stack, *TREATMENTS, *SMALL, "--yes") as first:
            first.until("Subnet", ": making")
            assert first.ended_by(signal.SIGINT, with_children=True) == INTERRUPTED
        begun = inventory(world.aws)
        made = sociometer("up", *stack, "--yes", "--json")
        there = inventory(world.aws)
        assert before < begun < there
        again = sociometer("up", *stack, "--yes", "--json")
        assert json.loads(again.stdout) == json.loads(made.stdout)
        assert ": making" in made.stderr and ": making" not in again.stderr and ": updating" not in again.stderr
        assert inventory(world.aws) == there
    finally:
        done = sociometer("down", *stack)
    assert inventory(world.aws) == before
    assert f"Nothing of stack {stack[-1]} is left." in done.stderr


def test_whatever_was_sent_to_aws_is_in_the_published_policies(deployed: Deployed) -> None:
    """By the commands above, and by the provider that made their stacks."""
    scaled = ("sweep", "--target", "fargate", *deployed.options, *TREATMENTS, "--counts", "1", "--blocks", "1", "--yes")
    sociometer(*scaled)
    asked = actions(deployed.world.sent)
    assert {"ecs:CreateService", "ecs:UpdateService", "ecs:DescribeTasks", "logs:FilterLogEvents"} <= asked
    assert asked - in_the_table() == set()
