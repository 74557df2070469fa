"""A trace: which bytes of which files of an image a boot reads until it is ready. Commands exchange it as JSON.

Schema history: 1 — first version.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from infra.outputs import DIGEST, Platform
from kit import documents
from kit.documents import Unreadable, model_of
from kit.errors import TraceError
from kit.values import Document

SCHEMA_VERSION = 1
Range = tuple[int, int]
"""Start and end in bytes; the end is not part of it."""


class LazyLayer(Document):
    """What a boot made of a layer that was loaded lazily. Its spans are those of the form that was traced."""

    files: int = Field(ge=0, description="regular files with their own content; a hard link is none")
    file_bytes: int = Field(ge=0, description="of their contents together")
    span_count: int = Field(ge=0)
    spans: tuple[int, ...] = Field(default=(), description="numbers of those that the boot needs, in order")
    span_weights: tuple[int, ...] = Field(default=(), description="compressed size of each of those spans")
    fetched_bytes: int = Field(ge=0, description="compressed size of those spans together")
    unpacked_bytes: int = Field(ge=0, description="what those spans hold")
    fetched: tuple[Range, ...] = Field(default=(), description="the same as parts of the layer's tar, merged")
    tar_bytes: int = Field(ge=0, description="of the layer, not compressed")

    @model_validator(mode="after")
    def _spans_of_the_layer(self) -> Self:
        numbers = [-1, *self.spans, self.span_count]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise ValueError(f"spans are not numbers below {self.span_count}, in order")
        if len(self.span_weights) not in (0, len(self.spans)) or any(weight < 0 for weight in self.span_weights):
            raise ValueError(f"{len(self.span_weights)} weights for {len(self.spans)} spans")
        _require_in_order(self.fetched)
        return self


class TracedLayer(Document):
    """A layer of the traced image, lowest first."""

    digest: str = Field(pattern=DIGEST)
    diff_id: str = Field(pattern=DIGEST)
    media_type: str
    size_bytes: int = Field(ge=0, description="compressed")
    lazy: LazyLayer | None = Field(default=None, description="None: it was loaded whole, and nothing of it was seen")


class TracedFile(Document):
    """A file of which the boot read something, or that it opened; ``path`` is the image's, without a leading slash.

    A file with several names goes by that of the tar entry that holds its content.
    """

    path: str
    layer: int = Field(ge=0, description="index of the layer that holds its content")
    size_bytes: int = Field(ge=0)
    first_ms: float | None = Field(default=None, ge=0, description="first access, after the container's start")
    tar_name: str | None = Field(default=None, description="its name in the layer's tar, where that is another")
    offset: int | None = Field(default=None, ge=0, description="where its content begins in the layer's tar")
    ranges: tuple[Range, ...] = Field(default=(), description="pages that were asked for, merged, in order of place")

    @model_validator(mode="after")
    def _ranges_in_order(self) -> Self:
        _require_in_order(self.ranges)
        return self

    @property
    def read_bytes(self) -> int:
        """How much of it was asked for, in whole pages."""
        return sum(end - start for start, end in self.ranges)


class TracedFolder(Document):
    """All files of one layer below a folder (its first parts), and what the boot read of them, in whole pages."""

    path: str
    layer: int = Field(ge=0)
    files: int = Field(ge=0)
    file_bytes: int = Field(ge=0)
    read_files: int = Field(ge=0)
    read_bytes: int = Field(ge=0)


class Trace(Document):
    """One boot, or several united. ``files`` are in order of first access."""

    schema_version: int = SCHEMA_VERSION
    image: str = Field(description="as the user named it")
    digest: str = Field(pattern=DIGEST, description="of the image's manifest, without any SOCI index")
    platform: Platform
    ready: str = Field(description="what it waited for: see `infra.readiness`")
    ready_ms: float = Field(ge=0, description="after the container's start, which begins when the image is pulled")
    layers: tuple[TracedLayer, ...]
    files: tuple[TracedFile, ...]
    folders: tuple[TracedFolder, ...] = Field(default=(), description="by layer, then by name")
    span_bytes: int | None = Field(default=None, description="the span size that it was traced with")
    received_bytes: int | None = Field(default=None, ge=0, description="over the network until ready, all together")
    whole_bytes: int | None = Field(
        default=None,
        ge=0,
        description="of them, blobs: manifests, zTOCs (once for containerd, once for the snapshotter)",
    )
    share: float | None = Field(default=None, ge=0, description="of the image's files that the boot needs, by bytes")
    amplification: float | None = Field(
        default=None, ge=0, description="bytes that are fetched for each that is needed, both unpacked"
    )
    boots: int = Field(default=1, ge=1, description="that were united; of more than one, nothing is received")
    not_seen: tuple[str, ...] = Field(default=(), description="what the trace cannot know, in sentences")


def _require_in_order(ranges: Sequence[Range]) -> None:
    """Each begins where the one before it ends, or later."""
    at = 0
    for start, end in ranges:
        if not at <= start <= end:
            raise ValueError(f"the range from {start} to {end} is not in order")
        at = end


def parse(text: str | bytes, name: str) -> Trace:
    """Read a trace; raises `TraceError` that names the file and the first fault."""
    try:
        trace = model_of(Trace, text)
    except Unreadable as error:
        raise TraceError(f"{name} is not a trace that this version reads: {error}.") from error
    if trace.schema_version != SCHEMA_VERSION:
        raise TraceError(
            f"{name} has trace schema version {trace.schema_version}; this version reads {SCHEMA_VERSION}. Trace again."
        )
    parts: tuple[TracedFile | TracedFolder, ...] = (*trace.files, *trace.folders)
    for part in parts:
        if part.layer >= len(trace.layers):
            raise TraceError(f"{name} has {part.path!r} in layer {part.layer} of {len(trace.layers)}, from 0 on.")
    return trace


def read(file: Path) -> Trace:
    """The trace in a file; raises `TraceError` for one that is none or cannot be read."""
    try:
        return parse(documents.read(file), str(file))
    except Unreadable as error:
        raise TraceError(f"The trace {file} cannot be read: {error}.") from error
    except OSError as error:
        raise TraceError(f"The trace {file} cannot be read: {error.strerror}.") from error
