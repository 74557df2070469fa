"""`sociometer run --target fargate` from the command line to nothing left, on a local AWS.

Real: the command in a process of its own, the engine, boto3 and the load balancer's HTTP, registry and forms. Stand-ins:
the providers' plugins, AWS, and the containers, which ministack does not run.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sociometer.experiments.export import AVERAGES, COLUMNS
from sociometer.experiments.records import Outcome, RoundRecord, RoundStatus
from sociometer.experiments.store import Store
from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer, aws_server
from tests.support.aws.stages import stages_without_internet
from tests.support.aws.tasks import Tasks, running_tasks
from tests.support.registry import registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
PROGRAM = (sys.executable, "-m", "tests.support.aws.impatient")
PLAN = ("--variants", "movie", "--forms", "plain,soci-v2", "--counts", "1,2,3,8", "--blocks", "3", "--seed", "7")
SET = ("--set", "movieMegabytes=12", "--set", "platform=linux/amd64", "--set", "owner=tests")
COUNTS = (1, 2, 3, 8)
FORMS = ("plain", "soci-v2")
BLOCKS = 3
SECRET = "a-secret-key-that-nobody-may-see"  # noqa: S105
SECONDS = 240.0


@dataclass(frozen=True)
class World:
    """The local AWS, and the containers on it."""

    aws: AwsServer
    tasks: Tasks


@pytest.fixture(scope="module")
def world(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    stages = stages_without_internet(tmp_path_factory.mktemp("stages"))
    with aws_server() as aws, registry() as images, running_tasks(aws) as tasks, pytest.MonkeyPatch.context() as patch:
        with provider_standins(aws, registry=images.host, load_balancer=tasks.address, stages=stages):
            patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
            yield World(aws, tasks)


def sociometer(*words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command to its end, which is to be of that exit code."""
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == exit_code, f"{done.stdout}\n{done.stderr}"
    return done


def test_run_measures_every_round_and_leaves_nothing(world: World, own_data: Path, tmp_path: Path) -> None:
    before = inventory(world.aws)
    stack = ("--stack", f"test-run-{os.getpid()}", "--store", str(tmp_path / "store.sqlite"))
    done = sociometer(
        *("run", "--target", "fargate", *stack, *PLAN, *SET, "--results", str(tmp_path / "results")),
        *("--yes", "--destroy"),
    )
    print(done.stdout, done.stderr)
    assert inventory(world.aws) == before
