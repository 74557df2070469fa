"""The whole Fargate target as one component: shared rooms first, then each variant's images and services.

No look-up happens here: account, zones and machine image are arguments, found by `infra.fargate.program`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.fargate.bastion import Bastion, BastionArgs
from infra.fargate.cluster import Cluster, ClusterArgs
from infra.fargate.images import Token, VariantImages, VariantImagesArgs
from infra.fargate.loadbalancer import LoadBalancer, LoadBalancerArgs
from infra.fargate.network import Network, NetworkArgs
from infra.fargate.registry import SOURCE, Registry, RegistryArgs
from infra.fargate.roles import Roles, RolesArgs
from infra.fargate.service import CONTAINER, PLATFORM_VERSION, ServiceArgs, TreatmentService, priorities
from infra.outputs import SCHEMA_VERSION, Form
from infra.settings.model import Settings

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class FargateArgs:
    """The settings, the stack's name, and what was looked up on AWS; ``ami`` only with a bastion, ``token`` only when
    pulumi-docker builds."""

    settings: Settings
    stack: str
    account: pulumi.Input[str]
    zones: tuple[pulumi.Input[str], pulumi.Input[str]]
    ami: pulumi.Input[str] | None = None
    token: Token | None = None


class FargateStack(pulumi.ComponentResource):
    """Everything on AWS; ``outputs`` has the fields of `StackOutputs`."""

    def __init__(self, name: str, args: FargateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sociometer:fargate:Stack", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        self._inside = pulumi.ResourceOptions(parent=self)
        self._priorities = priorities(
            header(variant, form) for variant in self._settings.all_variants for form in self._settings.forms
        )
        self.network = self._network()
        self.registry = self._registry()
        self.load_balancer = self._load_balancer()
        self.cluster = self._cluster()
        self.roles = self._roles()
        self.bastion = None if args.ami is None else self._bastion(args.ami)
        variants = {variant: self._variant(variant) for variant in self._settings.all_variants}
        self.outputs: dict[str, Any] = self._shared() | {"variants": variants}
        self.register_outputs({})

    def _network(self) -> Network:
        settings = self._settings
        return Network(self._name, NetworkArgs(settings.network_cidr, settings.region, self._args.zones), self._inside)

    def _registry(self) -> Registry:
        kinds = (SOURCE, *self._settings.forms)
        names = [f"{variant}/{kind}" for variant in self._settings.all_variants for kind in kinds]
        return Registry(self._name, RegistryArgs(self._args.stack, names), self._inside)

    def _load_balancer(self) -> LoadBalancer:
        network = self.network
        args = LoadBalancerArgs(network.vpc_id, network.public_subnet_ids, self._settings.loadbalancer_allow_cidrs)
        return LoadBalancer(self._name, args, network.gateway, self._inside)

    def _cluster(self) -> Cluster:
        ports = sorted({self._settings.workload(variant).port for variant in self._settings.all_variants})
        args = ClusterArgs(
            stack=self._args.stack,
            vpc_id=self.network.vpc_id,
            vpc_cidr=self._settings.network_cidr,
            s3_prefix_list_id=self.network.s3_prefix_list_id,
            load_balancer_group=self.load_balancer.security_group,
            ports=ports,
        )
        return Cluster(self._name, args, self._inside)

    def _roles(self) -> Roles:
        log_group, region = self.cluster.log_group.arn, self._settings.region
        return Roles(self._name, RolesArgs(self._args.account, region, self.registry.arns, log_group), self._inside)

    def _bastion(self, ami: pulumi.Input[str]) -> Bastion:
        args = BastionArgs(
            partition=partition(self._settings.region),
            vpc_id=self.network.vpc_id,
            subnet_id=self.network.public_subnet_ids[0],
            ami=ami,
            repository_arns=self.registry.arns,
        )
        return Bastion(f"{self._name}-bastion", args, self.network.gateway, self._inside)

    def _variant(self, variant: str) -> dict[str, Any]:
        """A workload's source image and its treatments, as the outputs describe them."""
        kinds = (SOURCE, *self._settings.forms)
        repositories = {kind: self.registry.repositories[f"{variant}/{kind}"] for kind in kinds}
        args = VariantImagesArgs(variant, self._settings, repositories, self._args.token)
        images = VariantImages(variant, args, self._inside)
        return {
            "name": variant,
            "source_image": images.source,
            "image_bytes": images.layer_bytes,
            "treatments": {form: self._treatment(variant, form, images) for form in self._settings.forms},
            **self._settings.workload(variant).outputs(),
        }

    def _treatment(self, variant: str, form: Form, images: VariantImages) -> pulumi.Output[dict[str, Any]]:
        made = images.forms[form]
        needs = [self.roles.execution_policy, *self.network.endpoints]
        args = self._service_args(variant, form, made.image)
        service = TreatmentService(f"{variant}-{form}", args, needs, self._inside)
        return pulumi.Output.all(treatment=made.treatment, service=service.output).apply(
            lambda known: {**known["treatment"], "service": known["service"]}
        )

    def _service_args(self, variant: str, form: Form, image: pulumi.Input[str]) -> ServiceArgs:
        settings, named = self._settings, header(variant, form)
        return ServiceArgs(
            header=named,
            priority=self._priorities[named],
            image=image,
            workload=settings.workload(variant),
            platform=settings.platform,
            cpu_units=settings.cpu_units,
            memory_mebibytes=settings.memory_mebibytes,
            region=settings.region,
            vpc_id=self.network.vpc_id,
            subnet_ids=self.network.private_subnet_ids,
            security_group_id=self.cluster.task_group.id,
            cluster_arn=self.cluster.arn,
            log_group=self.cluster.log_group.name,
            listener_arn=self.load_balancer.listener.arn,
            execution_role_arn=self.roles.execution.arn,
            task_role_arn=self.roles.task.arn,
            stack=self._args.stack,
        )

    def _shared(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "schema_version": SCHEMA_VERSION,
            "target": settings.target,
            "platform": settings.platform,
            "registry": self.registry.host,
            "fargate": {
                "account": self._args.account,
                "region": settings.region,
                "cluster": self.cluster.arn,
                "container": CONTAINER,
                "log_group": self.cluster.log_group.name,
                "load_balancer": self.load_balancer.url,
                "platform_version": PLATFORM_VERSION,
                "cpu_units": settings.cpu_units,
                "memory_mebibytes": settings.memory_mebibytes,
            },
        }


def header(variant: str, form: Form) -> str:
    """What names a treatment to the load balancer and in the log streams."""
    return f"{variant}.{form}"


def partition(region: str) -> str:
    """The partition of AWS that a region lies in; ARNs begin with it."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")
