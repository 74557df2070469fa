"""Security group rules for one TCP port, each a separate resource so that two groups can refer to each other."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

HTTPS = 443
EVERYWHERE = "0.0.0.0/0"


def allow_in(
    name: str, group: aws.ec2.SecurityGroup, port: int, *, opts: pulumi.ResourceOptions, **source: pulumi.Input[str]
) -> None:
    """Let ``source`` (``cidr_ipv4``, ``prefix_list_id`` or ``referenced_security_group_id``) reach a port."""
    aws.vpc.SecurityGroupIngressRule(name, **_tcp(group, port), **source, opts=opts)


def allow_out(
    name: str, group: aws.ec2.SecurityGroup, port: int, *, opts: pulumi.ResourceOptions, **target: pulumi.Input[str]
) -> None:
    """Let the group's members reach a port of ``target``, given as for `allow_in`."""
    aws.vpc.SecurityGroupEgressRule(name, **_tcp(group, port), **target, opts=opts)


def _tcp(group: aws.ec2.SecurityGroup, port: int) -> dict[str, pulumi.Input[str] | int]:
    return {"security_group_id": group.id, "ip_protocol": "tcp", "from_port": port, "to_port": port}
