"""The stand-in for the aws provider with the real engine and a real AWS server, on small programs of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from tests.standin.aws.table import TYPES
from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import REGION, AwsServer, aws_server
from tests.support.engine import EngineStack, failure

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with aws_server() as running, provider_standins(running):
        yield running


@pytest.fixture
def stack(server: AwsServer, tmp_path: Path) -> Iterator[EngineStack]:
    before = inventory(server)
    stack = EngineStack(tmp_path, things)
    yield stack
    stack.destroy()
    assert inventory(server) == before


def inside(tags: dict[str, str]) -> pulumi.ResourceOptions:
    default = aws.ProviderDefaultTagsArgs(tags=tags)
    return pulumi.ResourceOptions(provider=aws.Provider("aws", region=REGION, default_tags=default))


def things(
    *,
    cidr: str = "10.13.0.0/16",
    port: int = 80,
    days: int = 7,
    default_tag: str = "first",
    name: str | None = None,
    description: str = "first",
) -> None:
    """One of each kind that behaves differently when it changes."""
    here = inside({"stack": default_tag})
    vpc = aws.ec2.Vpc("vpc", cidr_block=cidr, enable_dns_hostnames=True, tags={"Name": "a"}, opts=here)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description=description, opts=here)
    aws.vpc.SecurityGroupIngressRule(
        "rule", security_group_id=group.id, ip_protocol="tcp", from_port=port, to_port=80, cidr_ipv4=cidr, opts=here
    )
    aws.cloudwatch.LogGroup("logs", name=name, retention_in_days=days, opts=here)
    pulumi.export("vpc", vpc.id)
    pulumi.export("tags", vpc.tags_all)


def test_default_tags_are_merged_and_reach_aws(stack: EngineStack, server: AwsServer) -> None:
    outputs = stack.up()
    [vpc] = server.client("ec2").describe_vpcs(VpcIds=[outputs["vpc"]])["Vpcs"]
    assert {entry["Key"]: entry["Value"] for entry in vpc["Tags"]} == {"stack": "first", "Name": "a"} == outputs["tags"]
    stack.program = partial(things, default_tag="second")
    assert stack.preview() == {"update": 5}  # the provider, and what can bear tags
    assert stack.up()["tags"] == {"stack": "second", "Name": "a"}
    assert stack.refresh() == {}


def test_what_is_unchanged_gives_no_diff_and_what_differs_is_repaired(stack: EngineStack, server: AwsServer) -> None:
    stack.up()
    assert stack.preview() == {}
    assert stack.refresh() == {}
    logs = str(stack.resources()["logs"]["name"])
    server.client("logs").put_retention_policy(logGroupName=logs, retentionInDays=30)
    group = str(stack.resources()["group"]["id"])
    rule = str(stack.resources()["rule"]["id"])
    server.client("ec2").revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    assert stack.refresh() == {"update": 1, "delete": 1}
    assert stack.preview() == {"update": 1, "create": 1}
    stack.up()
    [found] = server.client("logs").describe_log_groups(logGroupNamePrefix=logs)["logGroups"]
    assert found["retentionInDays"] == 7


def test_only_what_forces_a_replacement_replaces(stack: EngineStack) -> None:
    stack.program = partial(things, name="logs")
    stack.up()
    stack.program = partial(things, name="logs", days=30)
    assert stack.preview() == {"update": 1}
    stack.program = partial(things, name="other", cidr="10.14.0.0/16")
    assert stack.preview() == {"replace": 4}  # what lies in the VPC goes with it
    stack.up()
    stack.program = partial(things, name="other", cidr="10.14.0.0/16", description="second")
    assert stack.preview() == {"replace": 2}


def odd_type() -> None:
    aws.sqs.Queue("queue", opts=inside({}))


def odd_input() -> None:
    aws.ecr.Repository("repository", image_tag_mutability_exclusion_filters=[], opts=inside({}))


def odd_function() -> None:
    aws.sqs.get_queues(opts=pulumi.InvokeOptions(provider=inside({}).provider))


def odd_value() -> None:
    aws.cloudwatch.LogGroup("logs", retention_in_days="a week", opts=inside({}))


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        (odd_type, "does not know the resource type aws:sqs/queue:Queue"),
        (odd_input, "for aws:ecr/repository:Repository does not know imageTagMutabilityExclusionFilters"),
        (odd_function, "does not know the function aws:sqs/getQueues:getQueues"),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    server: AwsServer, tmp_path: Path, program: Callable[[], None], complaint: str
) -> None:
    assert complaint in failure(tmp_path, program)


def test_value_that_aws_has_no_use_for_is_refused_by_botocore(server: AwsServer, tmp_path: Path) -> None:
    assert "Invalid type for parameter retentionInDays, value: a week" in failure(tmp_path, odd_value, "up")


def test_every_input_that_replaces_is_an_input_and_in_the_sdk() -> None:
    for token, kind in TYPES.items():
        module, _, name = token.removeprefix("aws:").partition("/")
        sdk = getattr(getattr(aws, module), name.partition(":")[2])
        assert sdk.pulumi_type == token
        assert kind.replaces <= kind.inputs
