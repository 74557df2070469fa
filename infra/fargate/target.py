"""The whole Fargate target as one component: the shared parts first, then each variant's images and services.

Nothing is looked up here: account, zones and machine image are arguments, which `infra.fargate.program` finds.
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
from infra.forms import Form, slug
from infra.outputs import SCHEMA_VERSION
from infra.settings.model import Settings

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class FargateArgs:
    """The settings, the stack's name, and what was looked up on AWS. ``ami`` is set only with a bastion, ``token`` only
    if pulumi-docker builds."""

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
        self._child_opts = pulumi.ResourceOptions(parent=self)
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
        args = NetworkArgs(settings.network_cidr, settings.region, self._args.zones, settings.secret_services)
        return Network(self._name, args, self._child_opts)

    def _registry(self) -> Registry:
        kinds = (SOURCE, *map(slug, self._settings.forms))
        names = [f"{variant}/{kind}" for variant in self._settings.all_variants for kind in kinds]
        return Registry(self._name, RegistryArgs(self._args.stack, names), self._child_opts)

    def _load_balancer(self) -> LoadBalancer:
        network = self.network
        args = LoadBalancerArgs(network.vpc_id, network.public_subnet_ids, self._settings.loadbalancer_allow_cidrs)
        return LoadBalancer(self._name, args, network.gateway, self._child_opts)

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
        return Cluster(self._name, args, self._child_opts)

    def _roles(self) -> Roles:
        log_group, region = self.cluster.log_group.arn, self._settings.region
        return Roles(
            self._name,
            RolesArgs(self._args.account, region, self.registry.arns, log_group, self._settings.secret_arns),
            self._child_opts,
        )

    def _bastion(self, ami: pulumi.Input[str]) -> Bastion:
        args = BastionArgs(
            partition=partition(self._settings.region),
            region=self._settings.region,
            vpc_id=self.network.vpc_id,
            subnet_id=self.network.public_subnet_ids[0],
            ami=ami,
            repository_arns=self.registry.arns,
        )
        return Bastion(f"{self._name}-bastion", args, self.network.gateway, self._child_opts)

    def _variant(self, variant: str) -> dict[str, Any]:
        """A variant's source image and its treatments, as fields of the outputs."""
        folders = {SOURCE: SOURCE, **{form: slug(form) for form in self._settings.forms}}
        repositories = {kind: self.registry.repositories[f"{variant}/{name}"] for kind, name in folders.items()}
        args = VariantImagesArgs(variant, self._settings, repositories, self._args.token)
        images = VariantImages(variant, args, self._child_opts)
        return {
            "name": variant,
            "source_image": images.source,
            "image_bytes": images.layer_bytes,
            "treatments": {form: self._treatment(variant, form, images) for form in self._settings.forms},
            **self._settings.workload(variant).outputs(),
        }

    def _treatment(self, variant: str, form: Form, images: VariantImages) -> pulumi.Output[dict[str, Any]]:
        form_image = images.forms[form]
        needs = [self.roles.execution_policy, *self.network.endpoints]
        args = self._service_args(variant, form, form_image.image)
        service = TreatmentService(f"{variant}-{slug(form)}", args, needs, self._child_opts)
        return pulumi.Output.all(treatment=form_image.treatment, service=service.output).apply(
            lambda resolved: {**resolved["treatment"], "service": resolved["service"]}
        )

    def _service_args(self, variant: str, form: Form, image: pulumi.Input[str]) -> ServiceArgs:
        settings, treatment = self._settings, header(variant, form)
        return ServiceArgs(
            header=treatment,
            priority=self._priorities[treatment],
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
                "bastion": None if self.bastion is None else self.bastion.output,
            },
        }


def header(variant: str, form: Form) -> str:
    """The name of a treatment in the load balancer's rules and in the log streams."""
    return f"{variant}.{slug(form)}"


def partition(region: str) -> str:
    """The AWS partition of a region; ARNs begin with it."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")
