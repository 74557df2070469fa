"""A trace: which bytes of which files of an image a boot reads until it is ready. Commands exchange it as JSON.

Schema history: 1 — first version.
"""

from __future__ import annotations

from pydantic import Field, ValidationError

from infra.outputs import DIGEST, Platform
from kit.errors import TraceError
from kit.values import Frozen, first_fault

SCHEMA_VERSION = 1
Range = tuple[int, int]
"""Start and end in bytes of a file's content; the end is not part of it."""


class TracedLayer(Frozen):
    """A layer of the traced image, lowest first."""

    digest: str = Field(pattern=DIGEST)
    diff_id: str = Field(pattern=DIGEST)
    media_type: str
    size_bytes: int = Field(ge=0, description="compressed")


class TracedFile(Frozen):
    """A file of which the boot read something, or that it opened; ``path`` is the image's, without a leading slash."""

    path: str
    layer: int = Field(ge=0, description="index of the layer that holds its content")
    size_bytes: int = Field(ge=0)
    first_ms: float | None = Field(default=None, ge=0, description="first access, after the container's start")
    ranges: tuple[Range, ...] = Field(default=(), description="pages that were asked for, merged, in order of place")

    @property
    def read_bytes(self) -> int:
        """How much of it was asked for, in whole pages."""
        return sum(end - start for start, end in self.ranges)


class Trace(Frozen):
    """One boot. ``files`` are in order of first access."""

    schema_version: int = SCHEMA_VERSION
    image: str = Field(description="as the user named it")
    digest: str = Field(pattern=DIGEST, description="of the image's manifest, without any SOCI index")
    platform: Platform
    ready: str = Field(description="what it waited for: see `infra.readiness`")
    ready_ms: float = Field(ge=0, description="after the container's start")
    layers: tuple[TracedLayer, ...]
    files: tuple[TracedFile, ...]
    not_seen: tuple[str, ...] = Field(default=(), description="what the trace cannot know, in sentences")


def parse(text: str | bytes, name: str) -> Trace:
    """Read a trace; raises `TraceError` that names the file and the first fault."""
    try:
        trace = Trace.model_validate_json(text)
    except ValidationError as error:
        raise TraceError(f"{name} is not a trace that this version reads: {first_fault(error)}.") from error
    if trace.schema_version != SCHEMA_VERSION:
        raise TraceError(
            f"{name} has trace schema version {trace.schema_version}; this version reads {SCHEMA_VERSION}. Trace again."
        )
    return trace
