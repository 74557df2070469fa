"""The network: the stack's own VPC, with two public subnets for the load balancer and two private ones for tasks.

Tasks reach only ECR, CloudWatch Logs, S3 (where ECR keeps layers) and what holds their secrets, through endpoints.
There is no NAT gateway, so every task pulls over the same short path, and none can reach the internet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from infra.fargate.rules import EVERYWHERE, HTTPS, allow_in

INTERFACE_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs")


@dataclass(frozen=True)
class NetworkArgs:
    """``cidr`` is the VPC's range, split into four equal subnets; ``zones`` are their two availability zones."""

    cidr: str
    region: str
    zones: tuple[pulumi.Input[str], pulumi.Input[str]]
    secret_services: tuple[str, ...] = ()
    """Where ECS reads secrets for the tasks: `secretsmanager`, `ssm`. Each needs an endpoint of its own."""


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes and endpoints."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Network", name, None, opts)
        self._name, self._args = name, args
        self._child_opts = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # the endpoints' private names need both
            tags={"Name": name},
            opts=self._child_opts,
        )
        blocks = list(IPv4Network(args.cidr).subnets(prefixlen_diff=2))
        public, private = self._subnets("public", blocks[:2]), self._subnets("private", blocks[2:])
        self._route_to_internet(public)
        private_tables = self._private_routes(private)
        self.s3_endpoint = self._gateway_endpoint(private_tables)
        self.endpoints = self._interface_endpoints(private)
        self.vpc_id: pulumi.Output[str] = self.vpc.id
        self.load_balancer_subnet_ids: list[pulumi.Output[str]] = [subnet.id for subnet in public]
        self.task_subnet_ids: list[pulumi.Output[str]] = [subnet.id for subnet in private]
        self.https_targets: Mapping[str, Mapping[str, pulumi.Input[str]]] = {
            "endpoints": {"cidr_ipv4": args.cidr},
            "s3": {"prefix_list_id": self.s3_endpoint.prefix_list_id},
        }
        self.register_outputs({"vpc_id": self.vpc_id})

    def _subnets(self, kind: str, blocks: Sequence[IPv4Network]) -> list[aws.ec2.Subnet]:
        return [
            aws.ec2.Subnet(
                f"{self._name}-{kind}-{number}",
                vpc_id=self.vpc.id,
                cidr_block=str(block),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={"Name": f"{self._name}-{kind}-{number}"},
                opts=self._child_opts,
            )
            for number, (block, zone) in enumerate(zip(blocks, self._args.zones, strict=True), start=1)
        ]

    def _route_to_internet(self, subnets: Sequence[aws.ec2.Subnet]) -> None:
        self.gateway = aws.ec2.InternetGateway(f"{self._name}-gateway", vpc_id=self.vpc.id, opts=self._child_opts)
        table = self._table("public", subnets)
        aws.ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=self.gateway.id,
            opts=self._child_opts,
        )

    def _private_routes(self, subnets: Sequence[aws.ec2.Subnet]) -> list[aws.ec2.RouteTable]:
        """One table per subnet, with no routes but the local one and the S3 endpoint's."""
        return [self._table(f"private-{number}", [subnet]) for number, subnet in enumerate(subnets, start=1)]

    def _table(self, kind: str, subnets: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        table = aws.ec2.RouteTable(
            f"{self._name}-{kind}", vpc_id=self.vpc.id, tags={"Name": f"{self._name}-{kind}"}, opts=self._child_opts
        )
        for number, subnet in enumerate(subnets, start=1):
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{kind}-{number}", route_table_id=table.id, subnet_id=subnet.id, opts=self._child_opts
            )
        return table

    def _gateway_endpoint(self, tables: Sequence[aws.ec2.RouteTable]) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self._args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            opts=self._child_opts,
        )

    def _interface_endpoints(self, subnets: Sequence[aws.ec2.Subnet]) -> list[aws.ec2.VpcEndpoint]:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-endpoints",
            description="HTTPS from inside the VPC to the interface endpoints",
            vpc_id=self.vpc.id,
            opts=self._child_opts,
        )
        allow_in(f"{self._name}-endpoints-https", group, HTTPS, opts=self._child_opts, cidr_ipv4=self._args.cidr)
        return [
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self.vpc.id,
                service_name=f"com.amazonaws.{self._args.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.id for subnet in subnets],
                security_group_ids=[group.id],
                opts=self._child_opts,
            )
            for service in (*INTERFACE_ENDPOINTS, *self._args.secret_services)
        ]
