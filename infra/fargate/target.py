"""The whole Fargate target as one component: the shared parts first, then each variant's images and services.

Nothing is looked up here: account, zones and machine image are arguments, which `infra.fargate.program` finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.fargate.bastion import Bastion, BastionArgs
from infra.fargate.beside import Beside, repositories
from infra.fargate.cluster import Cluster, ClusterArgs
from infra.fargate.containers import CONTAINER
from infra.fargate.given import GivenNetwork
from infra.fargate.images import Token, VariantImages, VariantImagesArgs
from infra.fargate.loadbalancer import LoadBalancer, LoadBalancerArgs
from infra.fargate.network import Network, NetworkArgs
from infra.fargate.own import OwnImages
from infra.fargate.registry import SOURCE, Registry, RegistryArgs
from infra.fargate.roles import Roles, RolesArgs
from infra.fargate.service import PLATFORM_VERSION, ServiceArgs, TreatmentService, priorities
from infra.forms import Form, slug
from infra.outputs import SCHEMA_VERSION
from infra.settings.model import Settings

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class FargateArgs:
    """The settings, the stack's name, and what was looked up: on AWS, and of the user's own images.

    ``place`` is a network that the user has, or the two zones of one that is made. ``ami`` is set only with a bastion,
    ``token`` only if pulumi-docker builds.
    """

    settings: Settings
    stack: str
    account: pulumi.Input[str]
    place: GivenNetwork | tuple[pulumi.Input[str], pulumi.Input[str]]
    own: OwnImages
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
        self.load_balancer = self._load_balancer() if self._settings.needs_load_balancer else None
        self.cluster = self._cluster()
        self.roles = self._roles()
        self.bastion = None if args.ami is None else self._bastion(args.ami)
        self._beside = Beside(args.own, self.registry, self._settings, self)
        variants = {variant: self._variant(variant) for variant in self._settings.all_variants}
        self.outputs: dict[str, Any] = self._shared() | {"variants": variants}
        self.register_outputs({})

    def _network(self) -> Network | GivenNetwork:
        settings, place = self._settings, self._args.place
        if isinstance(place, GivenNetwork):
            return place
        args = NetworkArgs(settings.network_cidr, settings.region, place, self._args.own.secret_services)
        return Network(self._name, args, self._child_opts)

    def _registry(self) -> Registry:
        kinds = (SOURCE, *map(slug, self._settings.forms))
        names = [f"{variant}/{kind}" for variant in self._settings.all_variants for kind in kinds]
        args = RegistryArgs(self._args.stack, [*names, *repositories(self._args.own)])
        return Registry(self._name, args, self._child_opts)

    def _load_balancer(self) -> LoadBalancer:
        network = self.network
        args = LoadBalancerArgs(
            network.vpc_id, network.load_balancer_subnet_ids, self._settings.loadbalancer_allow_cidrs
        )
        return LoadBalancer(self._name, args, network.gateway, self._child_opts)

    def _cluster(self) -> Cluster:
        settings = self._settings
        asked = filter(settings.reports_boot, settings.all_variants)
        ports = sorted({settings.workload(variant).port for variant in asked})
        args = ClusterArgs(
            stack=self._args.stack,
            vpc_id=self.network.vpc_id,
            https_targets=self.network.https_targets,
            load_balancer_group=None if self.load_balancer is None else self.load_balancer.security_group,
            ports=ports,
        )
        return Cluster(self._name, args, self._child_opts)

    def _roles(self) -> Roles:
        args = RolesArgs(
            account=self._args.account,
            region=self._settings.region,
            repository_arns=self.registry.arns,
            log_group_arn=self.cluster.log_group.arn,
            secret_arns=self._args.own.secret_arns,
            environment_files=self._args.own.environment_files,
        )
        return Roles(self._name, args, self._child_opts)

    def _bastion(self, ami: pulumi.Input[str]) -> Bastion:
        args = BastionArgs(
            partition=partition(self._settings.region),
            region=self._settings.region,
            vpc_id=self.network.vpc_id,
            subnet_id=self.network.load_balancer_subnet_ids[0],
            ami=ami,
            repository_arns=self.registry.arns,
        )
        return Bastion(f"{self._name}-bastion", args, self.network.gateway, self._child_opts)

    def _variant(self, variant: str) -> dict[str, Any]:
        """A variant's source image and its treatments, as fields of the outputs."""
        folders = {SOURCE: SOURCE, **{form: slug(form) for form in self._settings.forms}}
        repositories = {kind: self.registry.repositories[f"{variant}/{name}"] for kind, name in folders.items()}
        args = VariantImagesArgs(variant, self._settings, repositories, self._args.token, self._args.own.images)
        images = VariantImages(variant, args, self._child_opts)
        return {
            "name": variant,
            "source_image": images.source,
            "image_bytes": images.layer_bytes,
            "treatments": {form: self._treatment(variant, form, images) for form in self._settings.forms},
            **self._settings.workload(variant).outputs(),
            **self._readiness(variant),
        }

    def _readiness(self, variant: str) -> dict[str, str]:
        """What the image leaves open in the settings is known now."""
        ready = self._args.own.ready.get(variant)
        return {} if ready is None else {"ready": str(ready)}

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
            containers=self._beside.containers(variant, treatment, image, self.cluster.log_group.name),
            platform=settings.platform,
            cpu_units=settings.cpu_units,
            memory_mebibytes=settings.memory_mebibytes,
            ephemeral_storage_gib=settings.ephemeral_storage_gib,
            vpc_id=self.network.vpc_id,
            subnet_ids=self.network.task_subnet_ids,
            assign_public_ip=settings.assign_public_ip,
            security_group_ids=[self.cluster.task_group.id, *settings.security_groups],
            cluster_arn=self.cluster.arn,
            listener_arn=self._listener(variant),
            execution_role_arn=self.roles.execution.arn,
            task_role_arn=self.roles.task.arn,
            stack=self._args.stack,
        )

    def _listener(self, variant: str) -> pulumi.Output[str] | None:
        if self.load_balancer is None or not self._settings.reports_boot(variant):
            return None
        arn: pulumi.Output[str] = self.load_balancer.listener.arn
        return arn

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
                "probe": self._beside.probe_name,
                "log_group": self.cluster.log_group.name,
                "load_balancer": None if self.load_balancer is None else self.load_balancer.url,
                "platform_version": PLATFORM_VERSION,
                "cpu_units": settings.cpu_units,
                "memory_mebibytes": settings.memory_mebibytes,
                "ephemeral_storage_gib": settings.ephemeral_storage_gib,
                "network": settings.given_network,
                "bastion": None if self.bastion is None else self.bastion.output,
            },
        }


def header(variant: str, form: Form) -> str:
    """The name of a treatment in the load balancer's rules and in the log streams."""
    return f"{variant}.{slug(form)}"


def partition(region: str) -> str:
    """The AWS partition of a region; ARNs begin with it."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")
