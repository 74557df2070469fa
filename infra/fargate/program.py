"""The Fargate target's part of the Pulumi program: the provider, every look-up on AWS, and the stack's outputs."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from infra.fargate import tags
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
    "soci-v2-prefetch on Fargate: whether Fargate fetches what a prefetch list names is not documented, and nothing "
    "shows whether it did. The soci-snapshotter has it switched off by default."
)


def fargate(settings: Settings) -> dict[str, Any]:
    """Declare the stack on AWS, and return the fields of its outputs."""
    if any(FormSpec.parse(form).kind == "soci-v1" for form in settings.forms):
        pulumi.log.warn(V1_NOTICE)
    if any(FormSpec.parse(form).kind == "soci-v2-prefetch" for form in settings.forms):
        pulumi.log.warn(PREFETCH_NOTICE)
    stack = pulumi.get_stack()
    provider = tags.provider(settings, stack)
    invoke_opts = pulumi.InvokeOutputOptions(provider=provider)
    args = FargateArgs(
        settings=settings,
        stack=stack,
        account=aws.get_caller_identity_output(opts=invoke_opts).account_id,
        zones=_two_zones(settings.region, invoke_opts),
        ami=_machine_image(invoke_opts) if settings.bastion else None,
        token=_token(invoke_opts) if settings.built_by_docker else None,
    )
    return FargateStack(NAMESPACE, args, pulumi.ResourceOptions(providers=[provider])).outputs


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
