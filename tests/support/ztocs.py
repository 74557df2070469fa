"""Writes zTOCs as soci does, also impossible ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import flatbuffers

from infra.oci.ztoc import ZtocEntry


def packed(points: Sequence[tuple[int, int, int]], count: int | None = None) -> bytes:
    """Checkpoints of gzip (compressed bytes, uncompressed bytes, bits); ``count`` is how many it says they are."""
    body = b"".join(struct.pack("<qqB", *point) + bytes(32_768) for point in points)
    return struct.pack("<iq", len(points) if count is None else count, 4096) + body


def ztoc(
    points: bytes,
    count: int,
    *,
    algorithm: int = 1,
    entries: Sequence[ZtocEntry] = (),
    shared: bool = False,
    size: int = 9_000,
) -> bytes:
    """A zTOC as soci writes it, with the schema's field numbers; ``shared``: equal texts are there once;
    ``size`` is the tar's."""
    builder = flatbuffers.Builder(0)
    text_of = builder.CreateSharedString if shared else builder.CreateString
    tables = []
    for entry in entries:
        name, kind, link = (text_of(text) for text in (entry.name, entry.kind, entry.link))
        builder.StartObject(14)
        for slot, text in ((0, name), (1, kind), (4, link)):
            builder.PrependUOffsetTRelativeSlot(slot, text, 0)
        builder.PrependInt64Slot(2, entry.offset, 0)
        builder.PrependInt64Slot(3, entry.size, 0)
        tables.append(builder.EndObject())
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    metadata = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, metadata, 0)
    toc = builder.EndObject()
    checkpoints = builder.CreateByteVector(points)
    builder.StartObject(4)
    builder.PrependInt8Slot(0, algorithm, 1)
    builder.PrependInt32Slot(1, count - 1, 0)
    builder.PrependUOffsetTRelativeSlot(3, checkpoints, 0)
    compression = builder.EndObject()
    builder.StartObject(6)
    builder.PrependInt64Slot(2, 1_000, 0)
    builder.PrependInt64Slot(3, size, 0)
    builder.PrependUOffsetTRelativeSlot(4, toc, 0)
    builder.PrependUOffsetTRelativeSlot(5, compression, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def fixed(span_bytes: int, size: int) -> bytes:
    """Checkpoints of what is not compressed: spans of one length."""
    builder = flatbuffers.Builder(0)
    builder.StartObject(3)
    builder.PrependInt64Slot(1, span_bytes, 0)
    builder.PrependInt64Slot(2, size, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())
