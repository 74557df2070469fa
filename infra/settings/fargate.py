"""The settings that only the Fargate target reads; the lab checks them but does not use them.

Nothing is open to the world by default, and nothing depends on the clock: the date in the tags is a setting, so that
an unchanged program gives no diff tomorrow.
"""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from infra.forms import FormSpec, slug
from infra.settings.network import NetworkSettings
from infra.settings.values import Cidr, parse_list

ANY_TIME = "any-time"
"""The tag's value when nobody named a date: the stack is an experiment and may be deleted."""

REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"
OWNER = r"^[A-Za-z0-9 .:/=+@_-]+$"  # a part of what AWS allows in a tag's value
TARGET_GROUP_NAME_LIMIT = 32
"""Elastic Load Balancing API reference, CreateTargetGroup. pulumi-aws rejects a longer name and never shortens one."""
RANDOM_SUFFIX = len("-0123456")
"""The length of the suffix that Pulumi appends to the names it generates."""

_GIB = 1024
MEMORY: dict[int, range] = {
    256: range(512, 2 * _GIB + 1, 512),
    512: range(_GIB, 4 * _GIB + 1, _GIB),
    1024: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2048: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4096: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8192: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16384: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
}
"""The memory sizes in MiB that each CPU size allows ("Task size" in the Amazon ECS developer guide)."""

LEAST_DISK_GIB = 20
"""What a task has unasked; up to 200 can be asked for ("Fargate task ephemeral storage" in the same guide)."""

WORLD_PREFIX = 8
"""A range with a shorter prefix counts as the world: two halves of the internet are as large as the whole."""


class FargateSettings(NetworkSettings):
    """Where a Fargate stack runs, how large its tasks are, and who may reach them."""

    region: str = Field(default="eu-west-2", pattern=REGION)
    loadbalancer_allow_cidrs: Annotated[tuple[Cidr, ...], BeforeValidator(parse_list)] = ()
    loadbalancer_allow_world: bool = False
    cpu_units: int = 256
    memory_mebibytes: int = 512
    ephemeral_storage_gib: int = Field(default=LEAST_DISK_GIB, ge=LEAST_DISK_GIB, le=200)
    builder: Literal["docker", "buildkit"] = "docker"
    bastion: bool = False
    owner: str = Field(default="unnamed", max_length=256, pattern=OWNER)
    delete_after: str = ""

    @field_validator("cpu_units", mode="after")
    @classmethod
    def _known_cpu_size(cls, value: int) -> int:
        if value not in MEMORY:
            raise ValueError(f"allowed: {', '.join(map(str, MEMORY))}")
        return value

    @field_validator("delete_after", mode="before")
    @classmethod
    def _iso_date(cls, value: Any) -> Any:
        if value in ("", ANY_TIME):
            return ""
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            raise ValueError("write the date as 2027-01-31, or leave it out") from error

    @model_validator(mode="after")
    def _memory_goes_with_cpu(self) -> FargateSettings:
        allowed = MEMORY[self.cpu_units]
        if self.memory_mebibytes not in allowed:
            raise ValueError(
                f"memoryMebibytes: {self.memory_mebibytes} does not go with cpuUnits {self.cpu_units}; allowed: "
                f"{allowed.start} to {allowed[-1]} in steps of {allowed.step}"
            )
        return self

    @model_validator(mode="after")
    def _world_only_if_allowed(self) -> FargateSettings:
        for cidr in self.loadbalancer_allow_cidrs:
            if IPv4Network(cidr).prefixlen < WORLD_PREFIX and not self.loadbalancer_allow_world:
                raise ValueError(
                    f"loadbalancerAllowCidrs: {cidr} lets the world in. Name your own range, such as your address with "
                    "/32; if you do mean the world, set loadbalancerAllowWorld to true"
                )
        return self

    def complaint_on_fargate(self, variants: tuple[str, ...], forms: tuple[str, ...], *, balanced: bool) -> str | None:
        """What is missing or impossible on Fargate alone, in one sentence; None when all is well.

        ``balanced``: the stack has a load balancer.
        """
        if balanced and not self.loadbalancer_allow_cidrs:
            return (
                "loadbalancerAllowCidrs: fargate needs at least one range that may reach the load balancer, such as "
                "your own address: 203.0.113.7/32"
            )
        for form in forms:
            if why := FormSpec.parse(form).lab_only:
                return f"forms: {form} is not available on fargate: {why}. Leave it out, or measure it in the lab"
        longest = max(forms, key=lambda form: len(slug(form)))
        for name in variants:
            if len(name) > (limit := name_limit(longest)):
                return (
                    f"images: '{name}' is too long: on fargate, with the form {longest}, a variant's name has at most "
                    f"{limit} characters"
                )
        return None


def name_limit(form: str) -> int:
    """The maximum length of a variant's name: with form and random suffix it names a target group."""
    return TARGET_GROUP_NAME_LIMIT - len(f"-{slug(form)}") - RANDOM_SUFFIX
