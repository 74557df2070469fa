"""Reads a zTOC, the table of contents of a layer: spans, files and sizes.

A zTOC is a FlatBuffer; the field numbers are those of soci-snapshotter's `ztoc/fbs/ztoc.fbs`. `soci ztoc info`
tells the same, but only of a zTOC in its own local store.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from flatbuffers import encode, packer
from flatbuffers.number_types import Int8Flags, Int32Flags, Int64Flags
from flatbuffers.table import Table

from kit.errors import ImageError

_COMPRESSIONS = {1: "gzip", 2: "uncompressed"}
_GZIP = 1


@dataclass(frozen=True)
class ZtocInfo:
    """A layer's table of contents: number of spans and files, sizes of the layer's tar in bytes."""

    version: str
    build_tool: str
    compression: str
    span_count: int
    file_count: int
    compressed_bytes: int
    uncompressed_bytes: int


def parse_ztoc(content: bytes) -> ZtocInfo:
    """Read a zTOC; raises `ImageError` when the bytes are not one."""
    try:
        root = Table(content, encode.Get(packer.uoffset, content, 0))
        compression = _child(root, 5)
        return ZtocInfo(
            version=_string(root, 0),
            build_tool=_string(root, 1),
            compression=_COMPRESSIONS[compression.GetSlot(_slot(0), _GZIP, Int8Flags)],
            span_count=compression.GetSlot(_slot(1), 0, Int32Flags) + 1,
            file_count=_length(_child(root, 4), 0),
            compressed_bytes=root.GetSlot(_slot(2), 0, Int64Flags),
            uncompressed_bytes=root.GetSlot(_slot(3), 0, Int64Flags),
        )
    except (struct.error, IndexError, KeyError, ValueError, TypeError) as error:
        raise ImageError(f"These {len(content)} bytes are not a zTOC: {error!r}.") from error


def _slot(field: int) -> int:
    """Where a field stands in a FlatBuffers vtable, which begins with its two lengths."""
    return 4 + 2 * field


def _child(parent: Table, field: int) -> Table:
    offset = parent.Offset(_slot(field))
    if offset == 0:
        raise ValueError(f"field {field} is missing")
    return Table(parent.Bytes, parent.Indirect(parent.Pos + offset))


def _string(table: Table, field: int) -> str:
    offset = table.Offset(_slot(field))
    return table.String(table.Pos + offset).decode() if offset else ""


def _length(table: Table, field: int) -> int:
    offset = table.Offset(_slot(field))
    return int(table.VectorLen(offset)) if offset else 0
