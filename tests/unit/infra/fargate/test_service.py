"""A treatment's service: what its task is, how it is found, and that it runs nothing by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.fargate.service import priorities
from infra.outputs import ROUTE_HEADER, StackOutputs
from tests.support.fargate_stack import HOST, MockedResource, digest, of_type, only, resources

Declared = list[MockedResource]
TREATMENTS = [
    f"{variant}-{form}" for variant in ("movie", "parquet", "shop") for form in ("plain", "soci-v1", "soci-v2")
]


def container(declared: Declared, name: str) -> dict[str, Any]:
    definition = only(declared, "taskDefinition:TaskDefinition", name).inputs
    (found,) = json.loads(definition["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def test_every_treatment_has_a_service_a_task_definition_a_target_group_and_a_rule(declared: Declared) -> None:
    for type_ in ("ecs/service:Service", ":TaskDefinition", "targetGroup:TargetGroup", "listenerRule:ListenerRule"):
        assert sorted(each.name for each in of_type(declared, type_)) == TREATMENTS


def test_tasks_are_fargates_smallest_on_arm_by_default(declared: Declared) -> None:
    for each in of_type(declared, "taskDefinition:TaskDefinition"):
        assert (each.inputs["cpu"], each.inputs["memory"]) == ("256", "512")
        assert each.inputs["requiresCompatibilities"] == ["FARGATE"]
        assert each.inputs["networkMode"] == "awsvpc"
        assert each.inputs["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}


def test_tasks_are_as_large_and_of_the_architecture_that_the_settings_say() -> None:
    declared = resources(platform="linux/amd64", cpuUnits="1024", memoryMebibytes="4096", variants="movie")
    definition = only(declared, "taskDefinition:TaskDefinition", "movie-plain").inputs
    assert (definition["cpu"], definition["memory"]) == ("1024", "4096")
    assert definition["runtimePlatform"]["cpuArchitecture"] == "X86_64"


def test_a_task_has_the_disk_that_every_task_has_unless_a_larger_one_is_asked_for() -> None:
    for asked, given in (("20", None), ("21", {"sizeInGib": 21})):
        declared = resources(variants="movie", ephemeralStorageGib=asked)
        definition = only(declared, "taskDefinition:TaskDefinition", "movie-plain").inputs
        assert definition.get("ephemeralStorage") == given


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_image_is_the_forms_own_by_digest(declared: Declared, name: str) -> None:
    variant, _, form = name.partition("-")
    assert container(declared, name)["image"] == f"{HOST}/sociometer/test/{variant}/{form}@{digest(name)}"


def test_logs_go_to_a_stream_that_names_the_treatment_and_hold_up_nothing(declared: Declared) -> None:
    logging = container(declared, "movie-soci-v2")["logConfiguration"]
    assert logging["logDriver"] == "awslogs"
    assert logging["options"] == {
        "awslogs-group": "/sociometer/test",
        "awslogs-region": "eu-west-2",
        "awslogs-stream-prefix": "movie.soci-v2",
        "mode": "non-blocking",
        "max-buffer-size": "1m",
    }


def test_an_own_image_is_asked_on_its_own_port_and_path(declared: Declared) -> None:
    assert container(declared, "shop-plain")["portMappings"][0]["containerPort"] == 8080
    group = only(declared, "targetGroup:TargetGroup", "shop-plain").inputs
    assert (group["port"], group["healthCheck"]["path"]) == (8080, "/up")
    balancer = only(declared, "ecs/service:Service", "shop-plain").inputs["loadBalancers"][0]
    assert (balancer["containerName"], balancer["containerPort"]) == ("workload", 8080)


def test_targets_are_addresses_that_are_asked_often_and_let_go_soon(declared: Declared) -> None:
    for each in of_type(declared, "targetGroup:TargetGroup"):
        assert (each.inputs["targetType"], each.inputs["protocol"]) == ("ip", "HTTP")
        assert each.inputs["deregistrationDelay"] == 10
    health = only(declared, "targetGroup:TargetGroup", "movie-plain").inputs["healthCheck"]
    assert (health["path"], health["matcher"]) == ("/", "200")
    assert health["timeout"] < health["interval"] == 5, "the shortest that there is"


def test_a_rule_forwards_the_treatments_header_to_its_target_group(declared: Declared) -> None:
    rule = only(declared, "listenerRule:ListenerRule", "parquet-soci-v2").inputs
    (condition,) = rule["conditions"]
    assert condition["httpHeader"] == {"httpHeaderName": ROUTE_HEADER, "values": ["parquet.soci-v2"]}
    (action,) = rule["actions"]
    assert action["type"] == "forward"
    assert action["targetGroupArn"].endswith("TargetGroup/parquet-soci-v2")


def test_a_service_runs_no_task_by_itself_and_its_count_is_the_executors(declared: Declared) -> None:
    for each in of_type(declared, "ecs/service:Service"):
        assert each.inputs["desiredCount"] == 0
        assert each.ignore_changes == ("desiredCount",)


def test_nothing_moves_or_replaces_a_task_during_a_round(declared: Declared) -> None:
    for each in of_type(declared, "ecs/service:Service"):
        assert each.inputs["availabilityZoneRebalancing"] == "DISABLED"
        assert each.inputs["healthCheckGracePeriodSeconds"] == 600
        assert (each.inputs["deploymentMinimumHealthyPercent"], each.inputs["deploymentMaximumPercent"]) == (0, 100)


def test_tasks_run_in_private_subnets_on_the_platform_that_loads_lazily(declared: Declared) -> None:
    for each in of_type(declared, "ecs/service:Service"):
        assert (each.inputs["launchType"], each.inputs["platformVersion"]) == ("FARGATE", "1.4.0")
        network = each.inputs["networkConfiguration"]
        assert network["subnets"] == ["sociometer-private-1-id", "sociometer-private-2-id"]
        assert network["securityGroups"] == ["sociometer-tasks-id"]
        assert network["assignPublicIp"] is False


def test_a_service_goes_before_what_its_draining_tasks_need(declared: Declared) -> None:
    service = only(declared, "ecs/service:Service", "movie-plain")
    needed = {
        only(declared, "rolePolicy:RolePolicy", "sociometer-execution").urn,
        only(declared, "listenerRule:ListenerRule", "movie-plain").urn,
        *(only(declared, ":VpcEndpoint", f"sociometer-{name}").urn for name in ("ecr-api", "ecr-dkr", "logs")),
    }
    assert needed <= service.dependencies


def test_tasks_carry_the_tags_of_their_service(declared: Declared) -> None:
    assert {each.inputs["propagateTags"] for each in of_type(declared, "ecs/service:Service")} == {"SERVICE"}


def test_a_treatments_resources_are_children_of_its_component(declared: Declared) -> None:
    component = only(declared, "sociometer:fargate:TreatmentService", "movie-plain")
    for type_ in ("ecs/service:Service", ":TaskDefinition", "targetGroup:TargetGroup", "listenerRule:ListenerRule"):
        assert only(declared, type_, "movie-plain").parent == component.urn


def test_the_outputs_say_how_each_treatments_tasks_are_told_apart(outputs: StackOutputs) -> None:
    treatment = outputs.variants["shop"].treatments["soci-v2"]
    service = treatment.service
    assert service is not None
    assert (service.name, service.header, service.log_stream_prefix) == ("shop-soci-v2", "shop.soci-v2", "shop.soci-v2")
    assert service.arn.endswith("Service/shop-soci-v2")
    assert service.target_group.endswith("TargetGroup/shop-soci-v2")
    assert (outputs.variants["shop"].port, outputs.variants["shop"].health_path) == (8080, "/up")


def test_a_treatment_that_is_added_moves_no_other_rule() -> None:
    few = priorities(["movie.plain", "movie.soci-v2"])
    many = priorities(["movie.plain", "movie.soci-v1", "movie.soci-v2", "shop.plain"])
    assert few.items() <= many.items()


def test_priorities_are_ones_that_a_listener_takes_and_no_two_the_same() -> None:
    drawn = priorities(f"variant-{number}.plain" for number in range(2000))
    assert len(set(drawn.values())) == len(drawn) == 2000, "some of so many are drawn twice"
    assert all(1 <= priority <= 50_000 for priority in drawn.values())
