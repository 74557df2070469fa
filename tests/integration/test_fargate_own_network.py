"""A Fargate stack inside a network that the user has, through the real engine: made, unchanged, refused, and gone.

The network is there before, on the local AWS server, and has to be there after, as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import OpType
from pulumi.automation.errors import CommandError

from infra.automation import stack as engine
from infra.automation import workspace
from infra.outputs import StackOutputs
from kit.errors import SettingsError
from tests.support.aws.inventory import inventory
from tests.support.aws.network import CIDR, Network, make_network, make_subnet
from tests.support.aws.plugins import provider_standins
from tests.support.aws.sent import actions
from tests.support.aws.server import AwsServer, aws_server
from tests.support.images import MIB, push_image
from tests.support.permissions import in_the_table
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
FARGATE = {
    "target": "fargate",
    "platform": "linux/amd64",
    "loadbalancerAllowCidrs": ["203.0.113.7/32"],
    "variants": [],
    "forms": ["plain"],
}


@dataclass(frozen=True)
class World:
    """The local AWS with a network and what there was with it, a registry in ECR's place, and what was sent."""

    aws: AwsServer
    images: TestRegistry
    network: Network
    before: frozenset[str]
    sent: Path

    def settings(self, **changes: object) -> dict[str, object]:
        """Of a stack in the network, with one own image."""
        image = push_image(f"{self.images.host}/own", [12 * MIB, MIB], seed=1)
        network = {
            "vpc": self.network.vpc,
            "subnets": list(self.network.private),
            "loadBalancerSubnets": list(self.network.public),
        }
        return {**FARGATE, **network, "images": {"own": {"image": image.reference, "bootReport": True}}, **changes}


@pytest.fixture(scope="module")
def world(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with aws_server() as server, registry() as images:
        sent = tmp_path_factory.mktemp("sent") / "operations"
        with provider_standins(server, registry=images.host, load_balancer="127.0.0.1:8080", sent=sent):
            network = make_network(server)
            yield World(server, images, network, frozenset(inventory(server)), sent)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """The lines of progress of the module's stack."""
    return []


@pytest.fixture(scope="module")
def deployed(world: World, told: list[str]) -> Iterator[str]:
    """The name of a stack with everything that knows a network: a group and a disk for its tasks, and a bastion."""
    name = f"test-network-{os.getpid()}"
    try:
        settings = world.settings(securityGroups=[world.network.group], ephemeralStorageGib=50, bastion=True)
        engine.up(name, settings, told.append)
        yield name
    finally:
        engine.down(name, told.append)
    assert inventory(world.aws) == world.before


def service(world: World, outputs: StackOutputs) -> dict[str, Any]:
    """The control's service, as AWS describes it."""
    made = outputs.variants["own"].treatments["plain"].service
    assert made is not None and outputs.fargate is not None
    ecs = world.aws.client("ecs")
    [found] = ecs.describe_services(cluster=outputs.fargate.cluster, services=[made.arn])["services"]
    assert isinstance(found, dict)
    return found


def test_tasks_run_in_the_subnets_that_were_there_with_the_groups_that_were_there(world: World, deployed: str) -> None:
    found = service(world, engine.outputs(deployed))
    network = found["networkConfiguration"]["awsvpcConfiguration"]
    assert sorted(network["subnets"]) == sorted(world.network.private)
    assert network["assignPublicIp"] == "DISABLED"
    own, given = network["securityGroups"]
    assert given == world.network.group
    [group] = world.aws.client("ec2").describe_security_groups(GroupIds=[own])["SecurityGroups"]
    assert group["VpcId"] == world.network.vpc
    definition = world.aws.client("ecs").describe_task_definition(taskDefinition=found["taskDefinition"])
    assert definition["taskDefinition"]["ephemeralStorage"] == {"sizeInGiB": 50}


def test_the_load_balancer_stands_in_the_public_subnets(world: World, deployed: str) -> None:
    [balancer] = world.aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == set(world.network.public)


def test_no_part_of_a_network_was_made(world: World, deployed: str) -> None:
    made = inventory(world.aws) - world.before
    assert made
    parts = ("vpc-", "subnet-", "igw-", "rtb-", "vpce-", "nat-")
    assert [name for name in made if name.startswith(parts)] == []


def test_what_tasks_need_of_the_network_was_said(world: World, deployed: str, told: list[str]) -> None:
    [said] = [line for line in told if "no endpoints are made in it" in line]
    assert world.network.vpc in said


def test_nothing_has_to_be_changed_afterwards(deployed: str) -> None:
    summary = workspace.existing_stack(deployed).preview(color="never").change_summary
    assert {kind for kind, count in summary.items() if count} == {OpType.SAME}


def test_whatever_was_sent_to_aws_is_in_the_published_policies(world: World, deployed: str) -> None:
    asked = actions(world.sent)
    assert {"ec2:DescribeRouteTables", "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcs"} <= asked
    assert not {"ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateVpcEndpoint"} & asked
    assert asked - in_the_table() == set()


def refused(name: str, settings: dict[str, object]) -> str:
    """The line with which `up` refuses."""
    with pytest.raises(SettingsError) as caught:
        engine.up(name, settings, lambda _line: None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_network_that_cannot_do_is_refused_in_one_line_and_leaves_nothing(world: World, deployed: str) -> None:
    name, ec2, network = f"test-refused-{os.getpid()}", world.aws.client("ec2"), world.network
    other = str(ec2.create_vpc(CidrBlock=CIDR)["Vpc"]["VpcId"])
    stranger = make_subnet(ec2, other, 0, "b")
    there = inventory(world.aws)
    try:
        said = refused(name, world.settings(vpc="vpc-ffffffff"))
        assert said.startswith("Setting vpc: there is no vpc-ffffffff in eu-west-2 for this account.")
        said = refused(name, world.settings(subnets=[network.private[0], stranger]))
        assert said.startswith(f"Setting subnets: there is no {stranger} in {network.vpc}.")
        said = refused(name, world.settings(loadBalancerSubnets=[]))
        assert f"{network.private[0]} has no route to an internet gateway" in said
        with pytest.raises(CommandError) as previewed:
            workspace.existing_stack(name).preview(color="never")
        assert f"error: SettingsError: {said}\n" in str(previewed.value)
        assert "Traceback" not in str(previewed.value)
        assert inventory(world.aws) == there
    finally:
        engine.down(name, lambda _line: None)
        ec2.delete_subnet(SubnetId=stranger)
        ec2.delete_vpc(VpcId=other)
