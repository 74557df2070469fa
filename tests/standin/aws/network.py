"""``aws.ec2``: VPC, internet gateway, subnet."""

from __future__ import annotations

from typing import Any

from tests.standin.aws.base import picked
from tests.standin.aws.ec2 import Ec2Resource
from tests.standin.values import Properties, words


class Vpc(Ec2Resource):
    """``aws:ec2/vpc:Vpc``."""

    inputs = words("cidrBlock instanceTenancy enableDnsSupport enableDnsHostnames tags")
    replaces = words("cidrBlock instanceTenancy")
    computed = words("arn ownerId defaultSecurityGroupId defaultRouteTableId mainRouteTableId defaultNetworkAclId")
    gone = ("InvalidVpcID.NotFound",)
    described = ("describe_vpcs", "VpcIds", "Vpcs")

    def make(self, inputs: Properties) -> str:
        names = {"cidrBlock": "CidrBlock", "instanceTenancy": "InstanceTenancy"}
        identity = str(self.client.create_vpc(**picked(inputs, names))["Vpc"]["VpcId"])
        self.change(identity, inputs, set(inputs))
        return identity

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        # AWS takes one attribute a call; the defaults are those of the schema.
        if "enableDnsSupport" in changed:
            value = new.get("enableDnsSupport", True)
            self.client.modify_vpc_attribute(VpcId=identity, EnableDnsSupport={"Value": value})
        if "enableDnsHostnames" in changed:
            value = new.get("enableDnsHostnames", False)
            self.client.modify_vpc_attribute(VpcId=identity, EnableDnsHostnames={"Value": value})

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_vpc(VpcId=identity)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        return {
            "arn": self.aws.arn("ec2", f"vpc/{identity}"),
            "ownerId": self.aws.account,
            "cidrBlock": found["CidrBlock"],
            "instanceTenancy": found["InstanceTenancy"],
            "enableDnsSupport": self._attribute(identity, "enableDnsSupport"),
            "enableDnsHostnames": self._attribute(identity, "enableDnsHostnames"),
            **self._defaults(identity),
        }

    def _attribute(self, identity: str, name: str) -> bool:
        answer = self.client.describe_vpc_attribute(VpcId=identity, Attribute=name)
        return bool(answer[name[0].upper() + name[1:]]["Value"])

    def _defaults(self, identity: str) -> Properties:
        """What AWS makes with every VPC."""
        here = {"Name": "vpc-id", "Values": [identity]}
        named = {"Name": "group-name", "Values": ["default"]}
        group = self.client.describe_security_groups(Filters=[here, named])["SecurityGroups"][0]["GroupId"]
        main = {"Name": "association.main", "Values": ["true"]}
        table = self.client.describe_route_tables(Filters=[here, main])["RouteTables"][0]["RouteTableId"]
        return {"defaultSecurityGroupId": group, "defaultRouteTableId": table, "mainRouteTableId": table}


class InternetGateway(Ec2Resource):
    """``aws:ec2/internetGateway:InternetGateway``."""

    inputs = words("vpcId tags")
    computed = words("arn ownerId")
    gone = ("InvalidInternetGatewayID.NotFound", "Gateway.NotAttached")
    described = ("describe_internet_gateways", "InternetGatewayIds", "InternetGateways")

    def make(self, inputs: Properties) -> str:
        identity = str(self.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
        self.client.attach_internet_gateway(InternetGatewayId=identity, VpcId=inputs["vpcId"])
        return identity

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.detach_internet_gateway(InternetGatewayId=identity, VpcId=known["vpcId"])
        self.client.delete_internet_gateway(InternetGatewayId=identity)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        arn = self.aws.arn("ec2", f"internet-gateway/{identity}")
        return {"arn": arn, "ownerId": self.aws.account, "vpcId": found["Attachments"][0]["VpcId"]}


class Subnet(Ec2Resource):
    """``aws:ec2/subnet:Subnet``."""

    inputs = words("vpcId cidrBlock availabilityZone mapPublicIpOnLaunch tags")
    replaces = words("vpcId cidrBlock availabilityZone")
    computed = words("arn ownerId availabilityZoneId")
    gone = ("InvalidSubnetID.NotFound",)
    described = ("describe_subnets", "SubnetIds", "Subnets")

    def make(self, inputs: Properties) -> str:
        names = {"vpcId": "VpcId", "cidrBlock": "CidrBlock", "availabilityZone": "AvailabilityZone"}
        identity = str(self.client.create_subnet(**picked(inputs, names))["Subnet"]["SubnetId"])
        self.change(identity, inputs, set(inputs))
        return identity

    def change(self, identity: str, new: Properties, changed: set[str]) -> None:
        if "mapPublicIpOnLaunch" in changed:
            value = new.get("mapPublicIpOnLaunch", False)
            self.client.modify_subnet_attribute(SubnetId=identity, MapPublicIpOnLaunch={"Value": value})

    def unmake(self, identity: str, known: Properties) -> None:
        self.client.delete_subnet(SubnetId=identity)

    def properties(self, identity: str, found: dict[str, Any], known: Properties) -> Properties:
        return {
            "arn": self.aws.arn("ec2", f"subnet/{identity}"),
            "ownerId": self.aws.account,
            "vpcId": found["VpcId"],
            "cidrBlock": found["CidrBlock"],
            "availabilityZone": found["AvailabilityZone"],
            "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        }
