"""The shape of a task definition: what is read of DescribeTaskDefinition's answer, checked before it is relied on.

Fields are those of the Amazon ECS API reference, TaskDefinition; all others are handed on as they are. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.errors import SettingsError
from kit.values import first_fault


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Port(_Part):
    containerPort: int = Field(ge=0, le=65535)  # noqa: N815 - the API's names, here and below


class _Secret(_Part):
    valueFrom: str = Field(min_length=1)  # noqa: N815


class _File(_Part):
    value: str


class _Container(_Part):
    name: str = Field(min_length=1)
    image: str = Field(min_length=1)
    essential: bool | None = None
    portMappings: tuple[_Port, ...] | None = None  # noqa: N815
    secrets: tuple[_Secret, ...] | None = None
    environmentFiles: tuple[_File, ...] | None = None  # noqa: N815
    healthCheck: dict[str, Any] | None = None  # noqa: N815


class _Runtime(_Part):
    cpuArchitecture: Literal["X86_64", "ARM64"] = "X86_64"  # noqa: N815
    operatingSystemFamily: str = "LINUX"  # noqa: N815


class _Storage(_Part):
    sizeInGiB: int | None = None  # noqa: N815


class _Volume(_Part):
    name: str | None = None


class _Definition(_Part):
    taskDefinitionArn: str = Field(pattern=r"^arn(:[^:]*){5}")  # noqa: N815
    family: str
    revision: int
    cpu: str | None = Field(default=None, pattern=r"^[0-9]{1,9}$")
    memory: str | None = Field(default=None, pattern=r"^[0-9]{1,9}$")
    compatibilities: tuple[str, ...] | None = None
    requiresCompatibilities: tuple[str, ...] | None = None  # noqa: N815
    runtimePlatform: _Runtime | None = None  # noqa: N815
    ephemeralStorage: _Storage | None = None  # noqa: N815
    volumes: tuple[_Volume, ...] | None = None
    containerDefinitions: tuple[_Container, ...] = Field(min_length=1)  # noqa: N815


def require(document: Mapping[str, Any]) -> None:
    """Raise `SettingsError`, with the first fault, for what is no task definition."""
    try:
        _Definition.model_validate(document)
    except ValidationError as error:
        raise SettingsError(f"The task definition cannot be read: {first_fault(error)}.") from error
