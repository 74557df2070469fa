"""The Fargate target's part of the Pulumi program: the provider, every look-up on AWS, and the stack's outputs."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from infra.fargate import given, own, tags
from infra.fargate.bastion import AMI_PARAMETER
from infra.fargate.images import Token
from infra.fargate.target import FargateArgs, FargateStack
from infra.forms import FormSpec
from infra.settings.model import NAMESPACE, Settings
from kit.errors import SettingsError

V1_NOTICE = (
    "soci-v1 on Fargate: AWS looks for v1 indexes only in accounts that used them before 2025. Tasks of any other "
    "account silently pull the whole image, and their records are marked not-lazy. soci-v2 works everywhere."
)

PREFETCH_NOTICE = (
    "Prefetch lists on Fargate: whether Fargate fetches what a form's list names is not documented, and nothing "
    "shows whether it did. The soci-snapshotter has it switched off by default."
)


def fargate(settings: Settings) -> dict[str, Any]:
    """Declare the stack on AWS, and return the fields of its outputs."""
    if any(FormSpec.parse(form).kind == "soci-v1" for form in settings.forms):
        pulumi.log.warn(V1_NOTICE)
    if any(FormSpec.parse(form).prefetches for form in settings.forms):
        pulumi.log.warn(PREFETCH_NOTICE)
    stack = pulumi.get_stack()
    provider = tags.provider(settings, stack)
    invoke_opts = pulumi.InvokeOutputOptions(provider=provider)
    args = FargateArgs(
        settings=settings,
        stack=stack,
        own=own.find(settings, pulumi.log.warn),
        account=aws.get_caller_identity_output(opts=invoke_opts).account_id,
        place=_given_network(settings, provider) if settings.vpc else _two_zones(settings.region, invoke_opts),
        ami=_machine_image(invoke_opts) if settings.bastion else None,
        token=_token(invoke_opts) if settings.built_by_docker else None,
    )
    return FargateStack(NAMESPACE, args, pulumi.ResourceOptions(providers=[provider])).outputs


def _given_network(settings: Settings, provider: pulumi.ProviderResource) -> given.GivenNetwork:
    """The network that the user has. All of it is asked before anything is declared, so that a wrong id leaves nothing
    behind."""
    opts = pulumi.InvokeOptions(provider=provider)
    here = [aws.ec2.GetVpcsFilterArgsDict(name="vpc-id", values=[settings.vpc])]
    given.require_vpc(settings, aws.ec2.get_vpcs(filters=here, opts=opts).ids)
    subnets = aws.ec2.get_subnets(filters=here, opts=opts).ids
    given.require_in_vpc(settings, "subnets", settings.subnets, subnets)
    given.require_in_vpc(settings, "loadBalancerSubnets", settings.load_balancer_subnets, subnets)
    if settings.security_groups:
        groups = aws.ec2.get_security_groups(filters=here, opts=opts).ids
        given.require_in_vpc(settings, "securityGroups", settings.security_groups, groups)
    wanted = {*settings.subnets, *settings.load_balancer_subnets}
    zones = {subnet: aws.ec2.get_subnet(id=subnet, opts=opts).availability_zone for subnet in sorted(wanted)}
    tables = aws.ec2.get_route_tables(vpc_id=settings.vpc, opts=opts).ids
    network = given.placed(settings, zones, [_route_table(table, opts) for table in tables])
    pulumi.log.warn(given.notice(settings))
    return network


def _route_table(identity: str, opts: pulumi.InvokeOptions) -> given.RouteTable:
    found = aws.ec2.get_route_table(route_table_id=identity, opts=opts)
    return given.RouteTable(
        subnets=frozenset(each.subnet_id for each in found.associations if each.subnet_id),
        main=any(each.main for each in found.associations),
        ways=frozenset(way for each in found.routes for way in (each.gateway_id, each.vpc_endpoint_id) if way),
    )


def _two_zones(region: str, invoke_opts: pulumi.InvokeOutputOptions) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The region's first two regular zones: an account may have opted into local zones, which have no Fargate."""
    regular = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
    zones = aws.get_availability_zones_output(state="available", filters=[regular], opts=invoke_opts)
    names = zones.names.apply(lambda available: _at_least_two(region, available))
    return names[0], names[1]


def _at_least_two(region: str, zones: list[str]) -> list[str]:
    if len(zones) < 2:
        raise SettingsError(f"Setting region: {region} has {len(zones)} zone(s) for this account; 2 are needed.")
    return sorted(zones)


def _machine_image(invoke_opts: pulumi.InvokeOutputOptions) -> pulumi.Output[str]:
    """The AMI that a public parameter names. Pulumi marks every parameter's value as secret; this one is public."""
    return pulumi.Output.unsecret(aws.ssm.get_parameter_output(name=AMI_PARAMETER, opts=invoke_opts).value)


def _token(invoke_opts: pulumi.InvokeOutputOptions) -> Token:
    authorization = aws.ecr.get_authorization_token_output(opts=invoke_opts)
    return Token(authorization.user_name, pulumi.Output.secret(authorization.password))
