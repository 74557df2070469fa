"""Reads the SOCI index of an image in a registry: which layers it covers, with which spans.

Serves `sociometer index list` and `sociometer index info`. A v2 index is named by the image index itself; a v1
index is found through the referrers of the image's manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from infra.oci import layout
from infra.oci.manifest import (
    PREFETCH_TYPE,
    SOCI_INDEX_V1,
    SOCI_LAYER_ANNOTATION,
    SOCI_SPAN_ANNOTATION,
    Descriptor,
    Manifest,
    Reference,
    as_image,
    split,
    ztocs_and_layers,
)
from infra.oci.regctl import Access, Deadline, Regctl
from infra.outputs import PrefetchOutput
from kit.documents import Unreadable, model_of
from kit.errors import ImageError
from kit.scratch import scratch

if TYPE_CHECKING:
    from infra.oci.ztoc import ZtocInfo


@dataclass(frozen=True)
class IndexedLayer:
    """A layer with its zTOC: digests, sizes in bytes, the span size asked for, and what the zTOC itself says.

    ``prefetched_spans`` is how many of its spans a loader fetches before the task starts, if it prefetches.
    """

    layer_digest: str
    layer_bytes: int
    ztoc_digest: str
    ztoc_bytes: int
    span_bytes: int | None
    prefetched_spans: int
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


class _Spans(BaseModel):
    """Spans of a prefetch artifact, both ends among them."""

    start_span: int = Field(ge=0)
    end_span: int = Field(ge=0)

    @property
    def count(self) -> int:
        """How many they are; none where the end lies before the start."""
        return max(self.end_span - self.start_span + 1, 0)


class _Prefetch(BaseModel):
    prefetch_spans: tuple[_Spans, ...]


@dataclass(frozen=True)
class _IndexedImage:
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
    indexed = _find_index(regctl, reference)
    if indexed.index is None:
        return None
    with scratch("index") as room:
        regctl.pull(Reference(reference.repository, indexed.index.digest), room / "index")
        layers = _layers(room / "index", indexed.index.digest, indexed.manifest)
    covered = {layer.layer_digest for layer in layers}
    return SociIndex(
        image=image,
        version=indexed.version,
        digest=indexed.index.digest,
        size_bytes=indexed.index.size_bytes,
        layers=layers,
        unindexed_layers=tuple(layer.digest for layer in indexed.manifest.layers if layer.digest not in covered),
    )


def prefetch_artifacts(folder: Path, index: Manifest) -> tuple[PrefetchOutput, ...]:
    """What an index in a layout says is to be fetched of each layer before a task starts."""
    return tuple(
        PrefetchOutput(
            digest=entry.digest,
            layer_digest=entry.annotation(SOCI_LAYER_ANNOTATION) or "",
            spans=_spans(layout.blob(folder, entry.digest)),
        )
        for entry in index.layers
        if entry.media_type == PREFETCH_TYPE
    )


def _spans(artifact: bytes) -> int:
    """How many spans a prefetch artifact names; both ends count (soci-snapshotter's `docs/prefetch.md`)."""
    try:
        return sum(spans.count for spans in model_of(_Prefetch, artifact).prefetch_spans)
    except Unreadable as error:
        raise ImageError(f"A prefetch artifact of the index cannot be read: {error}.") from error


def _find_index(regctl: Regctl, reference: Reference) -> _IndexedImage:
    """The image manifest behind a reference and its SOCI index, v2 if the image names one, else v1."""
    top = regctl.manifest(reference)
    if isinstance(top, Manifest):
        referrers = regctl.referrers(reference, SOCI_INDEX_V1)
        return _IndexedImage(top, referrers[0] if referrers else None, 1)
    index, image = split(top, reference)
    manifest = as_image(regctl.manifest(Reference(reference.repository, image.digest)), reference)
    return _IndexedImage(manifest, index, 2)


def _layers(folder: Path, digest: str, image: Manifest) -> tuple[IndexedLayer, ...]:
    index = as_image(layout.read(folder, digest), digest)
    prefetched = {artifact.layer_digest: artifact.spans for artifact in prefetch_artifacts(folder, index)}
    return tuple(
        _layer(folder, ztoc, layer, prefetched.get(layer.digest, 0)) for ztoc, layer in ztocs_and_layers(index, image)
    )


def _layer(folder: Path, ztoc: Descriptor, layer: Descriptor, prefetched_spans: int) -> IndexedLayer:
    from infra.oci.ztoc import parse_ztoc  # with numpy, and to make an index nobody reads one

    span = ztoc.annotation(SOCI_SPAN_ANNOTATION)
    return IndexedLayer(
        layer_digest=layer.digest,
        layer_bytes=layer.size_bytes,
        ztoc_digest=ztoc.digest,
        ztoc_bytes=ztoc.size_bytes,
        span_bytes=int(span) if span and span.isdecimal() and len(span) < 19 else None,
        prefetched_spans=prefetched_spans,
        info=parse_ztoc(layout.blob(folder, ztoc.digest)),
    )
