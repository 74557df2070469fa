"""How each kind of form is made: from the source image in its registry to what is pushed.

A maker gets the request, with the form's settings, and a source that was checked; it pushes, or leaves nothing behind.
`plain-again` is plain under another name, in a repository of its own: it checks the experiment itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from infra.forms import slug
from infra.oci import blame, indexed, soci
from infra.oci.containerd import import_image, private_containerd
from infra.oci.index import prefetch_artifacts
from infra.oci.layout import reserve_copies
from infra.oci.local_image import LocalImage, choice_of_compression, local_image
from infra.oci.manifest import (
    SOCI_INDEX_V1,
    Manifest,
    Reference,
    as_image,
    ztocs_and_layers,
)
from infra.oci.publish import lacking, place, push, referrers_undone_on_failure, undone_on_failure
from infra.oci.regctl import Regctl
from infra.oci.request import FormRequest
from infra.oci.source import Source
from infra.outputs import PrefetchOutput, ZtocOutput
from kit.errors import ImageError
from kit.scratch import scratch


@dataclass(frozen=True)
class Made:
    """What a maker pushed: ``image`` is the manifest that tasks run; ``reasons`` is what soci said of the layers that
    it skipped, by digest."""

    image: Manifest
    image_digest: str
    manifests: tuple[str, ...]
    pushed_bytes: int
    index_digest: str | None = None
    ztocs: tuple[ZtocOutput, ...] = ()
    prefetch: tuple[PrefetchOutput, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


Maker = Callable[[Regctl, FormRequest, Source], Made]


def _make_plain(regctl: Regctl, request: FormRequest, source: Source) -> Made:
    image = Reference(request.repository, source.manifest.digest)
    with undone_on_failure(regctl, image.repository, [image.digest]):
        pushed_bytes = place(regctl, source, request.repository)
        _tag(regctl, request, image)
    return Made(source.manifest, image.digest, (image.digest,), pushed_bytes)


def _make_layers(regctl: Regctl, request: FormRequest, source: Source) -> Made:
    with scratch("form") as room:
        image = local_image(regctl, request, source, room)
        digest = image.manifest.digest
        with undone_on_failure(regctl, request.repository, [digest]) as new:
            pushed_bytes = push(regctl, image, request.repository, new, source)
            _tag(regctl, request, Reference(request.repository, digest))
    return Made(image.manifest, digest, (digest,), pushed_bytes)


def _make_v2(regctl: Regctl, request: FormRequest, source: Source) -> Made:
    if request.trace is not None:
        from infra.oci import traced  # with numpy, which takes as long to import as all else, and few forms need

        traced.require_of(request.trace, source)
    with scratch("form") as room:
        image = local_image(regctl, request, source, room)
        options = replace(request.options, prefetch=_prefetch_list(request, room))
        with blame.explained(image.manifest, options, regctl.deadline, lambda: image.folder):
            converted = indexed.convert(image.folder, room / "converted", options, regctl.deadline)
        if request.trace is not None:
            image, converted = traced.laid_out(request, request.trace, image, converted, room, regctl.deadline)
        ztocs = _ztocs(converted.index, image.manifest)
        prefetch = _prefetched(converted, request)
        digests = tuple(document.digest for document in converted.documents)
        with undone_on_failure(regctl, request.repository, digests) as new:
            pushed_bytes = push(regctl, converted, request.repository, new, source)
            _tag(regctl, request, Reference(request.repository, digests[0]))
    index, reasons = converted.index.digest, converted.reasons
    return Made(image.manifest, digests[0], digests, pushed_bytes, index, ztocs, prefetch, reasons)


def _make_v1(regctl: Regctl, request: FormRequest, source: Source) -> Made:
    with scratch("form") as room:
        local = _anew(regctl, request, source, room)
        manifest = local.manifest if local else source.manifest
        image = Reference(request.repository, manifest.digest)
        with undone_on_failure(regctl, image.repository, [image.digest]) as new:
            if local:
                pushed_bytes = push(regctl, local, image.repository, new, source)
            else:
                reserve_copies(room, manifest, copies=3)
                pushed_bytes = place(regctl, source, image.repository)
            regctl.export(image, room / "image.tar")
            before = {entry.digest for entry in regctl.referrers(image, SOCI_INDEX_V1)}
            with private_containerd(room) as socket, referrers_undone_on_failure(regctl, image, before):
                import_image(room / "image.tar", image.repository, socket, regctl.deadline)
                whole = (lambda: local.folder) if local else partial(source.pull, regctl, room, copies=2)
                with blame.explained(manifest, request.options, regctl.deadline, whole):
                    reasons = soci.create(str(image), socket, room / "soci", request.options, regctl.deadline)
                index = _push_v1(regctl, request, image, socket, room / "soci")
                ztocs = _ztocs(index, manifest)
                _tag(regctl, request, image)
    if index.digest not in before:
        pushed_bytes += index.size_bytes + sum(blob.size_bytes for blob in index.blobs)
    digests = (index.digest, image.digest)
    return Made(manifest, image.digest, digests, pushed_bytes, index.digest, ztocs, reasons=reasons)


MAKERS: Mapping[str, Maker] = {
    "plain": _make_plain,
    "plain-again": _make_plain,
    "parallel-pull": _make_plain,
    "zstd": _make_layers,
    "gzip": _make_layers,
    "uncompressed": _make_layers,
    "soci-v1": _make_v1,
    "soci-v2": _make_v2,
    "soci-v2-prefetch": _make_v2,
    "soci-v2-exact": _make_v2,
    "soci-v2-layout": _make_v2,
    "soci-v2-own-layer": _make_v2,
}
"""By kind of form (`infra.forms.KINDS`)."""


def _anew(regctl: Regctl, request: FormRequest, source: Source, room: Path) -> LocalImage | None:
    """The image with layers compressed anew, and room for containerd's copy; None when all stay as they are."""
    if choice_of_compression(request.spec, source.manifest) is None:
        return None
    local = local_image(regctl, request, source, room)
    reserve_copies(room, local.manifest, copies=4)
    return local


def _tag(regctl: Regctl, request: FormRequest, image: Reference) -> None:
    """A tag that no other image of the repository can want, because tags may be immutable."""
    if request.tagged:
        regctl.tag(image, f"{slug(request.form)}-{image.digest.removeprefix('sha256:')[:12]}")


def _prefetch_list(request: FormRequest, room: Path) -> Path | None:
    if request.attached is None or request.trace is not None:
        return None
    (room / "prefetch.json").write_text(request.attached, encoding="utf-8")
    return room / "prefetch.json"


def _prefetched(converted: soci.Converted, request: FormRequest) -> tuple[PrefetchOutput, ...]:
    """What the index says is to be fetched before a task starts; raises `ImageError` when a list gave nothing."""
    found = prefetch_artifacts(converted.folder, converted.index)
    if request.attached is not None and request.trace is None and not found:
        count = len(json.loads(request.attached))
        raise ImageError(
            f"none of the {count} files of the prefetch list lies in a layer that SOCI indexes. Check their paths, or "
            "lower minLayerSize."
        )
    return found


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
