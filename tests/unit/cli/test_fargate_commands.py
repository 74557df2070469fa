"""Claims about `--target fargate` from the command line: the real command, executor and boto3, on a simulated ECS.

Only the stack's outputs stand in for Pulumi's, and the clock is one that jumps.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors import choose
from experiments.executors.simulation.clock import SimulatedClock
from infra.automation import stack
from infra.fargate.access import COMPONENT, copy_and_run
from infra.outputs import BastionOutput, StackOutputs
from sociometer.cli import actions
from tests.contracts.fargate import fargate_outputs
from tests.support.aws_server import AwsServer, serving
from tests.support.scripted import ScriptedEcs
from tests.unit.cli.conftest import Sociometer

SMALL = ("--target", "fargate", "--variants", "movie", "--counts", "1,2", "--blocks", "1")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedClock:
    """The clock of the command and of the ECS."""
    jumping = SimulatedClock()
    monkeypatch.setattr(choose, "time", jumping)
    return jumping


@pytest.fixture
def server(clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsServer]:
    """AWS on loopback, for whoever opens a session with credentials."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ScriptedEcs(fargate_outputs(), clock)) as listening:
        monkeypatch.setenv("AWS_ENDPOINT_URL", listening.url)
        yield listening


@pytest.fixture(autouse=True)
def outputs(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> StackOutputs:
    """What the stack puts out."""
    made = fargate_outputs(load_balancer=server.url)
    monkeypatch.setattr(actions, "outputs", lambda _stack: made)
    return made


def ecs_of(server: AwsServer) -> ScriptedEcs:
    assert server.ecs is not None
    return server.ecs


@pytest.mark.slow
def test_a_sweep_measures_every_task_and_leaves_none(sociometer: Sociometer, server: AwsServer) -> None:
    done = sociometer("sweep", *SMALL, "--yes")
    assert done.exit_code == 0, done.stderr
    assert "4 of 4 rounds complete" in done.stdout
    assert "4 rounds, 6 tasks to be launched" in done.stderr
    rows = list(csv.DictReader(io.StringIO(sociometer("export", "--format", "csv").stdout)))
    assert [row["outcome"] for row in rows] == 6 * ["booted"]
    assert {row["target"] for row in rows} == {"fargate"}
    assert ecs_of(server).running() == 0


def test_without_yes_a_sweep_asks_aws_nothing(sociometer: Sociometer, server: AwsServer) -> None:
    refused = sociometer("sweep", *SMALL)
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert server.requests == []


@pytest.mark.slow
def test_a_resumed_sweep_shows_the_cost_of_what_is_left(sociometer: Sociometer) -> None:
    assert sociometer("sweep", *SMALL, "--yes").exit_code == 0
    again = sociometer("sweep", "--resume", "last", "--yes")
    assert again.exit_code == 0, again.stderr
    assert "0 rounds, 0 tasks to be launched" in again.stderr


def test_clean_stops_what_a_killed_sweep_left_and_says_so(sociometer: Sociometer, server: AwsServer) -> None:
    ecs_of(server).service("movie-plain").scale(3)
    cleared = sociometer("clean", "--target", "fargate", "--json")
    assert cleared.exit_code == 0, cleared.stderr
    assert json.loads(cleared.stdout) == ["tasks of the ECS service movie-plain"]
    assert ecs_of(server).running() == 0
    assert sociometer("clean", "--target", "fargate").stdout == "Nothing was left behind.\n"


def test_nobody_logged_in_is_one_line_that_says_how(
    sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch, server: AwsServer
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    refused = sociometer("sweep", *SMALL, "--yes")
    assert refused.exit_code == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("error: There are no AWS credentials")
    assert "aws sso login" in last
    assert server.requests == []


def test_a_stack_of_another_target_is_not_swept(sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.contracts.outputs import stack_outputs

    monkeypatch.setattr(actions, "outputs", lambda _stack: stack_outputs())
    refused = sociometer("sweep", *SMALL, "--yes")
    assert refused.exit_code == 2
    assert "Stack dev is up on lab, not on fargate" in refused.stderr


BASTION = BastionOutput(instance_id="i-0123", bucket="sociometer-bastion-exchange-1")


def test_outputs_name_the_bastion_and_the_command_that_reaches_it(
    sociometer: Sociometer, outputs: StackOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Bastion" not in sociometer("outputs", "--target", "fargate").stdout
    assert outputs.fargate is not None
    fargate = outputs.fargate.model_copy(update={"bastion": BASTION})
    monkeypatch.setattr(actions, "outputs", lambda _stack: outputs.model_copy(update={"fargate": fargate}))
    shown = sociometer("outputs", "--target", "fargate").stdout
    assert "Bastion i-0123, bucket sociometer-bastion-exchange-1." in shown
    assert shown.splitlines()[-1] == copy_and_run(BASTION, fargate.region)


def test_the_bastion_s_command_is_printed_from_the_state_and_its_lack_is_said(
    sociometer: Sociometer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"resources": [{"type": COMPONENT, "outputs": BASTION.model_dump()}]}
    monkeypatch.setattr(stack, "deployment", lambda _stack: made)
    assert sociometer("stack", "bastion").stdout == copy_and_run(BASTION, "eu-west-2") + "\n"
    monkeypatch.setattr(stack, "deployment", lambda _stack: {})
    refused = sociometer("stack", "bastion", "--stack", "movie")
    assert refused.exit_code == 2
    assert "Stack movie has no bastion. `--set bastion=true` with `sociometer up` adds it." in refused.stderr
