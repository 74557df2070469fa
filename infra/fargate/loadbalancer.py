"""The load balancer: takes HTTP on port 80 from the allowed ranges, and forwards it to the treatment a request names.

A request without a treatment's header gets a 404: nobody reaches a task by accident, and no health check or
scanner disturbs a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.fargate.rules import allow_in

HTTP = 80


@dataclass(frozen=True)
class LoadBalancerArgs:
    """Its VPC and subnets, and the IPv4 ranges (at least one) that may reach it."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    allow_cidrs: Sequence[str]


class LoadBalancer(pulumi.ComponentResource):
    """An application load balancer with one listener; the treatments' rules come with their services.

    AWS creates a public load balancer only once the VPC has its ``gateway``, and deletes the gateway only after it;
    None when it was there before.
    """

    def __init__(
        self,
        name: str,
        args: LoadBalancerArgs,
        gateway: aws.ec2.InternetGateway | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sociometer:fargate:LoadBalancer", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        self.security_group = aws.ec2.SecurityGroup(
            f"{name}-load-balancer",
            description="HTTP from the ranges that the settings allow",
            vpc_id=args.vpc_id,
            opts=child_opts,
        )
        for cidr in args.allow_cidrs:
            allow_in(
                f"{name}-from-{cidr.replace('/', '-')}", self.security_group, HTTP, opts=child_opts, cidr_ipv4=cidr
            )
        self.load_balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=False,
            security_groups=[self.security_group.id],
            subnets=list(args.subnet_ids),
            drop_invalid_header_fields=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway] if gateway else None),
        )
        self.listener = aws.lb.Listener(
            name,
            load_balancer_arn=self.load_balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[_not_found()],
            opts=child_opts,
        )
        self.url: pulumi.Output[str] = pulumi.Output.concat("http://", self.load_balancer.dns_name)
        self.register_outputs({"url": self.url})


def _not_found() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="fixed-response",
        fixed_response=aws.lb.ListenerDefaultActionFixedResponseArgs(
            content_type="text/plain", message_body="no treatment of that name", status_code="404"
        ),
    )
