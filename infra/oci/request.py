"""What may be asked of a form, checked before any tool runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from infra.forms import FormSpec
from infra.oci import soci
from infra.oci.manifest import Reference, checked_repository
from infra.oci.regctl import Access
from infra.outputs import Platform
from infra.settings.attached import key_of
from infra.trace.model import Trace
from infra.trace.model import parse as parse_trace
from kit.errors import ImageError, SettingsError


@dataclass(frozen=True)
class FormRequest:
    """What to make. ``source`` is ``host:port/repository@sha256:…``, ``repository`` is the form's own.

    Sizes are in bytes, for forms that do not set their own. ``access`` holds for both repositories. ``tagged`` is for
    registries that clear away images without a tag. ``attached`` is the content of the file that the form names by its
    key (`infra.settings.attached`). Raises `SettingsError` for an impossible value.
    """

    source: str
    repository: str
    form: str
    span_bytes: int = 4 << 20
    min_layer_bytes: int = 10 << 20
    platform: str = "linux/amd64"
    access: Access = field(default_factory=Access)
    tagged: bool = False
    attached: str | None = None

    def __post_init__(self) -> None:
        for name, complaint in problems(vars(self)):
            raise SettingsError(f"{name}: {complaint}")

    @property
    def spec(self) -> FormSpec:
        """The form's kind and settings."""
        return FormSpec.parse(self.form)

    @property
    def trace(self) -> Trace | None:
        """What the form is laid out by; None for a form without."""
        return parse_trace(self.attached, "the trace") if self.attached and self.spec.get("trace") else None

    @property
    def options(self) -> soci.IndexOptions:
        """What soci is told."""
        spec = self.spec
        span = spec.number("span", self.span_bytes)
        return soci.IndexOptions(span, spec.number("min-layer", self.min_layer_bytes), self.platform)


def problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and complaint for each impossible value of a request; a field that is missing is not judged."""
    if "form" in values and (complaint := _complaint(FormSpec.parse, values["form"])):
        yield "form", complaint
    elif {"form", "attached"} <= values.keys() and (complaint := _about_file(values["form"], values["attached"])):
        yield "attached", complaint
    if "platform" in values and values["platform"] not in (allowed := get_args(Platform)):
        yield "platform", f"{values['platform']!r} is unknown. Allowed: {', '.join(allowed)}."
    for name, least in {"span_bytes": 1, "min_layer_bytes": 0}.items():
        if name in values and not (type(values[name]) is int and values[name] >= least):
            yield name, f"{values[name]!r} is not a size. Allowed: whole bytes, at least {least}."
    for name, parse in {"source": Reference.parse, "repository": checked_repository}.items():
        if name in values and (complaint := _complaint(parse, values[name])):
            yield name, complaint
    if "source" in values and values.get("repository") == str(values["source"]).partition("@")[0]:
        yield "repository", "a form needs a repository of its own, other than the source image's."


def _about_file(form: str, content: str | None) -> str | None:
    """What is wrong with the content that stands for a form's file."""
    key = FormSpec.parse(form).file
    if key is None:
        return None if content is None else f"the form {form} names no file."
    if content is None or key_of(content) != key:
        return f"the form {form} needs the content of the file with key {key}, and no other."
    return None


def _complaint(parse: Any, value: Any) -> str | None:
    try:
        parse(value)
    except (ImageError, SettingsError, AttributeError, TypeError) as error:
        return re.sub(r"\.$", "", str(error)) + "."
    return None
