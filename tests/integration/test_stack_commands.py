"""Claims about the stack commands where there is no stack yet, with the real Pulumi."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi.automation import ConfigValue, Stack

from experiments.forecast import standing
from infra.automation import exported, stack, workspace
from kit.errors import StackError
from kit.paths import data_dir
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import ACCOUNT, AwsServer, aws_server

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))


def test_nothing_is_left_where_nothing_was_made() -> None:
    assert standing.left("dev") == []
    assert standing.still_up() == {}


def test_removing_a_stack_that_is_not_there_is_no_error() -> None:
    told: list[str] = []
    stack.down("dev", told.append)
    assert told == ["There is no stack dev."]


def test_the_exported_outputs_are_those_that_pulumi_gives() -> None:
    """Also secret ones, in whole or in part."""

    def program() -> None:
        secret = pulumi.Output.secret({"token": "open", "seats": [1, None]})
        pulumi.export("plain", {"text": "ä", "none": None, "list": [1.5, {"deep": True}]})
        pulumi.export("secret", secret)
        pulumi.export("part", {"hidden": secret["token"], "shown": 1})

    opened = workspace.open_stack("dev")
    opened.workspace.program = program
    given = opened.up(color="never", suppress_progress=True).outputs
    assert given["secret"].secret and given["part"].value["hidden"] == "open"
    assert exported.outputs(workspace.deployment("dev")) == {name: each.value for name, each in given.items()}


URN = "urn:pulumi:dev::sociometer::aws:lb/loadBalancer:LoadBalancer::dev"


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    """Nothing is made there."""
    with aws_server() as server:
        yield server


@pytest.fixture
def killed(own_data: None, aws: AwsServer) -> Iterator[Stack]:
    """A stack whose `up` was killed while AWS made a load balancer."""
    with provider_standins(aws):
        yield _killed()


def _killed() -> Stack:
    opened = workspace.open_stack("dev")
    opened.set_config("sociometer:target", ConfigValue("fargate"))
    opened.import_stack(opened.export_stack())  # so that there is a state at all
    # `pulumi stack import` would drop what is pending: it is written where the engine writes it.
    state = data_dir() / "pulumi" / ".pulumi" / "stacks" / "sociometer" / "dev.json"
    document = json.loads(state.read_text())
    resource = {"urn": URN, "type": "aws:lb/loadBalancer:LoadBalancer", "custom": True, "inputs": {}}
    document["checkpoint"]["latest"]["pending_operations"] = [{"type": "creating", "resource": resource}]
    state.write_text(json.dumps(document))
    return opened


def in_a_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As a user would run what a message says, in some folder, with our command on the path."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    words = ["bash", "-c", command]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def told_command(message: str, holds: str) -> str:
    return next(part for part in message.split("`") if holds in part)


def test_what_aws_may_have_made_keeps_the_stack_until_it_was_looked_for(killed: Stack, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"killed in the middle of: dev \(aws:lb/loadBalancer:LoadBalancer\)"):
        stack.up("dev", {}, lambda _: None)
    for _ in range(2):  # asking again does not make it forget
        with pytest.raises(StackError, match=r"killed while AWS made: dev .* It may be there, and bills") as raised:
            stack.down("dev", lambda _: None)
    assert "--tag-filters Key=sociometer:stack,Values=dev" in str(raised.value)
    [left] = standing.left("dev")
    assert (left.name, left.id) == ("dev", "")
    done = in_a_shell(told_command(str(raised.value), "clear-pending-creates"), tmp_path)
    assert done.returncode == 0, done.stderr
    stack.down("dev", lambda _: None)
    assert standing.left("dev") == []


def test_a_lock_of_a_process_that_is_gone_is_cleared_by_the_command_that_the_message_names(
    killed: Stack, tmp_path: Path
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    locks = tmp_path / "pulumi" / ".pulumi" / "locks" / "organization" / "sociometer" / "dev"
    locks.mkdir(parents=True, exist_ok=True)
    owner = {"pid": gone.pid, "username": "somebody", "hostname": "there", "timestamp": "2026-11-25T08:00:00Z"}
    (locks / "0a1b2c3d.json").write_text(json.dumps(owner))
    with pytest.raises(StackError, match=r"Stack dev is locked by somebody@there, process \d+") as raised:
        stack.down("dev", lambda _: None)
    done = in_a_shell(told_command(str(raised.value), "pulumi cancel"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(locks.glob("*.json"))


def test_doctor_of_fargate_asks_aws_itself_and_finds_the_plugins(own_data: None, aws: AwsServer) -> None:
    """The local AWS knows no quotas: that is a warning, and stops nobody."""
    with provider_standins(aws):
        words = [Path(sys.executable).parent / "sociometer", "doctor", "--target", "fargate", "--json"]
        done = subprocess.run(words, env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1"}, capture_output=True)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert f":{ACCOUNT}:" in found["AWS credentials"]["found"].replace("::", ":")
    assert {name for name, check in found.items() if check["state"] == "failure"} == {"Docker"}
    assert "Fargate On-Demand vCPU resource count" in " ".join(found)
    assert done.returncode == 3
