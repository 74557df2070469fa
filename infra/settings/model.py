"""The typed settings of a stack, from the Pulumi configuration (namespace ``sociometer``).

People write them in ``Pulumi.<stack>.yaml`` or with ``sociometer up --set key=value``: an unknown key, a wrong type
or an impossible value raises one `SettingsError` with the key, the value and what is allowed. Pulumi passes every
value as text, so text is parsed as the key's type. ``Pulumi.yaml`` declares the same keys with the same defaults.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from infra.forms import Form, slug
from infra.outputs import ContainerOutput, Platform
from infra.settings.attached import resolved
from infra.settings.fargate import FargateSettings
from infra.settings.own import OwnImage, reference_alone, secret_services
from infra.settings.values import Size, machine_platform, parse_json, parse_list
from infra.variants import VARIANTS, PayloadSizes
from kit.credentials import looks_secret
from kit.documents import Unreadable, checked
from kit.errors import SettingsError

__all__ = ["KEYS", "NAMESPACE", "OwnImage", "Settings", "Workload", "machine_platform"]

NAMESPACE = "sociometer"
BUILT_IN_VARIANTS = tuple(VARIANTS)
VARIANT_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
FARGATE_PLATFORM = "linux/arm64"
"""What `auto` means on Fargate: the cheaper platform, and that of the published figures."""


def _form(value: Any) -> Any:
    """The canonical text of a form; a file that it names is read now, and named by its content from now on."""
    try:
        return resolved(value) if isinstance(value, str) else value
    except SettingsError as error:
        raise ValueError(str(error)) from error


class Workload(NamedTuple):
    """How to tell that a variant's task works; the defaults are those of the contract, for built-in variants."""

    port: int = 80
    health_path: str = "/"
    boot_report: bool = True
    ready: str | None = None
    container: ContainerOutput = ContainerOutput()
    reference: str | None = None

    def outputs(self) -> dict[str, Any]:
        """Its part of the stack's outputs."""
        return {**self._asdict(), "container": self.container.model_dump(mode="json")}


