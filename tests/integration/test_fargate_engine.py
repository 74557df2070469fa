"""The whole Fargate stack through the real engine: made, unchanged, updated, refreshed, and taken down without a rest.

The program is the project's own, driven as `sociometer up` drives it. AWS is a local server behind the stand-in for
the aws provider; the registry is a real one in ECR's place, and the forms are made by the real tools.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import OpType

from infra.automation import stack as engine
from infra.automation import workspace
from infra.fargate import access
from infra.fargate.tags import DELETE_AFTER, OWNER, PROJECT, STACK
from infra.outputs import ServiceOutput, StackOutputs
from tests.support.aws.inventory import inventory
from tests.support.aws.plugins import provider_standins
from tests.support.aws.sent import actions
from tests.support.aws.server import ACCOUNT, AwsServer, aws_server
from tests.support.aws.stages import stages_without_internet
from tests.support.images import MIB, push_image
from tests.support.permissions import in_the_table
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
LOAD_BALANCER = "127.0.0.1:8080"
FARGATE = {
    "target": "fargate",
    "platform": "linux/amd64",
    "forms": ["plain", "soci-v2(span=1MiB,min-layer=0)"],
    "loadbalancerAllowCidrs": ["203.0.113.7/32"],
    "owner": "tests",
    "deleteAfter": "2027-01-31",
}


def preview_changes(name: str) -> int:
    """How many resources `up` would change, make or remove; what is really there is not looked at."""
    summary = workspace.existing_stack(name).preview(color="never").change_summary
    return sum(count for kind, count in summary.items() if kind != OpType.SAME)


@dataclass(frozen=True)
class World:
    """The local AWS, the registry in ECR's place, and the file that notes what the provider sends."""

    aws: AwsServer
    registry: TestRegistry
    sent: Path


@dataclass(frozen=True)
class Deployed:
    """A stack of one own image in two forms."""

    name: str
    world: World

    def up(self, seed: int = 1) -> StackOutputs:
        """Deploy; another seed is another image."""
        image = push_image(f"{self.world.registry.host}/own", [12 * MIB, MIB], seed=seed)
        settings = {**FARGATE, "variants": [], "images": {"own": {"image": image.reference, "bootReport": True}}}
        return engine.up(self.name, settings, quiet)

    def service(self, outputs: StackOutputs, form: str = "plain") -> tuple[ServiceOutput, dict[str, Any]]:
        """A treatment's service, as the outputs name it and as AWS describes it."""
        service = outputs.variants["own"].treatments[form].service
        assert service is not None and outputs.fargate is not None
        ecs = self.world.aws.client("ecs")
        [found] = ecs.describe_services(cluster=outputs.fargate.cluster, services=[service.arn])["services"]
        return service, found

    def scale(self, outputs: StackOutputs, count: int) -> None:
        """Scale every service by hand, as a sweep does."""
        assert outputs.fargate is not None
        for form in FARGATE["forms"]:
            service, _ = self.service(outputs, form)
            self.world.aws.client("ecs").update_service(
                cluster=outputs.fargate.cluster, service=service.arn, desiredCount=count
            )


def quiet(_line: str) -> None:
    """Nobody reads the progress."""


