"""A user's own image as a variant: what is run, with what, and how one sees that it works.

In a stack's configuration (`images`, camelCase keys) and behind `--image` and its fellows on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from infra.oci.names import parse as parse_name
from infra.outputs import AUTO_READY, ContainerOutput
from infra.readiness import parse as parse_ready
from infra.settings.values import SettingsModel, parse_words
from kit.errors import SettingsError

SECRET_ARN = r"^arn:aws[a-z-]*:(secretsmanager|ssm):[a-z0-9-]+:\d{12}:\S+$"  # noqa: S105 - the name of a secret, not one
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
ROLE_ARN = r"^arn:aws[a-z-]*:iam::\d{12}:role/\S+$"
TASK_DEFINITION = r"^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition/)?[A-Za-z0-9_-]{1,255}(:[0-9]+)?$"

Words = Annotated[tuple[str, ...], BeforeValidator(parse_words)]
Variables = dict[Annotated[str, Field(pattern=VARIABLE)], str]
Secrets = dict[Annotated[str, Field(pattern=VARIABLE)], Annotated[str, Field(pattern=SECRET_ARN)]]


class OwnImage(SettingsModel):
    """One image of the user's. What is not given is the image's own."""

    image: str = Field(min_length=1, description="reference, such as repository:tag or docker-daemon:name:tag")
    ready: str = Field(default=AUTO_READY, description="when a task counts as ready: see `infra.readiness`")
    port: int | None = Field(default=None, ge=1, le=65535, description="short for ready: http:PORT")
    health_path: str | None = Field(default=None, pattern=r"^/\S*$", description="with port")
    boot_report: bool = Field(default=False, description="serves /boot.json as the built-in images do")
    environment: Variables = Field(default={}, description="added to the image's variables")
    secrets: Secrets = Field(default={}, description="variable: ARN in Secrets Manager or Parameter Store")
    command: Words | None = Field(default=None, description="instead of the image's command")
    entry_point: Words | None = Field(default=None, description="instead of the image's entry point")
    user: str | None = Field(default=None, min_length=1)
    working_directory: str | None = Field(default=None, pattern=r"^/\S*$")
    read_only_root: bool = False
    stop_timeout_seconds: int | None = Field(default=None, ge=2, le=120)
    task_definition: str | None = Field(
        default=None, pattern=TASK_DEFINITION, description="on AWS; all else of a task is as it says"
    )
    measured_container: str | None = Field(default=None, min_length=1, description="the one in it that is measured")
    task_role: str | None = Field(default=None, pattern=ROLE_ARN, description="ARN of the role that tasks have on AWS")

    @field_validator("image", mode="after")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        try:
            parse_name(value)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return value

    @field_validator("ready", mode="after")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if value == AUTO_READY:
            return value
        try:
            return str(parse_ready(value))
        except SettingsError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.ready != AUTO_READY and (self.port is not None or self.health_path is not None):
            raise ValueError("ready and port (with healthPath) say the same thing; give one of them")
        if both := sorted(self.environment.keys() & self.secrets.keys()):
            raise ValueError(f"the variable {both[0]} is in environment and in secrets; give one of them")
        return self

    @property
    def readiness(self) -> str:
        """When a task is ready, in one text; `AUTO_READY` leaves it to the image."""
        if self.port is None and self.health_path is None and not (self.boot_report and self.ready == AUTO_READY):
            return self.ready
        return f"http:{self.port or 80}{self.health_path or '/'}"

    def container(self) -> ContainerOutput:
        """What the stack's outputs say of the container."""
        return ContainerOutput.model_validate(self.model_dump(include=set(ContainerOutput.model_fields)))


def secret_services(arns: Iterable[str]) -> tuple[str, ...]:
    """The services of AWS that hold these secrets and parameters: `secretsmanager`, `ssm`."""
    return tuple(sorted({arn.split(":")[2] for arn in arns}))


def reference_alone(value: Any) -> Any:
    """An image that is given by its reference alone."""
    return {"image": value} if isinstance(value, str) else value
