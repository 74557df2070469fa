"""The settings of a Fargate stack's network: one that the stack makes, or one that the user has.

What can be told from the words alone is checked here; whether such a network exists, `infra.fargate.given` checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from infra.settings.values import Cidr, SettingsModel, parse_list

NETWORK_CIDR = "10.13.0.0/16"
_ID = "[0-9a-f]{8}([0-9a-f]{9})?"  # eight digits are of things made before 2018
_EXAMPLE = "0123456789abcdef0"
SUBNETS_LIMIT, GROUPS_LIMIT = 16, 5
"""Of a service's tasks (Amazon ECS API reference, AwsVpcConfiguration)."""
LEAST_SUBNETS = 2
"""A load balancer needs two zones, and tasks in the same ones are reached without crossing zones."""


def _id(kind: str) -> Callable[[str], str]:
    """A check that a text is an id of this kind."""

    def checked(value: str) -> str:
        if not re.fullmatch(f"{kind}-{_ID}", value):
            raise ValueError(f"write an id such as {kind}-{_EXAMPLE}")
        return value

    return checked


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


Subnets = Annotated[
    tuple[Annotated[str, AfterValidator(_id("subnet"))], ...],
    BeforeValidator(parse_list),
    AfterValidator(_each_once),
    Field(max_length=SUBNETS_LIMIT),
]
Groups = Annotated[
    tuple[Annotated[str, AfterValidator(_id("sg"))], ...],
    BeforeValidator(parse_list),
    AfterValidator(_each_once),
    Field(max_length=GROUPS_LIMIT - 1),
]


class NetworkSettings(SettingsModel):
    """Where tasks and load balancer stand. Without ``vpc`` the stack makes all of it, in ``network_cidr``."""

    network_cidr: Cidr = NETWORK_CIDR
    vpc: str = ""
    subnets: Subnets = ()
    load_balancer_subnets: Subnets = ()
    security_groups: Groups = ()
    assign_public_ip: bool = False

    @property
    def front_subnets(self) -> tuple[str, ...]:
        """Of a given network, the subnets that the load balancer may stand in."""
        return self.load_balancer_subnets or self.subnets

    @property
    def given_network(self) -> str | None:
        """What tasks pull through, in one text; None in a network that the stack makes, which is always the same."""
        if not self.vpc:
            return None
        addresses = ", public addresses" if self.assign_public_ip else ""
        return f"{self.vpc} ({', '.join(sorted(self.subnets))}{addresses})"

    @field_validator("network_cidr", mode="after")
    @classmethod
    def _room_for_four_subnets(cls, value: str) -> str:
        if not 16 <= IPv4Network(value).prefixlen <= 24:
            raise ValueError("a VPC of four subnets needs a range between /16 and /24")
        return value

    @field_validator("vpc", mode="after")
    @classmethod
    def _names_a_vpc(cls, value: str) -> str:
        return value and _id("vpc")(value)

    @model_validator(mode="after")
    def _a_whole_network_or_none(self) -> Self:
        complaint = self._complaint_in_given_network() if self.vpc else self._complaint_in_own_network()
        if complaint:
            raise ValueError(complaint)
        return self

    def _complaint_in_own_network(self) -> str | None:
        for name in ("subnets", "load_balancer_subnets", "security_groups", "assign_public_ip"):
            if getattr(self, name):
                key = type(self).model_fields[name].alias
                return f"{key}: this is for a network that you have; name it with vpc, or leave {key} out"
        return None

    def _complaint_in_given_network(self) -> str | None:
        # The default always comes along, from Pulumi.yaml, so that it cannot be told from the same value given.
        if self.network_cidr != NETWORK_CIDR:
            return (
                f"networkCidr: {self.network_cidr} is for a network that the stack makes, but vpc names {self.vpc}; "
                "leave out one of them"
            )
        if len(self.subnets) < LEAST_SUBNETS:
            return f"subnets: tasks in {self.vpc} need at least two subnets, in two zones{_given(self.subnets)}"
        if self.load_balancer_subnets and len(self.load_balancer_subnets) < LEAST_SUBNETS:
            needs = "a load balancer needs at least two subnets, in two zones"
            return f"loadBalancerSubnets: {needs}{_given(self.load_balancer_subnets)}, or leave it out"
        return None


def _given(values: tuple[str, ...]) -> str:
    return f"; given: {', '.join(values) or 'none'}"
