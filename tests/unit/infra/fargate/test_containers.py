"""What stands in the task of an unchanged image: the image as it is, and the probe that sees when it is ready."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from infra.outputs import StackOutputs
from tests.support.fargate_stack import HOST, MockedResource, digest, of_type, only, resources, run_stack

Declared = list[MockedResource]
NOBODY = {"loadbalancerAllowCidrs": ""}


def declare(ready: str | None = None, **more: str) -> tuple[Declared, StackOutputs]:
    image = {"image": "shop.example/web:1"} | ({} if ready is None else {"ready": ready})
    return run_stack(variants="", images=json.dumps({"shop": image}), **{**NOBODY, **more})


def containers(declared: Declared, name: str = "shop-plain") -> list[dict[str, Any]]:
    found = json.loads(only(declared, "taskDefinition:TaskDefinition", name).inputs["containerDefinitions"])
    return list(found)


@pytest.fixture(scope="module")
def stack() -> tuple[Declared, StackOutputs]:
    return declare()


@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_every_treatment_has_the_probe_beside_it_and_the_control_too(
    stack: tuple[Declared, StackOutputs], form: str
) -> None:
    measured, probe = containers(stack[0], f"shop-{form}")
    assert (measured["name"], measured["essential"], measured["image"]) == (
        "workload",
        True,
        f"{HOST}/sociometer/test/shop/{form}@{digest(f'shop-{form}')}",
    )
    assert (probe["name"], probe["essential"]) == ("sociometer-probe", False)
    assert probe["image"] == f"{HOST}/sociometer/test/probe/source@{digest('probe-source')}"
    assert probe["dependsOn"] == [{"containerName": "workload", "condition": "START"}]
    assert probe["logConfiguration"] == measured["logConfiguration"]


def test_the_probe_is_told_what_the_image_leaves_open(stack: tuple[Declared, StackOutputs]) -> None:
    measured, probe = containers(stack[0])
    told = {entry["name"]: entry["value"] for entry in probe["environment"]}
    assert (told["READY"], told["CONTAINER"]) == ("port:8080", "workload")
    assert measured["portMappings"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]
    assert stack[1].variants["shop"].ready == "port:8080"


def test_tasks_that_nobody_asks_from_outside_have_no_load_balancer(stack: tuple[Declared, StackOutputs]) -> None:
    declared, outputs = stack
    for type_ in ("lb/loadBalancer:LoadBalancer", "targetGroup:TargetGroup", "listenerRule:ListenerRule"):
        assert of_type(declared, type_) == []
    service = only(declared, "ecs/service:Service", "shop-plain").inputs
    assert not service.get("loadBalancers") and "healthCheckGracePeriodSeconds" not in service
    group = "sociometer-tasks-id"
    assert all(each.inputs["securityGroupId"] != group for each in of_type(declared, "SecurityGroupIngressRule"))
    assert outputs.fargate is not None
    assert (outputs.fargate.load_balancer, outputs.fargate.probe) == (None, "sociometer-probe")
    treatment = outputs.variants["shop"].treatments["plain"]
    assert treatment.service is not None and treatment.service.target_group is None


def test_a_job_may_end_without_ending_its_task() -> None:
    measured, probe = containers(declare("exit:0")[0])
    assert (measured["essential"], probe["essential"]) == (False, True)
    assert measured["portMappings"] == []


def test_the_images_own_health_check_is_given_to_ecs_which_reads_none_of_an_image() -> None:
    measured, _ = containers(declare("healthcheck")[0])
    assert measured["healthCheck"]["command"] == ["CMD", "/check", "--now"]
    assert (measured["healthCheck"]["interval"], measured["healthCheck"]["startPeriod"]) == (5, 300)


def test_beside_built_in_variants_a_load_balancer_asks_those_alone() -> None:
    declared = resources(variants="movie", images='{"shop": "shop.example/web:1"}', forms="plain")
    assert [each.name for each in of_type(declared, "targetGroup:TargetGroup")] == ["movie-plain"]
    assert len(containers(declared, "movie-plain")) == 1
    with pytest.raises(pulumi.RunError, match="loadbalancerAllowCidrs: fargate needs at least one range"):
        resources(variants="movie", images='{"shop": "shop.example/web:1"}', **NOBODY)
