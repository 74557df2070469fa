"""The load balancer: who reaches it, what it says without a treatment, and when it may be made."""

from __future__ import annotations

import pytest

from infra.settings.model import Settings
from tests.support.fargate_stack import MockedResource, of_type, only, resources

Declared = list[MockedResource]


def test_only_the_ranges_of_the_settings_reach_it_and_only_over_http(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupIngressRule")]
    front = [each for each in rules if each["securityGroupId"] == "sociometer-load-balancer-id"]
    assert {each["cidrIpv4"] for each in front} == {"203.0.113.0/24", "198.51.100.7/32"}
    assert {(each["fromPort"], each["toPort"]) for each in front} == {(80, 80)}


def test_nothing_on_aws_lets_the_world_in(declared: Declared) -> None:
    for each in of_type(declared, "SecurityGroupIngressRule"):
        assert each.inputs.get("cidrIpv4") != "0.0.0.0/0"
        assert "cidrIpv6" not in each.inputs
    assert all("ingress" not in each.inputs for each in of_type(declared, "securityGroup:SecurityGroup"))


def test_the_world_is_let_in_only_by_name() -> None:
    open_to_all = resources(loadbalancerAllowCidrs="0.0.0.0/0", loadbalancerAllowWorld="true", variants="movie")
    assert "0.0.0.0/0" in {each.inputs.get("cidrIpv4") for each in of_type(open_to_all, "SecurityGroupIngressRule")}


def test_a_request_without_a_treatment_is_not_found(declared: Declared) -> None:
    listener = only(declared, "listener:Listener").inputs
    (action,) = listener["defaultActions"]
    assert (listener["port"], listener["protocol"], action["type"]) == (80, "HTTP", "fixed-response")
    assert action["fixedResponse"]["statusCode"] == "404"


def test_it_is_public_in_the_public_subnets_and_waits_for_the_gateway(declared: Declared) -> None:
    balancer = only(declared, "loadBalancer:LoadBalancer")
    assert (balancer.inputs["internal"], balancer.inputs["loadBalancerType"]) == (False, "application")
    assert balancer.inputs["subnets"] == ["sociometer-public-1-id", "sociometer-public-2-id"]
    assert balancer.inputs["dropInvalidHeaderFields"]
    assert only(declared, "internetGateway:InternetGateway").urn in balancer.dependencies


@pytest.mark.parametrize("port", [80, 8080])
def test_it_reaches_the_tasks_on_their_ports_and_nothing_else(declared: Declared, port: int) -> None:
    (rule,) = [
        each.inputs
        for each in of_type(declared, "SecurityGroupEgressRule")
        if each.inputs["securityGroupId"] == "sociometer-load-balancer-id" and each.inputs["fromPort"] == port
    ]
    assert rule["referencedSecurityGroupId"] == "sociometer-tasks-id"
    assert {workload.port for workload in _workloads()} == {80, 8080}


def _workloads() -> list[object]:
    settings = Settings.parse({"images": {"shop": {"image": "shop:1", "port": 8080}}})
    return [settings.workload(name) for name in settings.all_variants]
