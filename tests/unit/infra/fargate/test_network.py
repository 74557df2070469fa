"""The network: its addresses, its two zones, and the only ways out of the private half."""

from __future__ import annotations

import pytest

from tests.support.fargate_stack import MockedResource, of_type, only, resources

Declared = list[MockedResource]


def test_the_vpc_has_the_range_of_the_settings_and_names(declared: Declared) -> None:
    vpc = only(declared, "ec2/vpc:Vpc").inputs
    assert (vpc["cidrBlock"], vpc["enableDnsSupport"], vpc["enableDnsHostnames"]) == ("10.13.0.0/16", True, True)


@pytest.mark.parametrize(("cidr", "last"), [("10.13.0.0/16", "10.13.192.0/18"), ("192.168.4.0/24", "192.168.4.192/26")])
def test_four_equal_subnets_lie_in_two_zones(cidr: str, last: str) -> None:
    subnets = {each.name: each.inputs for each in of_type(resources(networkCidr=cidr), "subnet:Subnet")}
    zones = {name: inputs["availabilityZone"] for name, inputs in subnets.items()}
    assert zones == {
        "sociometer-public-1": "eu-west-2a",
        "sociometer-public-2": "eu-west-2b",
        "sociometer-private-1": "eu-west-2a",
        "sociometer-private-2": "eu-west-2b",
    }
    assert len({inputs["cidrBlock"] for inputs in subnets.values()}) == 4
    assert subnets["sociometer-private-2"]["cidrBlock"] == last
    assert not any(inputs["mapPublicIpOnLaunch"] for inputs in subnets.values())


def test_only_the_public_table_leads_to_the_internet_and_nothing_is_a_nat(declared: Declared) -> None:
    (route,) = of_type(declared, "route:Route")
    assert (route.inputs["destinationCidrBlock"], route.inputs["gatewayId"]) == ("0.0.0.0/0", "sociometer-gateway-id")
    assert route.inputs["routeTableId"] == "sociometer-public-id"
    tables = {
        each.inputs["subnetId"]: each.inputs["routeTableId"] for each in of_type(declared, ":RouteTableAssociation")
    }
    assert tables == {
        "sociometer-public-1-id": "sociometer-public-id",
        "sociometer-public-2-id": "sociometer-public-id",
        "sociometer-private-1-id": "sociometer-private-1-id",
        "sociometer-private-2-id": "sociometer-private-2-id",
    }
    assert of_type(declared, "NatGateway") == []


def test_the_private_half_reaches_s3_through_a_gateway_endpoint(declared: Declared) -> None:
    endpoint = only(declared, "vpcEndpoint:VpcEndpoint", "sociometer-s3").inputs
    assert (endpoint["serviceName"], endpoint["vpcEndpointType"]) == ("com.amazonaws.eu-west-2.s3", "Gateway")
    assert endpoint["routeTableIds"] == ["sociometer-private-1-id", "sociometer-private-2-id"]


def test_the_private_half_reaches_ecr_and_logs_by_their_own_names(declared: Declared) -> None:
    found = [each.inputs for each in of_type(declared, "vpcEndpoint:VpcEndpoint")]
    interfaces = {each["serviceName"]: each for each in found if each["vpcEndpointType"] == "Interface"}
    assert set(interfaces) == {f"com.amazonaws.eu-west-2.{name}" for name in ("ecr.api", "ecr.dkr", "logs")}
    for each in interfaces.values():
        assert each["privateDnsEnabled"]
        assert each["subnetIds"] == ["sociometer-private-1-id", "sociometer-private-2-id"]
        assert each["securityGroupIds"] == ["sociometer-endpoints-id"]


def test_the_endpoints_answer_https_from_inside_the_vpc_only(declared: Declared) -> None:
    rules = [each.inputs for each in of_type(declared, "SecurityGroupIngressRule")]
    (rule,) = [each for each in rules if each["securityGroupId"] == "sociometer-endpoints-id"]
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"], rule["ipProtocol"]) == ("10.13.0.0/16", 443, 443, "tcp")


def test_everything_of_the_network_is_its_child(declared: Declared) -> None:
    network = only(declared, "sociometer:fargate:Network")
    for type_ in ("vpc:Vpc", "subnet:Subnet", "vpcEndpoint:VpcEndpoint", "routeTable:RouteTable", "route:Route"):
        assert {each.parent for each in of_type(declared, type_)} == {network.urn}
