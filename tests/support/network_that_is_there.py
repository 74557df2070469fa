"""A network that a user has, as look-ups under Pulumi's mocks find it: two public and two private subnets in two zones,
and three public ones beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VPC = "vpc-0123456789abcdef0"
PUBLIC = ("subnet-0000000000000000a", "subnet-0000000000000000b")
PRIVATE = ("subnet-1000000000000000a", "subnet-1000000000000000b")
SECOND_IN_ZONE_A = "subnet-2000000000000000a"
IN_A_THIRD_ZONE = "subnet-0000000000000000c"
OF_THE_MAIN_TABLE = "subnet-3000000000000000b"
"""No route table is its own, so the main one is, which has no way out."""
GROUPS = ("sg-0000000000000000a", "sg-0000000000000000b")
NOWHERE = {"vpc": "vpc-ffffffff", "subnet": "subnet-ffffffff", "group": "sg-ffffffff"}
"""Ids of the right kind that nothing has."""
SETTINGS = {"vpc": VPC, "subnets": ",".join(PRIVATE), "loadBalancerSubnets": ",".join(PUBLIC)}

_ZONES = {
    subnet: f"eu-west-2{subnet[-1]}"
    for subnet in (*PUBLIC, *PRIVATE, SECOND_IN_ZONE_A, IN_A_THIRD_ZONE, OF_THE_MAIN_TABLE)
}
_TABLES: dict[str, dict[str, Any]] = {
    "rtb-main": {"associations": [{"main": True}], "routes": []},
    "rtb-public": {
        "associations": [{"main": False, "subnetId": each} for each in (*PUBLIC, SECOND_IN_ZONE_A, IN_A_THIRD_ZONE)],
        "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0123456789abcdef0"}],
    },
    "rtb-private": {
        "associations": [{"main": False, "subnetId": each} for each in PRIVATE],
        "routes": [{"cidrBlock": "0.0.0.0/0", "natGatewayId": "nat-0123456789abcdef0"}],
    },
}


def answer(token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a look-up finds. One that names the VPC in its filters finds what is in it."""
    name = token.rpartition(":")[2]
    if name == "getSubnet":
        return {"id": arguments["id"], "vpcId": VPC, "availabilityZone": _ZONES[arguments["id"]]}
    if name == "getRouteTable":
        return {"routeTableId": arguments["routeTableId"], **_TABLES[arguments["routeTableId"]]}
    filters = {each["name"]: each["values"] for each in arguments.get("filters", ())}
    vpcs = filters.get("vpc-id") or [arguments["vpcId"]]
    there = {"getVpcs": [VPC], "getSubnets": _ZONES, "getSecurityGroups": GROUPS, "getRouteTables": _TABLES}[name]
    return {"id": "eu-west-2", "ids": list(there) if vpcs == [VPC] else []}
