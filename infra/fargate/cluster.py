"""What all tasks of a stack share: the ECS cluster, the log group for their boot reports, and their security group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.fargate.rules import HTTPS, allow_in, allow_out

LOG_DAYS = 7


@dataclass(frozen=True)
class ClusterArgs:
    """The tasks' network, where they may go over HTTPS (by name), the security group of the load balancer (nothing else
    reaches them; without one nothing does), and their ports."""

    stack: str
    vpc_id: pulumi.Input[str]
    https_targets: Mapping[str, Mapping[str, pulumi.Input[str]]]
    load_balancer_group: aws.ec2.SecurityGroup | None
    ports: Sequence[int]


class Cluster(pulumi.ComponentResource):
    """An ECS cluster, its log group, and the security group of its tasks."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Cluster", name, None, opts)
        self._child_opts = pulumi.ResourceOptions(parent=self)
        self.cluster = aws.ecs.Cluster(name, opts=self._child_opts)
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs", name=f"/sociometer/{args.stack}", retention_in_days=LOG_DAYS, opts=self._child_opts
        )
        self.task_group = aws.ec2.SecurityGroup(
            f"{name}-tasks",
            description="Tasks: reached by the load balancer, reach ECR, Logs and S3",
            vpc_id=args.vpc_id,
            opts=self._child_opts,
        )
        if args.load_balancer_group is not None:
            self._from_load_balancer(name, args.load_balancer_group, args.ports)
        for target, where in args.https_targets.items():
            allow_out(f"{name}-tasks-to-{target}", self.task_group, HTTPS, opts=self._child_opts, **where)
        self.arn: pulumi.Output[str] = self.cluster.arn
        self.register_outputs({"arn": self.arn, "log_group": self.log_group.name})

    def _from_load_balancer(self, name: str, load_balancer_group: aws.ec2.SecurityGroup, ports: Sequence[int]) -> None:
        for port in ports:
            allow_in(
                f"{name}-tasks-{port}",
                self.task_group,
                port,
                opts=self._child_opts,
                referenced_security_group_id=load_balancer_group.id,
            )
            allow_out(
                f"{name}-load-balancer-{port}",
                load_balancer_group,
                port,
                opts=self._child_opts,
                referenced_security_group_id=self.task_group.id,
            )
