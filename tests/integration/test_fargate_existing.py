"""A task definition that the user has, measured in a network that the user has: nothing of either is touched.

Real and stand-ins are those of `test_fargate_run`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.records.model import Outcome
from experiments.store.store import LATEST, Store
from tests.support.aws.command import sociometer
from tests.support.aws.inventory import inventory
from tests.support.aws.network import Network, make_network
from tests.support.aws.sent import actions
from tests.support.aws.server import ACCOUNT, REGION
from tests.support.aws.world import World, whole_world
from tests.support.images import MIB, push_image
from tests.support.permissions import in_the_table

pytestmark = [pytest.mark.lab, pytest.mark.timeout(500)]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop"
VALUE = "a-value-that-nobody-may-see"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with whole_world(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def network(world: World) -> Network:
    return make_network(world.aws)


@pytest.fixture(scope="module")
def secret(world: World) -> str:
    arn: str = world.aws.client("secretsmanager").create_secret(Name="shop/key", SecretString=VALUE)["ARN"]
    world.aws.client("ssm").put_parameter(Name="/shop/token", Value=VALUE, Type="SecureString")
    return arn


@pytest.fixture(scope="module")
def definition(world: World, secret: str) -> str:
    """Two sidecars, one of which is waited for, a secret and a parameter, variables, a volume, and a role."""
    host = world.registry.host
    app, proxy, logs = (
        push_image(f"{host}/shop/{name}", [12 * MIB, MIB]).reference for name in ("app", "proxy", "logs")
    )
    secrets = [{"name": "KEY", "valueFrom": secret}, {"name": "TOKEN", "valueFrom": "/shop/token"}]
    measured = {
        "name": "Shop_App",
        "image": app,
        "portMappings": [{"containerPort": 8080}],
        "environment": [{"name": "MODE", "value": "fast"}],
        "secrets": secrets,
        "mountPoints": [{"sourceVolume": "cache", "containerPath": "/cache"}],
        "dependsOn": [{"containerName": "Proxy", "condition": "START"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "theirs"}},
    }
    beside = [
        {"name": "Proxy", "image": proxy, "essential": False},
        {"name": "logs", "image": logs, "essential": False},
    ]
    made = world.aws.client("ecs").register_task_definition(
        family="my-service",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="512",
        memory="1024",
        runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        taskRoleArn=ROLE,
        volumes=[{"name": "cache"}],
        containerDefinitions=[measured, *beside],
    )["taskDefinition"]
    return f"{made['family']}:{made['revision']}"


def described(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.aws.client("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]
    return found


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document["containerDefinitions"]}


def test_it_is_measured_with_only_the_form_of_its_image_changed(
    world: World, network: Network, definition: str, tmp_path: Path
) -> None:
    before, as_it_was, store = inventory(world.aws), described(world, definition), tmp_path / "store.sqlite"
    stack = ("--target", "fargate", "--stack", f"test-existing-{os.getpid()}")
    place = {"vpc": network.vpc, "subnets": json.dumps(list(network.private))}
    given = [word for name, value in place.items() for word in ("--set", f"{name}={value}")]
    plan = ("--forms", "plain,soci-v2", "--counts", "2", "--blocks", "1", "--yes")
    try:
        sociometer("run", *stack, "--from-task-definition", definition, *given, *plan, "--store", str(store))
        with Store(store) as opened:
            sweep = opened.sweep(LATEST)
            records = opened.rounds(sweep.id)
        outcomes = {task.outcome for record in records for task in record.observation.tasks}
        assert (len(records), outcomes) == (2, {Outcome.BOOTED})
        variant = sweep.outputs.variants["my-service"]
        assert variant.ready == "port:8080"
        for treatment in variant.treatments.values():
            assert treatment.service is not None
            document = described(world, treatment.service.task_definition)
            assert (document["cpu"], document["memory"], document["taskRoleArn"]) == ("512", "1024", ROLE)
            assert [volume["name"] for volume in document["volumes"]] == ["cache"]
            containers, theirs = by_name(document), by_name(as_it_was)
            assert containers.keys() == {*theirs, "sociometer-probe"}
            assert containers["Shop_App"]["image"] == treatment.image
            for name, one in theirs.items():
                for key in ("environment", "secrets", "mountPoints", "dependsOn", "portMappings", "essential"):
                    assert (containers[name].get(key) or []) == (one.get(key) or []), (name, key)
                digest = one["image"].rpartition("@")[2]
                assert name == "Shop_App" or containers[name]["image"].endswith(f"@{digest}")
        assert VALUE not in json.dumps(sweep.outputs.model_dump(mode="json"))
        assert not [file for file in world.data.rglob("*") if file.is_file() and VALUE.encode() in file.read_bytes()]
    finally:
        sociometer("down", *stack)
    assert inventory(world.aws) == before
    assert described(world, definition) == as_it_was
    assert actions(world.sent) - in_the_table() == set()


def refused(*words: str) -> str:
    done = sociometer("run", "--target", "fargate", *words, "--yes", exit_code=2)
    [line] = [line for line in done.stderr.splitlines() if line]
    return line


def test_what_cannot_be_measured_is_one_line_and_leaves_nothing(world: World, definition: str) -> None:
    before = inventory(world.aws)
    unknown = refused("--from-task-definition", "no-such-service:7")
    assert f"There is no task definition no-such-service:7 in {REGION} for this account." in unknown
    assert "has no container web; it has: Shop_App, Proxy, logs." in refused(
        "--from-task-definition", definition, "--container", "web"
    )
    assert "give one of them" in refused("--from-task-definition", definition, "--image", "web:1")
    assert inventory(world.aws) == before


def test_a_definition_for_ec2_alone_is_refused(world: World) -> None:
    made = world.aws.client("ecs").register_task_definition(
        family="machines",
        requiresCompatibilities=["EC2"],
        networkMode="bridge",
        containerDefinitions=[{"name": "web", "image": "web:1", "memory": 128}],
    )["taskDefinition"]
    name = f"{made['family']}:{made['revision']}"
    assert f"The task definition {name} cannot be measured: it is for EC2 alone" in refused(
        "--from-task-definition", name
    )


def test_a_secret_that_does_not_exist_is_named_before_anything_is_made(world: World) -> None:
    before = inventory(world.aws)
    image = push_image(f"{world.registry.host}/web", [12 * MIB], architecture="arm64").reference
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gone-AbCdEf"
    words = ("run", "--target", "fargate", "--image", f"web={image}", "--ready", "tcp:80", "--secret", f"KEY={arn}")
    done = sociometer(*words, "--stack", f"test-gone-{os.getpid()}", "--destroy", "--yes", exit_code=2)
    assert f"There is no secret or parameter {arn}." in done.stderr
    assert inventory(world.aws) == before
