"""Makes one form of an image from its source image, both by digest in a registry.

`plain-again` is plain under another name, in a repository of its own: it checks the experiment itself.

Everything is checked before anything is pushed, and a form that could not be made leaves nothing behind. Within one
registry a layer is mounted from the source's repository, not uploaded; ECR does so only when its blob mounting is on
(`infra.oci.publish`). Each form has a repository of its own, because a v1 index is found by whoever pulls that digest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args

from pydantic import Field

from infra.oci import blame, soci
from infra.oci.containerd import import_image, private_containerd
from infra.oci.layout import reserve_copies
from infra.oci.manifest import SOCI_INDEX_V1, Manifest, Reference, as_image, checked_repository, ztocs_and_layers
from infra.oci.publish import lacking, place, push, referrers_undone_on_failure, undone_on_failure
from infra.oci.pushed import Pushed
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.source import Source, require_indexable, resolve
from infra.outputs import FORMS, LAZY_FORMS, Form, Platform, SkippedLayer, TreatmentOutput, ZtocOutput
from kit.errors import ImageError, SettingsError, SociometerError
from kit.scratch import scratch


@dataclass(frozen=True)
class FormRequest:
    """What to make. ``source`` is ``host:port/repository@sha256:…``, ``repository`` is the form's own.

    Sizes are in bytes. ``access`` holds for both repositories. ``tagged`` is for registries that clear away images
    without a tag. Raises `SettingsError` for an impossible value.
    """

    source: str
    repository: str
    form: Form
    span_bytes: int = 4 << 20
    min_layer_bytes: int = 10 << 20
    platform: str = "linux/amd64"
    access: Access = field(default_factory=Access)
    tagged: bool = False

    def __post_init__(self) -> None:
        for name, complaint in problems(vars(self)):
            raise SettingsError(f"{name}: {complaint}")

    @property
    def options(self) -> soci.IndexOptions:
        """What soci is told."""
        return soci.IndexOptions(self.span_bytes, self.min_layer_bytes, self.platform)


class FormResult(TreatmentOutput):
    """A form as pushed: its part of the stack's outputs, and what is needed to find and delete it again."""

    layer_bytes: int = Field(description="sum of the image's compressed layers")
    manifests: tuple[str, ...] = Field(description="digests, as in `Pushed`")

    @property
    def pushed(self) -> Pushed:
        """Its parts in the registry."""
        return Pushed(self.image, self.index_digest, self.manifests)

    def treatment(self) -> dict[str, Any]:
        """The fields of `TreatmentOutput` as plain data, without the service, which the target adds."""
        return self.model_dump(mode="json", exclude={"layer_bytes", "manifests", "service"})


def problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and complaint for each impossible value of a request; a field that is missing is not judged."""
    for name, allowed in {"form": FORMS, "platform": get_args(Platform)}.items():
        if name in values and values[name] not in allowed:
            yield name, f"{values[name]!r} is unknown. Allowed: {', '.join(allowed)}."
    for name, least in {"span_bytes": 1, "min_layer_bytes": 0}.items():
        if name in values and not (type(values[name]) is int and values[name] >= least):
            yield name, f"{values[name]!r} is not a size. Allowed: whole bytes, at least {least}."
    for name, parse in {"source": Reference.parse, "repository": checked_repository}.items():
        if name in values and (complaint := _complaint(parse, values[name])):
            yield name, complaint
    if "source" in values and values.get("repository") == str(values["source"]).partition("@")[0]:
        yield "repository", "a form needs a repository of its own, other than the source image's."


def _complaint(parse: Any, value: Any) -> str | None:
    try:
        parse(value)
    except (ImageError, AttributeError, TypeError) as error:
        return re.sub(r"\.$", "", str(error)) + "."
    return None


def make(request: FormRequest, *, timeout_seconds: float) -> FormResult:
    """Make a form and push it. Made again, it gives the same digests and pushes nothing.

    Raises, before anything is pushed: `ImageError` (the source does not exist, is of another platform, corrupt, or
    has no layer that SOCI can index; or a layer that SOCI fails on), `MachineError` (not enough disk space; not
    Linux; no root for soci-v1). `CommandTimeout` or `CommandFailed` when a tool hangs or dies. Each names image and
    form. After any error the registry has no manifest more than before.
    """
    try:
        return _make(request, timeout_seconds)
    except SociometerError as error:
        named = type(error)(f"{request.source.partition('@')[0]} as {request.form}: {error}")
        for note in getattr(error, "__notes__", ()):
            named.add_note(note)
        raise named from error


def _make(request: FormRequest, timeout_seconds: float) -> FormResult:
    began = time.monotonic()
    regctl = Regctl(request.access, Deadline(timeout_seconds))
    source = resolve(regctl, request.source, request.platform)
    lazy = request.form in LAZY_FORMS
    if lazy:
        soci.require_linux()
        require_indexable(source.manifest, request.min_layer_bytes)
    made = _MAKERS[request.form](regctl, request, source)
    return FormResult(
        form=request.form,
        image=f"{request.repository}@{made.image_digest}",
        image_digest=made.image_digest,
        index_digest=made.index_digest,
        manifests=made.manifests,
        layer_bytes=sum(layer.size_bytes for layer in source.manifest.layers),
        ztocs=made.ztocs,
        skipped_layers=_skipped(source.manifest, made) if lazy else (),
        span_bytes=request.span_bytes if lazy else None,
        min_layer_bytes=request.min_layer_bytes if lazy else None,
        pushed_bytes=made.pushed_bytes,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True)
class _Made:
    """What a maker pushed; ``reasons`` is what soci said of the layers that it skipped, by digest."""

    image_digest: str
    manifests: tuple[str, ...]
    pushed_bytes: int
    index_digest: str | None = None
    ztocs: tuple[ZtocOutput, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def _make_plain(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    image = Reference(request.repository, source.manifest.digest)
    with undone_on_failure(regctl, image.repository, [image.digest]):
        pushed_bytes = place(regctl, source, request.repository)
        _tag(regctl, request, image)
    return _Made(image.digest, (image.digest,), pushed_bytes)


def _make_v2(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    with scratch("form") as room:
        folder = source.pull(regctl, room, copies=2)
        with blame.explained(source.manifest, request.options, regctl.deadline, lambda: folder):
            converted = soci.convert(folder, room / "converted", request.options, regctl.deadline)
        ztocs = _ztocs(converted.index, source.manifest)
        digests = tuple(document.digest for document in converted.documents)
        with undone_on_failure(regctl, request.repository, digests) as new:
            pushed_bytes = push(regctl, converted, request.repository, new, source)
            _tag(regctl, request, Reference(request.repository, digests[0]))
    return _Made(digests[0], digests, pushed_bytes, converted.index.digest, ztocs, converted.reasons)


def _make_v1(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    image = Reference(request.repository, source.manifest.digest)
    with scratch("form") as room, undone_on_failure(regctl, image.repository, [image.digest]):
        reserve_copies(room, source.manifest, copies=3)
        pushed_bytes = place(regctl, source, request.repository)
        regctl.export(image, room / "image.tar")
        before = {entry.digest for entry in regctl.referrers(image, SOCI_INDEX_V1)}
        with private_containerd(room) as socket, referrers_undone_on_failure(regctl, image, before):
            import_image(room / "image.tar", image.repository, socket, regctl.deadline)
            whole = partial(source.pull, regctl, room, copies=2)
            with blame.explained(source.manifest, request.options, regctl.deadline, whole):
                reasons = soci.create(str(image), socket, room / "soci", request.options, regctl.deadline)
            index = _push_v1(regctl, request, image, socket, room / "soci")
            ztocs = _ztocs(index, source.manifest)
            _tag(regctl, request, image)
    if index.digest not in before:
        pushed_bytes += index.size_bytes + sum(blob.size_bytes for blob in index.blobs)
    return _Made(image.digest, (index.digest, image.digest), pushed_bytes, index.digest, ztocs, reasons)


_MAKERS = {"plain": _make_plain, "plain-again": _make_plain, "soci-v1": _make_v1, "soci-v2": _make_v2}


def _tag(regctl: Regctl, request: FormRequest, image: Reference) -> None:
    """A tag that no other image of the repository can want, because tags may be immutable."""
    if request.tagged:
        regctl.tag(image, f"{request.form}-{image.digest.removeprefix('sha256:')[:12]}")


def _push_v1(regctl: Regctl, request: FormRequest, image: Reference, socket: Path, root: Path) -> Manifest:
    """Push the v1 index and read it back from the registry.

    soci pushes nothing of an index that the registry has, even if a zTOC of it was lost: then the index goes first.
    """
    for _ in range(2):
        digest = soci.push(str(image), socket, root, request.platform, request.access, regctl.deadline)
        reference = Reference(request.repository, digest)
        index = as_image(regctl.manifest(reference), reference)
        if not lacking(regctl, request.repository, index.blobs):
            break
        regctl.delete_referrer(reference, image)
    if digest not in {entry.digest for entry in regctl.referrers(image, SOCI_INDEX_V1)}:
        raise ImageError(f"The SOCI index {digest} was pushed, but the referrers of {image} do not list it.")
    return index


def _ztocs(index: Manifest, image: Manifest) -> tuple[ZtocOutput, ...]:
    return tuple(
        ZtocOutput(
            digest=ztoc.digest, size_bytes=ztoc.size_bytes, layer_digest=layer.digest, layer_bytes=layer.size_bytes
        )
        for ztoc, layer in ztocs_and_layers(index, image)
    )


def _skipped(image: Manifest, made: _Made) -> tuple[SkippedLayer, ...]:
    indexed = {ztoc.layer_digest for ztoc in made.ztocs}
    skipped = [layer for layer in image.layers if layer.digest not in indexed]
    reasons = [made.reasons.get(layer.digest, "soci gave no reason") for layer in skipped]
    return tuple(
        SkippedLayer(digest=layer.digest, size_bytes=layer.size_bytes, reason=reason)
        for layer, reason in zip(skipped, reasons, strict=True)
    )
