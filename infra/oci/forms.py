"""A source image in, an image in one form out, both by digest in a registry: plain, soci-v1 or soci-v2.

`plain-again` is plain under another name, in a repository of its own: the control of the experiment itself.

What is checked is checked before anything is pushed, and a form that could not be made leaves nothing behind.
Within one registry no layer is uploaded where the registry can know the source's layers in the form's repository too;
ECR can only once its blob mounting is switched on (`oci.publish`). Every form has a repository of its own, because a v1
index is found by whoever pulls that digest there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from infra.oci import layout, soci
from infra.oci.containerd import import_image, private_containerd
from infra.oci.form_values import (
    FORMS,
    PLAIN,
    PLAIN_AGAIN,
    SOCI_V1,
    SOCI_V2,
    WHOLE_FORMS,
    FormRequest,
    FormResult,
    Pushed,
    SkippedLayer,
    Ztoc,
    problems,
)
from infra.oci.index import split
from infra.oci.manifest import SOCI_INDEX_V1, SOCI_LAYER_ANNOTATION, ZTOC_TYPE, Index, Manifest, Reference
from infra.oci.publish import lacking, place, push, referrers_undone_on_failure, reserve_copies, undone_on_failure
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.source import Source, require_indexable, resolve
from kit.errors import ImageError
from kit.scratch import scratch

__all__ = [
    "FORMS",
    "PLAIN",
    "SOCI_V1",
    "SOCI_V2",
    "FormRequest",
    "FormResult",
    "Pushed",
    "SkippedLayer",
    "Ztoc",
    "make",
    "present",
    "problems",
    "remove",
]


def make(request: FormRequest, *, timeout_seconds: float) -> FormResult:
    """Make a form and push it. Made again, it gives the same digests and pushes nothing.

    Raises, before anything is pushed: `ImageError` (the source does not exist, is of another platform, corrupt,
    zstd, or has no layer that reaches the minimum size), `MachineError` (not enough disk space; not Linux; no root
    for soci-v1). `CommandTimeout` or `CommandFailed` when a tool hangs or dies. After any error the registry has no
    manifest more than before.
    """
    began = time.monotonic()
    regctl = Regctl(request.access, Deadline(timeout_seconds))
    source = resolve(regctl, request.source, request.platform)
    lazy = request.form not in WHOLE_FORMS
    if lazy:
        soci.require_linux()
        require_indexable(source.manifest, request.min_layer_bytes)
    makers = {PLAIN: _make_plain, PLAIN_AGAIN: _make_plain, SOCI_V1: _make_v1, SOCI_V2: _make_v2}
    maker = makers[request.form]
    made = maker(regctl, request, source)
    return FormResult(
        form=request.form,
        layer_bytes=sum(layer.size_bytes for layer in source.manifest.layers),
        pushed=made.pushed,
        ztocs=made.ztocs,
        skipped_layers=_skipped(source.manifest, made) if lazy else (),
        span_bytes=request.span_bytes if lazy else None,
        min_layer_bytes=request.min_layer_bytes if lazy else None,
        pushed_bytes=made.pushed_bytes,
        seconds=time.monotonic() - began,
    )


def present(pushed: Pushed, access: Access, *, timeout_seconds: float = 60.0) -> bool:
    """Whether everything of a form is still in the registry: manifests, index, zTOCs, layers.

    Raises `RegistryUnreachable` when nobody answers: that says nothing about the images.
    """
    regctl = Regctl(access, Deadline(timeout_seconds))
    image = Reference.parse(pushed.image)
    manifests = [Reference(image.repository, digest) for digest in pushed.manifests]
    if not all(regctl.has_manifest(reference) for reference in manifests):
        return False
    found = {reference: regctl.manifest(reference) for reference in manifests}
    blobs = {blob.digest: blob for entry in found.values() if isinstance(entry, Manifest) for blob in entry.blobs}
    if lacking(regctl, image.repository, tuple(blobs.values())):
        return False
    if pushed.index_digest is None or isinstance(found[image], Index):
        return True
    return pushed.index_digest in {entry.digest for entry in regctl.referrers(image, SOCI_INDEX_V1)}


def remove(pushed: Pushed, access: Access, *, keep: Pushed | None = None, timeout_seconds: float = 60.0) -> None:
    """Delete a form's manifests and their tags; no error for what is gone already. ``keep`` names what stays.

    Blobs are left to the registry's own garbage collection, as registries demand. Raises `RegistryUnreachable`
    when nobody answers.
    """
    regctl = Regctl(access, Deadline(timeout_seconds))
    image = Reference.parse(pushed.image)
    kept = set(keep.manifests) if keep and Reference.parse(keep.image).repository == image.repository else set()
    for digest in pushed.manifests:
        reference = Reference(image.repository, digest)
        if digest not in kept and digest == pushed.index_digest:
            regctl.delete_referrer(reference, image)
        elif digest not in kept:
            regctl.delete_manifest(reference)


@dataclass(frozen=True)
class _Made:
    """What a maker gives back; ``reasons`` is what soci said of skipped layers, by digest."""

    pushed: Pushed
    pushed_bytes: int
    ztocs: tuple[Ztoc, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)


def _make_plain(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    image = Reference(request.repository, source.manifest.digest)
    with undone_on_failure(regctl, [image]):
        pushed_bytes = place(regctl, source, request.repository)
        _tag(regctl, request, image)
    return _Made(Pushed(str(image), None, (image.digest,)), pushed_bytes)


def _make_v2(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    with scratch("form") as room:
        reserve_copies(room, source.manifest, copies=2)
        regctl.pull(source.reference, room / "pulled")
        layout.link_layout(room / "source", source.manifest, room / "pulled")
        (room / "temporary").mkdir()
        paths = (room / "source", room / "converted")
        done = soci.convert(*paths, request.options, regctl.deadline, room / "temporary")
        top = layout.read(room / "converted", done.digest)
        if not isinstance(top, Index):
            raise ImageError(f"soci convert gave {done.digest}, which is not an image index.")
        index, image = split(top, Reference(request.repository, done.digest))
        if index is None:
            raise ImageError(f"soci convert gave {done.digest}, which names no SOCI index.")
        ours = (done.digest, image.digest, index.digest)
        ztocs = _ztocs(_manifest(layout.read(room / "converted", index.digest)), source.manifest)
        manifests = [Reference(request.repository, digest) for digest in ours]
        with undone_on_failure(regctl, manifests) as new:
            pushed_bytes = push(regctl, room / "converted", manifests, new, source)
            _tag(regctl, request, manifests[0])
    pushed = Pushed(f"{request.repository}@{done.digest}", index.digest, ours)
    return _Made(pushed, pushed_bytes, ztocs, done.skipped)


def _make_v1(regctl: Regctl, request: FormRequest, source: Source) -> _Made:
    image = Reference(request.repository, source.manifest.digest)
    with scratch("form") as room, undone_on_failure(regctl, [image]):
        reserve_copies(room, source.manifest, copies=3)
        pushed_bytes = place(regctl, source, request.repository)
        regctl.export(image, room / "image.tar")
        before = {found.digest for found in regctl.referrers(image, SOCI_INDEX_V1)}
        with private_containerd(room) as socket, referrers_undone_on_failure(regctl, image, before):
            import_image(room / "image.tar", image.repository, socket, regctl.deadline)
            reasons = soci.create(str(image), socket, room / "soci", request.options, regctl.deadline)
            index = _push_v1(regctl, request, image, socket, room / "soci")
            _tag(regctl, request, image)
    if index.digest not in before:
        pushed_bytes += index.size_bytes + sum(blob.size_bytes for blob in index.blobs)
    pushed = Pushed(str(image), index.digest, (index.digest, image.digest))
    return _Made(pushed, pushed_bytes, _ztocs(index, source.manifest), reasons)


def _tag(regctl: Regctl, request: FormRequest, image: Reference) -> None:
    """A tag that no other image of the repository can want, because tags may be immutable."""
    if request.tagged:
        regctl.tag(image, f"{request.form}-{image.digest.removeprefix('sha256:')[:12]}")


def _push_v1(regctl: Regctl, request: FormRequest, image: Reference, socket: Path, root: Path) -> Manifest:
    """Push the v1 index and read it back from the registry.

    soci pushes nothing of an index that the registry has, even where it lost a zTOC: then the index goes first.
    """
    for _ in range(2):
        digest = soci.push(str(image), socket, root, request.platform, request.access, regctl.deadline)
        index = Reference(request.repository, digest)
        manifest = _manifest(regctl.manifest(index))
        if not lacking(regctl, request.repository, manifest.blobs):
            break
        regctl.delete_referrer(index, image)
    if digest not in {found.digest for found in regctl.referrers(image, SOCI_INDEX_V1)}:
        raise ImageError(f"The SOCI index {digest} was pushed, but the referrers of {image} do not list it.")
    return manifest


def _ztocs(index: Manifest, image: Manifest) -> tuple[Ztoc, ...]:
    sizes = {layer.digest: layer.size_bytes for layer in image.layers}
    pairs = [
        (entry, entry.annotation(SOCI_LAYER_ANNOTATION)) for entry in index.layers if entry.media_type == ZTOC_TYPE
    ]
    return tuple(Ztoc(entry.digest, entry.size_bytes, layer, sizes[layer]) for entry, layer in pairs if layer)


def _skipped(image: Manifest, made: _Made) -> tuple[SkippedLayer, ...]:
    indexed = {ztoc.layer_digest for ztoc in made.ztocs}
    return tuple(
        SkippedLayer(layer.digest, layer.size_bytes, made.reasons.get(layer.digest, "soci gave no reason"))
        for layer in image.layers
        if layer.digest not in indexed
    )


def _manifest(value: Manifest | Index) -> Manifest:
    if not isinstance(value, Manifest):
        raise ImageError("A SOCI index turned out to be an image index.")
    return value
