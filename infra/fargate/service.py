"""A treatment's service: task definition, and an ECS service that starts without tasks.

Only the executor sets the number of tasks, so this program ignores it after creation. Tasks that serve a boot report
have a target group and a rule of the load balancer's listener; beside others stands the probe.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.fargate.containers import ContainerArgs, definitions
from infra.outputs import ROUTE_HEADER, ServiceOutput
from infra.settings.fargate import LEAST_DISK_GIB

PLATFORM_VERSION = "1.4.0"  # the one that supports lazy loading
ARCHITECTURES = {"linux/arm64": "ARM64", "linux/amd64": "X86_64"}
DEREGISTRATION_SECONDS = 10
GRACE_SECONDS = 600
"""Long enough that a booting task is never replaced because its busy CPU delays a health check."""

PRIORITIES = 50_000
"""Listener rules have priorities from 1 to 50,000 (Elastic Load Balancing API reference, CreateRule)."""


@dataclass(frozen=True)
class ServiceArgs:
    """A treatment (``header`` names it: ``variant.form``), its image by digest, and what all treatments share."""

    header: str
    priority: int
    containers: ContainerArgs
    platform: str
    cpu_units: int
    memory_mebibytes: int
    ephemeral_storage_gib: int
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    assign_public_ip: bool
    security_group_ids: Sequence[pulumi.Input[str]]
    cluster_arn: pulumi.Input[str]
    listener_arn: pulumi.Input[str] | None
    execution_role_arn: pulumi.Input[str]
    task_role_arn: pulumi.Input[str]
    stack: str


class TreatmentService(pulumi.ComponentResource):
    """One treatment on Fargate. ``needs`` must exist as long as its tasks: without the execution role's policy, a
    service that is being deleted can stay DRAINING for ever."""

    def __init__(
        self,
        name: str,
        args: ServiceArgs,
        needs: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sociometer:fargate:TreatmentService", name, None, opts)
        self._name, self._args = name, args
        self._child_opts = pulumi.ResourceOptions(parent=self)
        self.target_group: aws.lb.TargetGroup | None = None
        self.rule: aws.lb.ListenerRule | None = None
        if args.listener_arn is not None:
            self.target_group = self._target_group()
            self.rule = self._rule(args.listener_arn, self.target_group)
        self.task_definition = self._task_definition()
        self.service = self._service(needs)
        self.output: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
            name=self.service.name,
            arn=self.service.id,
            task_definition=self.task_definition.arn,
            target_group=None if self.target_group is None else self.target_group.arn,
        ).apply(self._described)
        self.register_outputs({"service": self.service.id})

    def _described(self, resolved: dict[str, str]) -> dict[str, Any]:
        header = self._args.header
        container = self._args.containers.name
        return ServiceOutput(**resolved, log_stream_prefix=header, header=header, container=container).model_dump()

    def _target_group(self) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            self._name,
            vpc_id=self._args.vpc_id,
            target_type="ip",
            port=self._port,
            protocol="HTTP",
            deregistration_delay=DEREGISTRATION_SECONDS,
            # As often as possible: a new target gets no requests before its first good answer, and rounds wait for it.
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                path=self._args.containers.workload.health_path,
                matcher="200",
                interval=5,
                timeout=4,
                healthy_threshold=2,
                unhealthy_threshold=10,
            ),
            opts=self._child_opts,
        )

    @property
    def _port(self) -> int:
        return self._args.containers.workload.port

    def _rule(self, listener_arn: pulumi.Input[str], target_group: aws.lb.TargetGroup) -> aws.lb.ListenerRule:
        header = aws.lb.ListenerRuleConditionHttpHeaderArgs(http_header_name=ROUTE_HEADER, values=[self._args.header])
        return aws.lb.ListenerRule(
            self._name,
            listener_arn=listener_arn,
            priority=self._args.priority,
            conditions=[aws.lb.ListenerRuleConditionArgs(http_header=header)],
            actions=[aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=target_group.arn)],
            opts=self._child_opts,
        )

    def _task_definition(self) -> aws.ecs.TaskDefinition:
        return aws.ecs.TaskDefinition(
            self._name,
            family=f"sociometer-{self._args.stack.replace('.', '-')}-{self._name}",
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(self._args.cpu_units),
            memory=str(self._args.memory_mebibytes),
            ephemeral_storage=_disk(self._args.ephemeral_storage_gib),
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                cpu_architecture=ARCHITECTURES[self._args.platform], operating_system_family="LINUX"
            ),
            execution_role_arn=self._args.execution_role_arn,
            task_role_arn=self._task_role(),
            pid_mode=self._existing.get("pidMode") or None,
            volumes=[_volume(volume) for volume in self._existing.get("volumes") or ()] or None,
            container_definitions=pulumi.Output.json_dumps(definitions(self._args.containers), sort_keys=True),
            opts=self._child_opts,
        )

    def _service(self, needs: Sequence[pulumi.Resource]) -> aws.ecs.Service:
        rules = [] if self.rule is None else [self.rule]
        return aws.ecs.Service(
            self._name,
            cluster=self._args.cluster_arn,
            task_definition=self.task_definition.arn,
            desired_count=0,
            launch_type="FARGATE",
            platform_version=PLATFORM_VERSION,
            availability_zone_rebalancing="DISABLED",  # it would replace tasks in the middle of a round
            # Never run more tasks than requested, not even while a new task definition is rolled out.
            deployment_minimum_healthy_percent=0,
            deployment_maximum_percent=100,
            health_check_grace_period_seconds=None if self.target_group is None else GRACE_SECONDS,
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=list(self._args.subnet_ids),
                security_groups=list(self._args.security_group_ids),
                assign_public_ip=self._args.assign_public_ip,
            ),
            load_balancers=self._balanced(),
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",  # so that tasks have the tags too
            wait_for_steady_state=False,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["desired_count"], depends_on=[*rules, *needs]),
        )

    @property
    def _existing(self) -> Mapping[str, Any]:
        existing = self._args.containers.existing
        return {} if existing is None else existing.document

    def _task_role(self) -> pulumi.Input[str]:
        role: pulumi.Input[str] | None = self._args.containers.workload.container.task_role
        return role or self._existing.get("taskRoleArn") or self._args.task_role_arn

    def _balanced(self) -> list[aws.ecs.ServiceLoadBalancerArgs] | None:
        if self.target_group is None:
            return None
        return [
            aws.ecs.ServiceLoadBalancerArgs(
                target_group_arn=self.target_group.arn,
                container_name=self._args.containers.name,
                container_port=self._port,
            )
        ]


def _volume(document: Mapping[str, Any]) -> aws.ecs.TaskDefinitionVolumeArgs:
    """A volume of the task alone, or one in EFS."""
    efs = document.get("efsVolumeConfiguration")
    if not efs:
        return aws.ecs.TaskDefinitionVolumeArgs(name=document["name"])
    access = efs.get("authorizationConfig")
    authorization = aws.ecs.TaskDefinitionVolumeEfsVolumeConfigurationAuthorizationConfigArgs
    configuration = aws.ecs.TaskDefinitionVolumeEfsVolumeConfigurationArgs(
        file_system_id=efs["fileSystemId"],
        root_directory=efs.get("rootDirectory"),
        transit_encryption=efs.get("transitEncryption"),
        transit_encryption_port=efs.get("transitEncryptionPort"),
        authorization_config=access
        and authorization(access_point_id=access.get("accessPointId"), iam=access.get("iam")),
    )
    return aws.ecs.TaskDefinitionVolumeArgs(name=document["name"], efs_volume_configuration=configuration)


def _disk(gib: int) -> aws.ecs.TaskDefinitionEphemeralStorageArgs | None:
    """A larger disk than every task has; ECS refuses that size itself."""
    return aws.ecs.TaskDefinitionEphemeralStorageArgs(size_in_gib=gib) if gib > LEAST_DISK_GIB else None


def priorities(headers: Iterable[str]) -> dict[str, int]:
    """A priority for each treatment's rule, derived from its name: adding a treatment moves no other."""
    taken: dict[int, str] = {}
    for header in sorted(headers):
        priority = zlib.crc32(header.encode()) % PRIORITIES + 1
        while priority in taken:
            priority = priority % PRIORITIES + 1
        taken[priority] = header
    return {header: priority for priority, header in taken.items()}
