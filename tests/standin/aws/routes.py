"""``aws.ec2``: route table, route, association, VPC endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.standin.aws.base import picked, same_set
from tests.standin.aws.ec2 import Ec2Resource
from tests.standin.values import Properties, words


class RouteTable(Ec2Resource):
    """``aws:ec2/routeTable:RouteTable``, its routes being resources of their own."""

    inputs = words("vpcId tags")
    replaces = words("vpcId")
    computed = words("arn ownerId")
    gone = ("InvalidRouteTableID.NotFound",)
    described = ("describe_route_tables", "RouteTableIds", "RouteTables")

    def make(self, inputs: Properties) -> str:
        return str(self.client.create_route_table(VpcId=inputs["vpcId"])["RouteTable"]["RouteTableId"])

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_route_table(RouteTableId=identity)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        arn = self.aws.arn("ec2", f"route-table/{identity}")
        return {"arn": arn, "ownerId": self.aws.account, "vpcId": found["VpcId"]}


class Route(Ec2Resource):
    """``aws:ec2/route:Route``; told apart by its destination."""

    inputs = words("routeTableId destinationCidrBlock gatewayId")
    replaces = words("routeTableId destinationCidrBlock")
    computed = words("origin state")
    tagged = False
    gone = ("InvalidRouteTableID.NotFound", "InvalidRoute.NotFound")
    described = RouteTable.described

    def make(self, inputs: Properties) -> str:
        self.client.create_route(**self._arguments(inputs))
        return f"r-{inputs['routeTableId']}-{inputs['destinationCidrBlock']}"

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        self.client.replace_route(**self._arguments(new))

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_route(RouteTableId=known["routeTableId"], DestinationCidrBlock=known["destinationCidrBlock"])

    def read(self, identity: str, known: Properties) -> Properties | None:
        table = self.describe(known["routeTableId"]) or {"Routes": []}
        for route in table["Routes"]:
            if route.get("DestinationCidrBlock") == known["destinationCidrBlock"]:
                return {"gatewayId": route["GatewayId"], "origin": route["Origin"], "state": route["State"]}
        return None

    def _arguments(self, inputs: Properties) -> dict[str, Any]:
        names = {"routeTableId": "RouteTableId", "destinationCidrBlock": "DestinationCidrBlock"}
        return picked(inputs, names | {"gatewayId": "GatewayId"})


class RouteTableAssociation(Ec2Resource):
    """``aws:ec2/routeTableAssociation:RouteTableAssociation``."""

    inputs = words("subnetId routeTableId")
    replaces = words("subnetId")
    tagged = False
    gone = ("InvalidAssociationID.NotFound",)

    def make(self, inputs: Properties) -> str:
        answer = self.client.associate_route_table(SubnetId=inputs["subnetId"], RouteTableId=inputs["routeTableId"])
        return str(answer["AssociationId"])

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.disassociate_route_table(AssociationId=identity)

    def read(self, identity: str, known: Properties) -> Properties | None:
        this = {"Name": "association.route-table-association-id", "Values": [identity]}
        for table in self.client.describe_route_tables(Filters=[this])["RouteTables"]:
            for entry in table["Associations"]:
                if entry["RouteTableAssociationId"] == identity:
                    return {"subnetId": entry["SubnetId"], "routeTableId": table["RouteTableId"]}
        return None


class VpcEndpoint(Ec2Resource):
    """``aws:ec2/vpcEndpoint:VpcEndpoint``, gateway or interface."""

    inputs = words(
        "vpcId serviceName vpcEndpointType privateDnsEnabled routeTableIds subnetIds securityGroupIds policy tags"
    )
    replaces = words("vpcId serviceName vpcEndpointType")
    computed = words("arn ownerId prefixListId state cidrBlocks dnsEntries networkInterfaceIds requesterManaged")
    gone = ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
    described = ("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints")

    names: ClassVar[Mapping[str, str]] = {
        "vpcId": "VpcId",
        "serviceName": "ServiceName",
        "vpcEndpointType": "VpcEndpointType",
        "privateDnsEnabled": "PrivateDnsEnabled",
        "routeTableIds": "RouteTableIds",
        "subnetIds": "SubnetIds",
        "securityGroupIds": "SecurityGroupIds",
        "policy": "PolicyDocument",
    }

    def make(self, inputs: Properties) -> str:
        return str(self.client.create_vpc_endpoint(**picked(inputs, self.names))["VpcEndpoint"]["VpcEndpointId"])

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        found = self.describe(identity)
        assert found is not None
        groups = [group["GroupId"] for group in found.get("Groups", [])]
        has = {"routeTableIds": found.get("RouteTableIds", []), "subnetIds": found.get("SubnetIds", [])}
        arguments: dict[str, Any] = picked(new, {key: self.names[key] for key in ("privateDnsEnabled", "policy")})
        for key, before in (has | {"securityGroupIds": groups}).items():
            after = new.get(key, [])
            if key in changed:
                arguments[f"Add{self.names[key]}"] = [each for each in after if each not in before]
                arguments[f"Remove{self.names[key]}"] = [each for each in before if each not in after]
        self.client.modify_vpc_endpoint(VpcEndpointId=identity, **arguments)

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_vpc_endpoints(VpcEndpointIds=[identity])

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        return {
            "arn": self.aws.arn("ec2", f"vpc-endpoint/{identity}"),
            "ownerId": self.aws.account,
            "state": found["State"],
            "serviceName": found["ServiceName"],
            "vpcEndpointType": found["VpcEndpointType"],
            "routeTableIds": same_set(known.get("routeTableIds"), found.get("RouteTableIds", [])),
            "subnetIds": same_set(known.get("subnetIds"), found.get("SubnetIds", [])),
            "prefixListId": self._prefix_list(found),
        }

    def _prefix_list(self, found: dict[str, Any]) -> str:
        """Of a gateway endpoint: the addresses of its service, for the rules of security groups."""
        if found["VpcEndpointType"] != "Gateway":
            return ""
        named = {"Name": "prefix-list-name", "Values": [found["ServiceName"]]}
        return str(self.client.describe_prefix_lists(Filters=[named])["PrefixLists"][0]["PrefixListId"])