class Settings(PayloadSizes, FargateSettings):
    """All settings of one stack, checked. Sizes are in bytes unless the name says megabytes."""

    target: Literal["lab", "fargate"] = "lab"
    variants: Annotated[tuple[str, ...], BeforeValidator(parse_list)] = BUILT_IN_VARIANTS
    forms: Annotated[
        tuple[Annotated[Form, BeforeValidator(_form)], ...], BeforeValidator(parse_list), Field(min_length=1)
    ] = ("plain", "soci-v2")
    platform: Platform = Field(
        default="auto",
        validate_default=True,  # `auto` becomes the target's platform
    )
    payload: Literal["synthetic", "download"] = "synthetic"
    seed: int = Field(default=1, ge=0, lt=1 << 63)
    span_size: Annotated[Size, Field(ge=1 << 16, le=1 << 30)] = 4 << 20
    min_layer_size: Annotated[Size, Field(ge=0)] = 10 << 20
    base: str = Field(default="auto", min_length=1)
    registry_port: int = Field(default=0, ge=0, le=65535, description="0: the first free port")
    images: Annotated[dict[str, OwnImage], BeforeValidator(parse_json)] = Field(default={})

    @classmethod
    def parse(cls, raw: Mapping[str, object]) -> Settings:
        """Settings from keys with or without namespace (``sociometer:seed``, ``seed``); raises `SettingsError`."""
        values = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in raw.items()}
        for key in values:
            if key not in KEYS:
                raise SettingsError(_unknown_key(key))
        try:
            return cls.model_validate({key: _readable(key, value) for key, value in values.items()})
        except ValidationError as error:
            raise SettingsError(_explain(error)) from error

    @property
    def all_variants(self) -> tuple[str, ...]:
        """The chosen built-in variants, then the own images; every own image is a variant of the stack."""
        return self.variants + tuple(name for name in self.images if name not in self.variants)

    @property
    def secret_arns(self) -> tuple[str, ...]:
        """The secrets and parameters that any own image is given."""
        return tuple(sorted({arn for image in self.images.values() for arn in image.secrets.values()}))

    def shown_to_all(self) -> list[str]:
        """The variables of own images whose names say that nobody should see their values, which everybody can."""
        return [
            f"images.{name}.environment.{variable}"
            for name, image in self.images.items()
            for variable in image.environment
            if looks_secret(variable)
        ]

    def require_lab(self) -> None:
        """Raise `SettingsError` for what the lab cannot give to a container, before anything is made."""
        for name, image in self.images.items():
            if image.secrets:
                named = ", ".join(image.secrets)
                raise SettingsError(
                    f"Setting images.{name}.secrets: the lab reads no secrets of AWS. Leave out {named}, or give a "
                    "value that may be seen with --env."
                )
            if image.task_definition:
                raise SettingsError(
                    f"Setting images.{name}.taskDefinition: the lab runs no task definitions of AWS. Choose --target "
                    "fargate, or name the image with --image."
                )

    @property
    def secret_services(self) -> tuple[str, ...]:
        """The services of AWS that hold them."""
        return secret_services(self.secret_arns)

    @property
    def built_by_docker(self) -> bool:
        """Whether pulumi-docker builds anything: on Fargate it builds built-in variants, unless BuildKit was chosen."""
        return self.target == "fargate" and self.builder == "docker" and self._has_built_in

    @property
    def built_by_buildkit(self) -> bool:
        """Whether BuildKit on this machine builds anything, for which it needs root."""
        return not self.built_by_docker and self._has_built_in

    @property
    def _has_built_in(self) -> bool:
        return any(variant in BUILT_IN_VARIANTS for variant in self.variants)

    def reports_boot(self, variant: str) -> bool:
        """Whether the variant's tasks write a boot report; on Fargate the probe watches those of the others."""
        return self.workload(variant).boot_report

    @property
    def needs_load_balancer(self) -> bool:
        """Whether a Fargate stack has one: for boot reports, which are compared with what the tasks serve."""
        return any(map(self.reports_boot, self.all_variants))

    def workload(self, variant: str) -> Workload:
        """How to tell that a variant's task works."""
        image = self.images.get(variant)
        if image is None:
            return Workload()
        return Workload(
            port=image.port or 80,
            health_path=image.health_path or "/",
            boot_report=image.boot_report,
            ready=image.readiness,
            container=image.container(),
            reference=image.image,
        )

    @field_validator("platform", mode="before")
    @classmethod
    def _platform_of_the_target(cls, value: Any, info: ValidationInfo) -> Any:
        if value != "auto":
            return value
        return FARGATE_PLATFORM if info.data.get("target") == "fargate" else machine_platform()

    @field_validator("variants", "forms", mode="after")
    @classmethod
    def _without_repeats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("forms", mode="after")
    @classmethod
    def _short_names_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names: dict[str, str] = {}
        for form in value:
            if (other := names.setdefault(slug(form), form)) != form:
                raise ValueError(f"Forms {other!r} and {form!r} have the same short name, {slug(form)}: leave one out.")
        return value

    @field_validator("images", mode="before")
    @classmethod
    def _references_alone(cls, value: Any) -> Any:
        value = parse_json(value)
        if not isinstance(value, dict):
            return value
        return {name: reference_alone(image) for name, image in value.items()}

    @field_validator("images", mode="after")
    @classmethod
    def _names_of_own_images(cls, value: dict[str, OwnImage]) -> dict[str, OwnImage]:
        for name in value:
            if name in BUILT_IN_VARIANTS or not re.fullmatch(VARIANT_NAME, name):
                raise ValueError(
                    f"'{name}' cannot name an image of your own: use lower-case letters, digits and single hyphens, "
                    f"and none of the names {', '.join(BUILT_IN_VARIANTS)}"
                )
        return value

    @model_validator(mode="after")
    def _variants_exist(self) -> Settings:
        known = (*BUILT_IN_VARIANTS, *self.images)
        for name in self.variants:
            if name not in known:
                raise ValueError(f"variants: '{name}' is unknown{_did_you_mean(name, known)}; {_allowed(known)}")
        if not self.all_variants:
            raise ValueError(f"variants: at least one is needed; {_allowed(known)}")
        return self

    @model_validator(mode="after")
    def _complete_for_fargate(self) -> Settings:
        if self.target == "fargate" and (
            complaint := self.complaint_on_fargate(self.all_variants, self.forms, balanced=self.needs_load_balancer)
        ):
            raise ValueError(complaint)
        return self


KEYS: tuple[str, ...] = tuple(field.alias or name for name, field in Settings.model_fields.items())


def _readable(key: str, value: object) -> object:
    try:
        return checked(value)
    except Unreadable as error:
        raise SettingsError(f"Setting {key} cannot be used: {error}.") from error


def _unknown_key(key: str) -> str:
    return f"Setting '{key}' is unknown{_did_you_mean(key, KEYS)}; {_allowed(KEYS)}."


def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _allowed(values: tuple[str, ...]) -> str:
    return f"allowed: {', '.join(values)}"


def _explain(error: ValidationError) -> str:
    """The first error in one line: key, value, what is allowed."""
    fault = error.errors()[0]
    reason = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return f"Setting {reason}."
    key = ".".join(str(part) for part in fault["loc"])
    if "secrets" in fault["loc"]:
        return f"Setting {key}: give the ARN of a secret or parameter; a value (not shown) must not be here."
    if fault["loc"][0] == "forms" and fault["type"] == "value_error":
        return f"Setting {key}: {reason}"
    if fault["type"] == "value_error" and repr(fault["input"]) in reason:
        return f"Setting {key}: {reason.removesuffix('.')}."
    if fault["type"] == "extra_forbidden":
        reason = f"unknown; {_allowed(tuple(field.alias or name for name, field in OwnImage.model_fields.items()))}"
    if "environment" in fault["loc"] or isinstance(fault["input"], Mapping):
        return f"Setting {key}: {reason}."  # a variable's value may be what nobody should see
    return f"Setting {key}: {fault['input']!r} cannot be used: {reason[0].lower()}{reason[1:]}."
