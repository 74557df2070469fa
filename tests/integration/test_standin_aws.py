"""The stand-in for the aws provider with the real engine and a real AWS server, on small programs of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer, aws_server
from tests.support.engine import EngineStack

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with aws_server() as running, provider_standins(running):
        yield running


@pytest.fixture
def empty(server: AwsServer) -> AwsServer:
    server.reset()
    return server


def network() -> None:
    tags = aws.ProviderDefaultTagsArgs(tags={"stack": "test"})
    inside = pulumi.ResourceOptions(provider=aws.Provider("aws", region="eu-west-2", default_tags=tags))
    zones = aws.get_availability_zones(state="available", opts=pulumi.InvokeOptions(provider=inside.provider))
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.13.0.0/16", enable_dns_hostnames=True, tags={"Name": "a"}, opts=inside)
    for number, zone in enumerate(zones.names[:2]):
        aws.ec2.Subnet(
            f"subnet-{number}",
            vpc_id=vpc.id,
            cidr_block=f"10.13.{number}.0/24",
            availability_zone=zone,
            opts=inside,
        )
    pulumi.export("vpc", vpc.id)
    pulumi.export("tags", vpc.tags_all)


def test_network_is_made_unchanged_and_unmade(empty: AwsServer, tmp_path: Path) -> None:
    before = inventory(empty)
    stack = EngineStack(tmp_path, network)
    outputs = stack.up()
    [vpc] = empty.client("ec2").describe_vpcs(VpcIds=[outputs["vpc"]])["Vpcs"]
    assert {entry["Key"]: entry["Value"] for entry in vpc["Tags"]} == {"stack": "test", "Name": "a"} == outputs["tags"]
    assert stack.preview() == {}
    assert stack.refresh() == {}
    stack.destroy()
    assert inventory(empty) == before
