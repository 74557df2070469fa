"""A network that the user has: what stands in it, what is made of it (nothing), and what is refused before."""

from __future__ import annotations

import pulumi
import pytest

from infra.fargate.given import RouteTable, notice, public_subnets
from infra.outputs import StackOutputs
from infra.settings.model import Settings
from tests.support import fargate_stack
from tests.support.fargate_stack import MockedResource, of_type, only, resources, run_stack
from tests.support.network_that_is_there import (
    GROUPS,
    IN_A_THIRD_ZONE,
    NOWHERE,
    OF_THE_MAIN_TABLE,
    PRIVATE,
    PUBLIC,
    SECOND_IN_ZONE_A,
    SETTINGS,
    VPC,
)

Declared = list[MockedResource]
SMALL = {"variants": "movie", **SETTINGS}


@pytest.fixture(scope="module")
def stack() -> tuple[Declared, StackOutputs]:
    """With a bastion, so that everything that knows a network is there."""
    return run_stack(**SMALL, bastion="true", securityGroups=",".join(GROUPS))


@pytest.fixture
def declared(stack: tuple[Declared, StackOutputs]) -> Declared:
    return stack[0]


def refusal(**settings: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        resources(**{**SMALL, **settings})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_of_a_network_is_made(declared: Declared) -> None:
    assert only(declared, "sociometer:fargate:Stack")
    for type_ in ("Vpc", "Subnet", "InternetGateway", "RouteTable", "RouteTableAssociation", "Route", "VpcEndpoint"):
        assert of_type(declared, f":{type_}") == []
    assert of_type(declared, "sociometer:fargate:Network") == []


def test_load_balancer_and_bastion_stand_in_public_subnets_and_tasks_in_their_own(declared: Declared) -> None:
    assert only(declared, "loadBalancer:LoadBalancer").inputs["subnets"] == list(PUBLIC)
    assert only(declared, "instance:Instance").inputs["subnetId"] == PUBLIC[0]
    for each in of_type(declared, "ecs/service:Service"):
        assert each.inputs["networkConfiguration"]["subnets"] == list(PRIVATE)
        assert each.inputs["networkConfiguration"]["assignPublicIp"] is False


def test_everything_that_belongs_to_a_vpc_belongs_to_this_one(declared: Declared) -> None:
    groups = of_type(declared, "securityGroup:SecurityGroup")
    assert {each.inputs["vpcId"] for each in (*groups, *of_type(declared, "targetGroup:TargetGroup"))} == {VPC}
    assert {each.name for each in groups} == {"sociometer-load-balancer", "sociometer-tasks", "sociometer-bastion"}


def test_groups_that_are_given_join_the_stacks_own(declared: Declared) -> None:
    for each in of_type(declared, "ecs/service:Service"):
        assert each.inputs["networkConfiguration"]["securityGroups"] == ["sociometer-tasks-id", *GROUPS]


def test_tasks_reach_everything_over_https_and_nothing_else(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupEgressRule")]
    (rule,) = [each for each in rules if each["securityGroupId"] == "sociometer-tasks-id"]
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) == ("0.0.0.0/0", 443, 443)


def test_tasks_are_still_reached_by_the_load_balancer_alone(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupIngressRule")]
    to_tasks = [each for each in rules if each["securityGroupId"] == "sociometer-tasks-id"]
    assert {each["referencedSecurityGroupId"] for each in to_tasks} == {"sociometer-load-balancer-id"}


def test_tasks_get_public_addresses_where_they_are_wanted() -> None:
    public = {"subnets": ",".join(PUBLIC), "loadBalancerSubnets": "", "assignPublicIp": "true"}
    for each in of_type(resources(**{**SMALL, **public}), "ecs/service:Service"):
        assert each.inputs["networkConfiguration"]["assignPublicIp"] is True


def test_the_outputs_name_the_network_and_none_that_the_stack_makes(stack: tuple[Declared, StackOutputs]) -> None:
    assert stack[1].fargate is not None
    assert stack[1].fargate.network == f"{VPC} ({PRIVATE[0]}, {PRIVATE[1]})"
    own = run_stack(variants="movie", ephemeralStorageGib="21")[1].fargate
    assert own is not None
    assert (own.network, own.ephemeral_storage_gib) == (None, 21)


def test_without_subnets_of_its_own_the_load_balancer_takes_the_first_of_each_zone() -> None:
    subnets = ",".join((SECOND_IN_ZONE_A, *PUBLIC, IN_A_THIRD_ZONE))
    declared = resources(**{**SMALL, "subnets": subnets, "loadBalancerSubnets": ""})
    taken = only(declared, "loadBalancer:LoadBalancer").inputs["subnets"]
    assert taken == [SECOND_IN_ZONE_A, PUBLIC[1], IN_A_THIRD_ZONE]


def test_what_tasks_need_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    resources(**SMALL)
    assert said == [notice(Settings.parse({**SMALL, "target": "fargate", "loadbalancerAllowCidrs": "203.0.113.7"}))]
    assert said[0].startswith(f"{VPC} is used as it is, and no endpoints are made in it")
    assert "ECR, S3, CloudWatch Logs, by a NAT gateway, endpoints or assignPublicIp" in said[0]


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"vpc": NOWHERE["vpc"]}, ("vpc: there is no vpc-ffffffff in eu-west-2", "aws ec2 describe-vpcs")),
        (
            {"subnets": f"{PRIVATE[0]},{NOWHERE['subnet']}"},
            ("subnets: there is no subnet-ffffffff in vpc-0123456789abcdef0", "describe-subnets", f"Values={VPC}"),
        ),
        ({"loadBalancerSubnets": f"{PUBLIC[0]},{NOWHERE['subnet']}"}, ("loadBalancerSubnets: there is no subnet-f",)),
        ({"securityGroups": NOWHERE["group"]}, ("securityGroups: there is no sg-ffffffff", "describe-security-groups")),
        (
            {"subnets": f"{PRIVATE[0]},{SECOND_IN_ZONE_A}"},
            ("subnets: ", f"{PRIVATE[0]}, {SECOND_IN_ZONE_A} lie in one zone, eu-west-2a", "two zones at least"),
        ),
        (
            {"loadBalancerSubnets": f"{PUBLIC[0]},{SECOND_IN_ZONE_A}"},
            ("loadBalancerSubnets: ", f"{SECOND_IN_ZONE_A} lie in one zone, eu-west-2a"),
        ),
        (
            {"loadBalancerSubnets": f"{PUBLIC[0]},{PUBLIC[1]},{SECOND_IN_ZONE_A}"},
            (f"{PUBLIC[0]} and {SECOND_IN_ZONE_A} lie in one zone, eu-west-2a", "one subnet"),
        ),
        (
            {"subnets": f"{PRIVATE[0]},{PRIVATE[1]},{IN_A_THIRD_ZONE}"},
            ("loadBalancerSubnets: ", f"eu-west-2c ({IN_A_THIRD_ZONE})", "could not reach them"),
        ),
        (
            {"loadBalancerSubnets": f"{PUBLIC[0]},{PRIVATE[1]}"},
            (f"loadBalancerSubnets: {PRIVATE[1]} has no route to an internet gateway",),
        ),
        (
            {"loadBalancerSubnets": f"{PUBLIC[0]},{OF_THE_MAIN_TABLE}"},
            (f"loadBalancerSubnets: {OF_THE_MAIN_TABLE} has no route to an internet gateway",),
        ),
        ({"loadBalancerSubnets": ""}, (f"loadBalancerSubnets: {PRIVATE[0]} has no route to an internet gateway",)),
        ({"assignPublicIp": "true"}, (f"assignPublicIp: {PRIVATE[0]} has no route to an internet gateway",)),
    ],
)
def test_a_network_that_cannot_do_is_refused_in_one_line(settings: dict[str, str], parts: tuple[str, ...]) -> None:
    message = refusal(**settings)
    for part in ("Setting ", *parts):
        assert part in message


def test_nothing_is_declared_of_a_network_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the provider, which looks it up."""
    recorded: list[str] = []
    note = fargate_stack._recorded
    monkeypatch.setattr(
        fargate_stack, "_recorded", lambda request, urn: recorded.append(request.type) or note(request, urn)
    )
    refusal(vpc=NOWHERE["vpc"])
    assert recorded == ["pulumi:providers:aws"]


def test_a_route_table_that_is_the_main_one_and_leads_out_makes_subnets_without_one_public() -> None:
    main = RouteTable(frozenset(), True, frozenset({"igw-1"}))
    other = RouteTable(frozenset({"b"}), False, frozenset({"vgw-1"}))
    assert public_subnets([main, other], ["a", "b"]) == {"a"}
    assert public_subnets([other], ["a", "b"]) == set()


def test_a_subnet_behind_a_firewall_s_endpoint_counts_as_public() -> None:
    table = RouteTable(frozenset({"a"}), False, frozenset({"vpce-1"}))
    assert public_subnets([table], ["a"]) == {"a"}
