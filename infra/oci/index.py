"""The SOCI index behind an image in a registry: which layers it covers, with which spans.

Serves `sociometer index list` and `sociometer index info`. A v2 index is named by the image index itself; a v1
index is found through the referrers of the image's manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.oci import layout
from infra.oci.manifest import (
    SOCI_INDEX_V1,
    SOCI_INDEX_V2,
    SOCI_LAYER_ANNOTATION,
    SOCI_SPAN_ANNOTATION,
    ZTOC_TYPE,
    Descriptor,
    Index,
    Manifest,
    Reference,
)
from infra.oci.regctl import Access, Deadline, Regctl
from infra.oci.ztoc import ZtocInfo, parse_ztoc
from kit.errors import ImageError
from kit.scratch import scratch


@dataclass(frozen=True)
class IndexedLayer:
    """A layer with its zTOC: digests, sizes in bytes, the span size asked for, and what the zTOC itself says."""

    layer_digest: str
    layer_bytes: int
    ztoc_digest: str
    ztoc_bytes: int
    span_bytes: int | None
    info: ZtocInfo


@dataclass(frozen=True)
class SociIndex:
    """A SOCI index and what it covers; ``version`` is 1 or 2; ``unindexed_layers`` are loaded whole."""

    image: str
    version: int
    digest: str
    size_bytes: int
    layers: tuple[IndexedLayer, ...]
    unindexed_layers: tuple[str, ...]


@dataclass(frozen=True)
class IndexedImage:
    """An image of one platform, and the descriptor of its SOCI index (None: it has none)."""

    manifest: Manifest
    index: Descriptor | None
    version: int


def read_index(image: str, access: Access | None = None, *, timeout_seconds: float = 120.0) -> SociIndex | None:
    """The SOCI index of an image ``host:port/repository@sha256:…``, its zTOCs read; None when it has none.

    The zTOCs are downloaded (about 1 % of the layers they describe). Raises `ImageError` for an image, index or
    zTOC that is missing or corrupt, `RegistryUnreachable` when nobody answers.
    """
    reference = Reference.parse(image)
    regctl = Regctl(access or Access(), Deadline(timeout_seconds))
    found = find_index(regctl, reference)
    if found.index is None:
        return None
    with scratch("index") as room:
        regctl.pull(Reference(reference.repository, found.index.digest), room / "index")
        layers = _layers(room / "index", found.index.digest, found.manifest)
    covered = {layer.layer_digest for layer in layers}
    return SociIndex(
        image=image,
        version=found.version,
        digest=found.index.digest,
        size_bytes=found.index.size_bytes,
        layers=layers,
        unindexed_layers=tuple(layer.digest for layer in found.manifest.layers if layer.digest not in covered),
    )


def find_index(regctl: Regctl, reference: Reference) -> IndexedImage:
    """The image manifest behind a reference and its SOCI index, v2 if the image names one, else v1."""
    top = regctl.manifest(reference)
    if isinstance(top, Manifest):
        found = regctl.referrers(reference, SOCI_INDEX_V1)
        return IndexedImage(top, found[0] if found else None, 1)
    index, image = split(top, reference)
    manifest = regctl.manifest(Reference(reference.repository, image.digest))
    if not isinstance(manifest, Manifest):
        raise ImageError(f"{reference} is an index of indexes; name one image.")
    return IndexedImage(manifest, index, 2)


def split(top: Index, reference: Reference) -> tuple[Descriptor | None, Descriptor]:
    """The SOCI index (or None) and the image that an image index of one platform names."""
    indexes = [entry for entry in top.manifests if entry.artifact_type == SOCI_INDEX_V2]
    images = [entry for entry in top.manifests if entry.artifact_type is None and entry.platform != "unknown/unknown"]
    if len(images) != 1 or len(indexes) > 1:
        raise ImageError(f"{reference} holds {len(images)} images and {len(indexes)} SOCI indexes; name one image.")
    return (indexes[0] if indexes else None), images[0]


def _layers(folder: Path, digest: str, image: Manifest) -> tuple[IndexedLayer, ...]:
    index = layout.read(folder, digest)
    if not isinstance(index, Manifest):
        raise ImageError(f"{digest} is not a SOCI index.")
    sizes = {layer.digest: layer.size_bytes for layer in image.layers}
    return tuple(_layer(folder, ztoc, sizes) for ztoc in index.layers if ztoc.media_type == ZTOC_TYPE)


def _layer(folder: Path, ztoc: Descriptor, sizes: dict[str, int]) -> IndexedLayer:
    layer_digest = ztoc.annotation(SOCI_LAYER_ANNOTATION) or ""
    if layer_digest not in sizes:
        raise ImageError(f"zTOC {ztoc.digest} is for layer {layer_digest}, which the image does not have.")
    span = ztoc.annotation(SOCI_SPAN_ANNOTATION)
    return IndexedLayer(
        layer_digest=layer_digest,
        layer_bytes=sizes[layer_digest],
        ztoc_digest=ztoc.digest,
        ztoc_bytes=ztoc.size_bytes,
        span_bytes=int(span) if span else None,
        info=parse_ztoc(layout.blob_path(folder, ztoc.digest).read_bytes()),
    )
