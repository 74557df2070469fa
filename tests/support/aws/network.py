"""A network as a user has it before any stack: on the local AWS server, made with boto3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.aws.server import REGION, AwsServer

CIDR = "10.77.0.0/16"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Network:
    """Ids: a VPC, a public and a private subnet in each of two zones, and a security group."""

    vpc: str
    public: tuple[str, ...]
    private: tuple[str, ...]
    group: str


def make_network(server: AwsServer) -> Network:
    """The public subnets have a route table of their own, the private ones none."""
    ec2 = server.client("ec2")
    vpc = str(ec2.create_vpc(CidrBlock=CIDR)["Vpc"]["VpcId"])
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway)
    public = tuple(make_subnet(ec2, vpc, number, zone) for number, zone in enumerate("ab"))
    for subnet in public:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    private = tuple(make_subnet(ec2, vpc, number, zone) for number, zone in enumerate("ab", start=2))
    group = ec2.create_security_group(GroupName="databases", Description="of the tests", VpcId=vpc)["GroupId"]
    return Network(vpc, public, private, str(group))


def make_subnet(ec2: Any, vpc: str, number: int, zone: str) -> str:
    """One /24 of the VPC's range."""
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
    return str(made["Subnet"]["SubnetId"])
