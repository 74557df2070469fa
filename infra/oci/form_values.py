"""What is asked for and what came of it, for one form of an image: pure values, checked when they are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.oci.manifest import Reference, checked_repository
from infra.oci.regctl import Access
from infra.oci.soci import IndexOptions
from kit.errors import ImageError, SettingsError

PLAIN, SOCI_V1, SOCI_V2, PLAIN_AGAIN = "plain", "soci-v1", "soci-v2", "plain-again"
FORMS = (PLAIN, SOCI_V1, SOCI_V2, PLAIN_AGAIN)
WHOLE_FORMS = (PLAIN, PLAIN_AGAIN)
"""Without an index: pulled whole."""
PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True)
class FormRequest:
    """What is to be made. ``source`` is ``host:port/repository@sha256:…``, ``repository`` the form's own.

    Sizes in bytes. ``auth_file`` is a Docker ``config.json``; without one the user's own is used. ``tagged`` is for
    registries that clear away what has no tag. Raises `SettingsError` when made with a value that cannot be.
    """

    source: str
    repository: str
    form: str
    span_bytes: int = 4 << 20
    min_layer_bytes: int = 10 << 20
    platform: str = "linux/amd64"
    plain_http: bool = False
    auth_file: Path | None = None
    tagged: bool = False

    def __post_init__(self) -> None:
        for name, complaint in problems(vars(self)):
            raise SettingsError(f"{name}: {complaint}")

    @property
    def access(self) -> Access:
        """How the registries are reached."""
        return Access(self.plain_http, self.auth_file)

    @property
    def options(self) -> IndexOptions:
        """What soci is told."""
        return IndexOptions(self.span_bytes, self.min_layer_bytes, self.platform)


@dataclass(frozen=True)
class Ztoc:
    """An indexed layer: its zTOC's digest, the layer it belongs to, and both sizes in bytes."""

    digest: str
    size_bytes: int
    layer_digest: str
    layer_bytes: int


@dataclass(frozen=True)
class SkippedLayer:
    """A layer without zTOC, its size in bytes, and why."""

    digest: str
    size_bytes: int
    reason: str


@dataclass(frozen=True)
class Pushed:
    """What lies in the registry for one form: ``image`` is ``repository@digest``; ``manifests`` are all digests,
    the one that names the others first."""

    image: str
    index_digest: str | None
    manifests: tuple[str, ...]


@dataclass(frozen=True)
class FormResult:
    """A form as pushed; `treatment` has the fields of the stack outputs' TreatmentOutput.

    ``layer_bytes`` is the sum of the image's compressed layers, ``pushed_bytes`` what was uploaded for it,
    also where a registry was asked to mount a layer and would not.
    """

    form: str
    layer_bytes: int
    pushed: Pushed
    ztocs: tuple[Ztoc, ...]
    skipped_layers: tuple[SkippedLayer, ...]
    span_bytes: int | None
    min_layer_bytes: int | None
    pushed_bytes: int
    seconds: float

    @property
    def image(self) -> str:
        """``repository@digest``: what a task is started from."""
        return self.pushed.image

    def treatment(self) -> dict[str, Any]:
        """Plain data with the fields of the stack outputs' TreatmentOutput."""
        return {
            "form": self.form,
            "image": self.image,
            "image_digest": Reference.parse(self.image).digest,
            "index_digest": self.pushed.index_digest,
            "ztocs": [vars(ztoc) for ztoc in self.ztocs],
            "skipped_layers": [vars(layer) for layer in self.skipped_layers],
            "span_bytes": self.span_bytes,
            "min_layer_bytes": self.min_layer_bytes,
            "pushed_bytes": self.pushed_bytes,
            "seconds": self.seconds,
        }


def problems(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and complaint for each impossible value of a request; a field that is not in ``values`` is not judged."""
    wanted = {"form": FORMS, "platform": PLATFORMS}
    for name, allowed in wanted.items():
        if name in values and values[name] not in allowed:
            yield name, f"{values[name]!r} is unknown. Allowed: {', '.join(allowed)}."
    for name, least in {"span_bytes": 1, "min_layer_bytes": 0}.items():
        if name in values and not (_is_whole(values[name]) and values[name] >= least):
            yield name, f"{values[name]!r} is not a size. Allowed: whole bytes, at least {least}."
    for name, parse in {"source": Reference.parse, "repository": checked_repository}.items():
        if name in values and (complaint := _complaint(parse, values[name])):
            yield name, complaint
    if "source" in values and values.get("repository") == str(values["source"]).partition("@")[0]:
        yield "repository", "a form needs a repository of its own, other than the source image's."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _complaint(parse: Any, value: Any) -> str | None:
    try:
        parse(value)
    except (ImageError, AttributeError, TypeError) as error:
        return re.sub(r"\.$", "", str(error)) + "."
    return None
