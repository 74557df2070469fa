"""Reads a zTOC, the table of contents of a layer: spans, files, where they lie, and sizes.

A zTOC is a FlatBuffer; the field numbers are those of soci-snapshotter's `ztoc/fbs/ztoc.fbs`. `soci ztoc info`
tells the same, but only of a zTOC in its own local store.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flatbuffers import encode, packer
from flatbuffers.number_types import Int8Flags, Int32Flags, Int64Flags
from flatbuffers.table import Table

from infra.oci.spans import Spans, of_fixed, of_gzip
from kit.errors import ImageError

_COMPRESSIONS = {1: "gzip", 2: "uncompressed"}
_GZIP = 1
_TAR_BLOCK = 512
MOST_SHARED = 16
"""Bytes of names for each byte of a zTOC: writers store each name once, but a table may point many entries at one."""


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


@dataclass(frozen=True)
class ZtocEntry:
    """An entry of a layer's tar, by its order there: ``offset`` and ``size`` in bytes are its content's, without the
    header; ``kind`` is soci's word: reg, dir, symlink, hardlink, char, block, fifo; ``link`` is where it leads to."""

    name: str
    kind: str
    offset: int
    size: int
    link: str


def parse_ztoc(content: bytes) -> ZtocInfo:
    """Read a zTOC; raises `ImageError` when the bytes are not one."""
    with _readable(content) as root:
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


def read_entries(content: bytes) -> tuple[ZtocEntry, ...]:
    """The entries of the layer's tar, in their order there; raises `ImageError` as `parse_ztoc` does."""
    with _readable(content) as root:
        toc = _child(root, 4)
        first = toc.Vector(toc.Offset(_slot(0))) if _length(toc, 0) else 0
        tables = (Table(content, toc.Indirect(first + 4 * number)) for number in range(_length(toc, 0)))
        entries, left = list[ZtocEntry](), MOST_SHARED * len(content)
        for table in tables:
            entries.append(_entry(table))
            left -= sum(len(text) for text in (entries[-1].name, entries[-1].kind, entries[-1].link))
            if left < 0:
                raise ValueError("its entries share their names more often than any writer does")
    return tuple(sorted(entries, key=lambda entry: entry.offset))


def _entry(table: Table) -> ZtocEntry:
    offset, size = (table.GetSlot(_slot(field), 0, Int64Flags) for field in (2, 3))
    if offset < 0 or size < 0:
        raise ValueError(f"an entry of {size} bytes lies at {offset}")
    return ZtocEntry(_string(table, 0), _string(table, 1), offset, size, _string(table, 4))


def header_starts(entries: Sequence[ZtocEntry]) -> list[int]:
    """Where in the tar the header of each entry begins, extended headers included: behind the entry before it.

    The snapshotter reads a file's header, too, when it is read for the first time (`fs/reader/reader.go`, `Verify`).
    """
    ends = [-(-(entry.offset + entry.size) // _TAR_BLOCK) * _TAR_BLOCK for entry in entries]
    return [0, *ends][: len(entries)]


def read_spans(content: bytes) -> Spans:
    """Where the layer's spans lie; raises `ImageError` as `parse_ztoc` does."""
    info = parse_ztoc(content)
    with _readable(content) as root:
        points = _bytes(_child(root, 5), 3)
    if info.compression == "gzip":
        spans = of_gzip(points, info.compressed_bytes, info.uncompressed_bytes)
    else:
        with _readable(points) as fixed:  # of another schema: `ztoc/compression/fbs/zinfo.fbs`
            sizes = (fixed.GetSlot(_slot(1), 0, Int64Flags), fixed.GetSlot(_slot(2), 0, Int64Flags))
        spans = of_fixed(*sizes, info.uncompressed_bytes)
    if len(spans.starts) != info.span_count:
        raise ImageError(f"A zTOC promises {info.span_count} spans and has {len(spans.starts)}.")
    return spans


@contextmanager
def _readable(content: bytes) -> Iterator[Table]:
    """The root of a FlatBuffer; what fails in the block is the fault of its bytes."""
    try:
        yield Table(content, encode.Get(packer.uoffset, content, 0))
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
    return table.String(table.Pos + offset).decode(errors="surrogateescape") if offset else ""


def _bytes(table: Table, field: int) -> bytes:
    offset = table.Offset(_slot(field))
    start = table.Vector(offset) if offset else 0
    return bytes(table.Bytes[start : start + _length(table, field)])


def _length(table: Table, field: int) -> int:
    offset = table.Offset(_slot(field))
    return int(table.VectorLen(offset)) if offset else 0
