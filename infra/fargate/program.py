"""The Fargate target's part of the Pulumi program: the provider, every look-up on AWS, and the stack's outputs."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from infra.fargate import tags
from infra.fargate.bastion import AMI_PARAMETER
from infra.fargate.images import Token
from infra.fargate.target import FargateArgs, FargateStack
from infra.settings.model import NAMESPACE, Settings
from kit.errors import SettingsError

V1_NOTICE = (
    "soci-v1 on Fargate: AWS looks for such indexes only in accounts that used them before 2025; tasks of any other "
    "account pull the whole image without saying so, and their records are marked not-lazy. soci-v2 works everywhere."
)


def fargate(settings: Settings) -> dict[str, Any]:
    """Declare the stack on AWS; gives the fields of its outputs."""
    if "soci-v1" in settings.forms:
        pulumi.log.warn(V1_NOTICE)
    stack = pulumi.get_stack()
    provider = tags.provider(settings, stack)
    asking = pulumi.InvokeOutputOptions(provider=provider)
    args = FargateArgs(
        settings=settings,
        stack=stack,
        account=aws.get_caller_identity_output(opts=asking).account_id,
        zones=_two_zones(settings.region, asking),
        ami=_machine_image(asking) if settings.bastion else None,
        token=_token(asking) if settings.built_by_docker else None,
    )
    return FargateStack(NAMESPACE, args, pulumi.ResourceOptions(providers=[provider])).outputs


def _two_zones(region: str, asking: pulumi.InvokeOutputOptions) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The first two of the region's own zones: an account may have opted into local zones, which have no Fargate."""
    own = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
    found = aws.get_availability_zones_output(state="available", filters=[own], opts=asking)
    names = found.names.apply(lambda zones: _at_least_two(region, zones))
    return names[0], names[1]


def _at_least_two(region: str, zones: list[str]) -> list[str]:
    if len(zones) < 2:
        raise SettingsError(f"Setting region: {region} has {len(zones)} zone(s) for this account; 2 are needed.")
    return sorted(zones)


def _machine_image(asking: pulumi.InvokeOutputOptions) -> pulumi.Output[str]:
    """A public parameter, which AWS hands over as a secret like any other."""
    return pulumi.Output.unsecret(aws.ssm.get_parameter_output(name=AMI_PARAMETER, opts=asking).value)


def _token(asking: pulumi.InvokeOutputOptions) -> Token:
    found = aws.ecr.get_authorization_token_output(opts=asking)
    return Token(found.user_name, pulumi.Output.secret(found.password))