@pytest.fixture(scope="module")
def world(own_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with aws_server() as server, registry() as images:
        stages = stages_without_internet(tmp_path_factory.mktemp("stages"))
        sent = tmp_path_factory.mktemp("sent") / "operations"
        with provider_standins(server, registry=images.host, load_balancer=LOAD_BALANCER, stages=stages, sent=sent):
            yield World(server, images, sent)


@pytest.fixture(scope="module")
def deployed(world: World) -> Iterator[Deployed]:
    stack = Deployed(f"test-fargate-{os.getpid()}", world)
    try:
        stack.up()
        yield stack
    finally:
        engine.down(stack.name, quiet)


def containers(aws: AwsServer, task_definition: str) -> list[dict[str, Any]]:
    found = aws.client("ecs").describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    return list(found["containerDefinitions"])


def test_stack_is_as_its_outputs_say_and_needs_no_change(deployed: Deployed) -> None:
    outputs = engine.outputs(deployed.name)
    assert outputs.fargate is not None
    assert (outputs.fargate.account, outputs.fargate.load_balancer) == (ACCOUNT, f"http://{LOAD_BALANCER}")
    for form, treatment in outputs.variants["own"].treatments.items():
        service, found = deployed.service(outputs, form)
        assert (found["desiredCount"], found["taskDefinition"]) == (0, service.task_definition)
        [container] = containers(deployed.world.aws, service.task_definition)
        assert container["image"] == treatment.image
    assert preview_changes(deployed.name) == 0


def test_everything_says_whose_it_is_and_when_it_may_go(deployed: Deployed) -> None:
    wanted = {PROJECT: "sociometer", STACK: deployed.name, OWNER: "tests", DELETE_AFTER: "2027-01-31"}
    ec2 = deployed.world.aws.client("ec2")
    filters = [{"Name": f"tag:{STACK}", "Values": [deployed.name]}]
    [vpc] = ec2.describe_vpcs(Filters=filters)["Vpcs"]
    assert {entry["Key"]: entry["Value"] for entry in vpc["Tags"]}.items() >= wanted.items()
    service, _ = deployed.service(engine.outputs(deployed.name))
    tags = deployed.world.aws.client("ecs").list_tags_for_resource(resourceArn=service.arn)["tags"]
    assert {entry["key"]: entry["value"] for entry in tags}.items() >= wanted.items()


def test_new_image_gives_a_new_task_definition_and_updates_the_service_in_place(deployed: Deployed) -> None:
    before = engine.outputs(deployed.name)
    old, _ = deployed.service(before)
    after = deployed.up(seed=2)
    new, found = deployed.service(after)
    assert new.arn == old.arn
    assert new.task_definition != old.task_definition
    assert found["taskDefinition"] == new.task_definition
    [container] = containers(deployed.world.aws, new.task_definition)
    assert container["image"] == after.variants["own"].treatments["plain"].image
    assert container["image"] != before.variants["own"].treatments["plain"].image
    assert preview_changes(deployed.name) == 0


def test_service_scaled_by_a_sweep_is_left_alone(deployed: Deployed) -> None:
    deployed.scale(engine.outputs(deployed.name), 3)
    outputs = deployed.up(seed=3)  # another image, so that the services themselves are updated
    assert [deployed.service(outputs, form)[1]["desiredCount"] for form in FARGATE["forms"]] == [3, 3]
    deployed.scale(outputs, 0)


def test_what_somebody_deleted_comes_back(deployed: Deployed) -> None:
    outputs = engine.outputs(deployed.name)
    assert outputs.fargate is not None
    aws, (service, found) = deployed.world.aws, deployed.service(outputs)
    before = inventory(aws)
    aws.client("logs").delete_log_group(logGroupName=outputs.fargate.log_group)
    aws.client("ecs").delete_service(cluster=outputs.fargate.cluster, service=service.arn)
    group = found["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"][0]
    rules = aws.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    ingress = [rule["SecurityGroupRuleId"] for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    aws.client("ec2").revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ingress)
    assert len(inventory(aws)) == len(before) - 2 - len(ingress)
    outputs = deployed.up(seed=4)
    assert deployed.service(outputs)[1]["status"] == "ACTIVE"
    assert len(inventory(aws)) == len(before)
    assert preview_changes(deployed.name) == 0


def test_built_images_and_bastion_live_and_leave_nothing(world: World) -> None:
    name, before = f"test-built-{os.getpid()}", inventory(world.aws)
    settings = {**FARGATE, "variants": ["movie"], "movieMegabytes": 12, "bastion": True}
    try:
        outputs = engine.up(name, settings, quiet)
        assert outputs.variants["movie"].source_image.startswith(
            f"{world.registry.host}/sociometer/{name}/movie/source"
        )
        assert outputs.fargate is not None
        assert outputs.fargate.bastion is not None
        assert outputs.fargate.bastion.instance_id.startswith("i-")
        assert access.in_state(engine.deployment(name)) == outputs.fargate.bastion
        assert len(inventory(world.aws) - before) > 50
        assert preview_changes(name) == 0
    finally:
        engine.down(name, quiet)
    assert inventory(world.aws) == before


def test_whatever_was_sent_to_aws_is_in_the_published_policies(deployed: Deployed) -> None:
    """All that the tests above made, changed, read and removed."""
    asked = actions(deployed.world.sent)
    assert {"ec2:CreateVpc", "elasticloadbalancing:CreateLoadBalancer", "ecs:CreateService"} <= asked
    assert asked - in_the_table() == set()
