"""What is known when a boot was watched, of the image and of what it read: values, for `assemble`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.oci.spans import Spans
from infra.outputs import Platform
from infra.trace.contents import Content, LayerFiles, Range


@dataclass(frozen=True)
class Observation:
    """What was seen of a boot. Times are ns since the epoch.

    ``read`` has the parts of each file that are in memory, none for a file that was opened only; in the order of first
    access. ``strangers`` are names in the log that belong to no file of the image; ``gone`` are files that were read
    and of which nothing is in memory any more: what ``read`` has of them is a guess. ``whole_bytes`` of
    ``received_bytes`` were blobs.
    """

    began_ns: int
    ready_ns: int
    first_ns: Mapping[Content, int]
    read: Mapping[Content, Sequence[Range]]
    received_bytes: int
    whole_bytes: int
    strangers: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    short_of_memory: bool = False


@dataclass(frozen=True)
class SeenLayer:
    """A layer of the image as it is; ``files`` and ``spans`` of the traced form, None where it was not lazy."""

    digest: str
    diff_id: str
    media_type: str
    size_bytes: int
    files: LayerFiles | None
    spans: Spans | None


@dataclass(frozen=True)
class About:
    """What a trace says of its image and how it was made."""

    image: str
    digest: str
    platform: Platform
    ready: str
    span_bytes: int
    recompressed: bool
