"""What all tasks share: a cluster, a log group that does not grow for ever, and a security group."""

from __future__ import annotations

from tests.support.fargate_stack import MockedResource, of_type, only

Declared = list[MockedResource]


def test_logs_are_kept_for_a_week(declared: Declared) -> None:
    group = only(declared, "logGroup:LogGroup").inputs
    assert (group["name"], group["retentionInDays"]) == ("/sociometer/test", 7)


def test_there_is_one_cluster(declared: Declared) -> None:
    cluster = only(declared, "ecs/cluster:Cluster")
    services = of_type(declared, "ecs/service:Service")
    assert all(each.inputs["cluster"].endswith(f"Cluster/{cluster.name}") for each in services)


def test_tasks_are_reached_by_the_load_balancer_alone(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupIngressRule")]
    to_tasks = [each for each in rules if each["securityGroupId"] == "sociometer-tasks-id"]
    assert {each["referencedSecurityGroupId"] for each in to_tasks} == {"sociometer-load-balancer-id"}
    assert {each["fromPort"] for each in to_tasks} == {80, 8080}


def test_tasks_reach_the_endpoints_and_s3_over_https_and_nothing_else(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupEgressRule")]
    from_tasks = [each for each in rules if each["securityGroupId"] == "sociometer-tasks-id"]
    targets = {each.get("cidrIpv4") or each["prefixListId"] for each in from_tasks}
    assert targets == {"10.13.0.0/16", "pl-sociometer-s3"}
    assert {(each["fromPort"], each["toPort"]) for each in from_tasks} == {(443, 443)}
