"""An image's configuration: what a container of it runs, as whom, with which ports and health check.

Source: OCI image-spec 1.1, `config.md`; `Healthcheck` is Docker's (moby's image specification v1.2). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from infra.oci.manifest import Index, Manifest, as_image, split
from kit.documents import as_model, of_json
from kit.errors import ImageError


def _or_empty(empty: Any) -> BeforeValidator:
    """JSON's null where the writer had nothing to say."""
    return BeforeValidator(lambda value: empty if value is None else value)


MOST_PORT = 65_535
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/tcp)?")

Words = Annotated[tuple[str, ...], _or_empty(())]


class HealthCheck(BaseModel):
    """The image's own test: ``test`` is ``CMD`` or ``CMD-SHELL`` and its words; ``timeout_ns`` 0 means the default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    test: Words = Field(default=(), alias="Test")
    timeout_ns: int = Field(default=0, ge=0, alias="Timeout")

    def command(self, shell: tuple[str, ...]) -> tuple[str, ...] | None:
        """The words to run in the container; None when the image switched its health check off."""
        kind, *words = self.test or ("NONE",)
        if kind == "CMD-SHELL":
            return (*shell, *words)
        return tuple(words) if kind == "CMD" and words else None


class ImageConfig(BaseModel):
    """What the fields mean is in the specification; missing ones are empty."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    os: str = ""
    architecture: str = ""
    entrypoint: Words = Field(default=(), validation_alias=AliasPath("config", "Entrypoint"))
    command: Words = Field(default=(), validation_alias=AliasPath("config", "Cmd"))
    environment: Words = Field(default=(), validation_alias=AliasPath("config", "Env"))
    user: Annotated[str, _or_empty("")] = Field(default="", validation_alias=AliasPath("config", "User"))
    working_directory: Annotated[str, _or_empty("")] = Field(
        default="", validation_alias=AliasPath("config", "WorkingDir")
    )
    exposed_ports: Annotated[dict[str, Any], _or_empty({})] = Field(
        default={}, validation_alias=AliasPath("config", "ExposedPorts")
    )
    health_check: HealthCheck | None = Field(default=None, validation_alias=AliasPath("config", "Healthcheck"))
    shell: Words = Field(default=(), validation_alias=AliasPath("config", "Shell"))
    diff_ids: Words = Field(
        default=(),
        validation_alias=AliasPath("rootfs", "diff_ids"),
        description="digests of the layers as they are without compression, lowest first",
    )

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """The exposed TCP ports, in order; a port range counts as each of its ports."""
        return tuple(sorted({port for text in self.exposed_ports for port in _tcp_ports(text)}))

    @property
    def health_command(self) -> tuple[str, ...] | None:
        """The words of the health check; None without one."""
        return self.health_check.command(self.shell or ("/bin/sh", "-c")) if self.health_check else None


def parse(text: str | bytes, name: object) -> ImageConfig:
    """Read a configuration; ``name`` is what the `ImageError` calls it."""
    try:
        value = of_json(text)
        if isinstance(value, dict) and value.get("config") is None:
            value["config"] = {}
        return as_model(ImageConfig, value)
    except (ValidationError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ImageError(f"The configuration of {name} cannot be read: {reason}.") from error


def read(digest: str, document_of: Callable[[str], Manifest | Index], blob_of: Callable[[str], str]) -> ImageConfig:
    """The configuration of an image, or of the one image that an index names, read by digest with two functions."""
    document = document_of(digest)
    if isinstance(document, Index):
        digest = split(document, digest)[1].digest
        document = document_of(digest)
    return parse(blob_of(as_image(document, digest).config.digest), digest)


def _tcp_ports(text: str) -> range:
    """``8080``, ``8080/tcp`` or ``8000-8002/tcp``; nothing for other protocols, and for what is no port."""
    match = _PORTS.fullmatch(text)
    if match is None:
        return range(0)
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, last + 1) if first > 0 and last <= MOST_PORT else range(0)
