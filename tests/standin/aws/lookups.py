"""What a program may ask of a network that is there: `aws.ec2`'s functions, with the calls of the provider's data
sources (Terraform AWS provider, ``internal/service/ec2``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.standin.aws.base import pascal, picked
from tests.standin.aws.client import Aws
from tests.standin.values import Properties

Asks = Callable[[Aws, Properties], Properties]


def _vpcs(aws: Aws, arguments: Properties) -> Properties:
    return _ids(aws, _described(aws, "describe_vpcs", arguments)["Vpcs"], "VpcId")


def _subnets(aws: Aws, arguments: Properties) -> Properties:
    return _ids(aws, _described(aws, "describe_subnets", arguments)["Subnets"], "SubnetId")


def _security_groups(aws: Aws, arguments: Properties) -> Properties:
    found = _described(aws, "describe_security_groups", arguments)["SecurityGroups"]
    return _ids(aws, found, "GroupId") | {"vpcIds": [group["VpcId"] for group in found]}


def _route_tables(aws: Aws, arguments: Properties) -> Properties:
    filters = [*arguments.get("filters", []), {"name": "vpc-id", "values": [arguments["vpcId"]]}]
    return _ids(aws, _described(aws, "describe_route_tables", {"filters": filters})["RouteTables"], "RouteTableId")


def _subnet(aws: Aws, arguments: Properties) -> Properties:
    ec2, identity = aws.client("ec2"), arguments["id"]
    [found] = ec2.describe_subnets(SubnetIds=[identity])["Subnets"]
    # Its tags are asked for apart, although the description has them (the provider's tags interceptor).
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [identity]}])["Tags"]
    return {
        "id": identity,
        "vpcId": found["VpcId"],
        "availabilityZone": found["AvailabilityZone"],
        "cidrBlock": found["CidrBlock"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def _route_table(aws: Aws, arguments: Properties) -> Properties:
    identity = arguments["routeTableId"]
    filters = [{"Name": "route-table-id", "Values": [identity]}]
    described = aws.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    [found] = [table for table in described if table["RouteTableId"] == identity]  # the local server skips this filter
    return {
        "id": identity,
        "routeTableId": identity,
        "vpcId": found["VpcId"],
        "associations": [_association(entry) for entry in found["Associations"]],
        "routes": [_route(route) for route in found["Routes"] if _is_shown(route)],
    }


def _association(entry: Mapping[str, Any]) -> Properties:
    names = {"SubnetId": "subnetId", "GatewayId": "gatewayId", "RouteTableId": "routeTableId"}
    return dict.fromkeys(names.values(), "") | picked(dict(entry), names) | {"main": entry["Main"]}


def _is_shown(route: Mapping[str, Any]) -> bool:
    """Neither the local route, nor that of an S3 endpoint, which leads to a prefix list."""
    return route.get("GatewayId") != "local" and "DestinationPrefixListId" not in route


def _route(route: Mapping[str, Any]) -> Properties:
    gateway = "vpcEndpointId" if route.get("GatewayId", "").startswith("vpce-") else "gatewayId"
    names = {"DestinationCidrBlock": "cidrBlock", "GatewayId": gateway, "NatGatewayId": "natGatewayId"}
    return dict.fromkeys(("cidrBlock", "gatewayId", "natGatewayId", "vpcEndpointId"), "") | picked(dict(route), names)


def _described(aws: Aws, operation: str, arguments: Properties) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(aws.client("ec2"), operation)(Filters=pascal(arguments["filters"]))
    return answer


def _ids(aws: Aws, found: Iterable[Mapping[str, Any]], name: str) -> Properties:
    return {"id": aws.region, "ids": [str(each[name]) for each in found]}


NETWORK: Mapping[str, Asks] = {
    "aws:ec2/getVpcs": _vpcs,
    "aws:ec2/getSubnets": _subnets,
    "aws:ec2/getSubnet": _subnet,
    "aws:ec2/getSecurityGroups": _security_groups,
    "aws:ec2/getRouteTables": _route_tables,
    "aws:ec2/getRouteTable": _route_table,
}
"""By the beginnings of their tokens."""
