"""The spans of a layer: pieces of its tar that can be fetched and unpacked alone. Pure.

A span does not begin at a multiple of the span size: in a gzip layer it begins at the first deflate block that ends
more than a span size after the last beginning (soci-snapshotter's `ztoc/compression/gzip_zinfo.c`). The checkpoints in
the zTOC say where. Layers that are not compressed have spans of one fixed size (`tar_zinfo.go` beside it).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from kit.errors import ImageError

_HEADER = struct.Struct("<iq")
"""Number of checkpoints, and the span size asked for."""
_CHECKPOINT = struct.Struct("<qqB")
"""First whole compressed byte, uncompressed byte, and how many bits of the compressed byte before belong to it."""
_PACKED_BYTES = _CHECKPOINT.size + 32_768
"""With the window that unpacking begins with."""
MOST_SPANS = 1 << 19
"""Two terabytes in spans of the default size. More take seconds, and a zTOC of 200 bytes can claim them."""
_GZIP_HEADER_BYTES = 10
"""Where version-1 zTOCs, which leave the first checkpoint out, let the first span begin."""


@dataclass(frozen=True)
class Spans:
    """Where each span lies, in bytes: its start in the tar of ``uncompressed_bytes``, and ``stored``, start and end in
    the blob, where neighbours may share one byte."""

    starts: tuple[int, ...]
    uncompressed_bytes: int
    stored: tuple[tuple[int, int], ...]

    def compressed_bytes(self, number: int) -> int:
        """How much of the blob is fetched for a span."""
        start, end = self.stored[number]
        return end - start

    def extent(self, number: int) -> tuple[int, int]:
        """Which bytes of the tar a span holds; the end is not part of it."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else self.uncompressed_bytes
        return self.starts[number], end

    def number_at(self, offset: int) -> int:
        """The span that holds a byte of the tar."""
        return max(bisect_right(self.starts, offset) - 1, 0)


def touched(spans: Spans, ranges: Iterable[tuple[int, int]]) -> list[int]:
    """The numbers of the spans that the snapshotter fetches for ranges of the tar (start, end), sorted.

    It counts the end in (`SpanManager.getSpanInfo`): a range that ends where a span begins fetches that one, too. An
    empty range fetches nothing.
    """
    found: set[int] = set()
    for start, end in ranges:
        if end > start:
            found.update(range(spans.number_at(start), spans.number_at(end) + 1))
    return sorted(found)


def of_gzip(checkpoints: bytes, compressed_bytes: int, uncompressed_bytes: int) -> Spans:
    """The spans of a gzip layer, from a zTOC's checkpoints; raises `ImageError` when they are none."""
    if len(checkpoints) < _HEADER.size:
        raise ImageError(f"The checkpoints of a zTOC are cut off: there are {len(checkpoints)} bytes.")
    count, _ = _HEADER.unpack_from(checkpoints)
    held, rest = divmod(len(checkpoints) - _HEADER.size, _PACKED_BYTES)
    if rest or count < 1 or held not in (count, count - 1):
        raise ImageError(f"A zTOC promises {count} checkpoints, and has {len(checkpoints)} bytes of them.")
    points = [_CHECKPOINT.unpack_from(checkpoints, _HEADER.size + number * _PACKED_BYTES) for number in range(held)]
    if held < count:
        points.insert(0, (_GZIP_HEADER_BYTES, 0, 0))
    ends = [*(into for into, _, _ in points[1:]), compressed_bytes]
    stored = ((into - bool(bits), end) for (into, _, bits), end in zip(points, ends, strict=True))
    return _in_order(Spans(tuple(out for _, out, _ in points), uncompressed_bytes, tuple(stored)))


def of_fixed(span_bytes: int, size_bytes: int, uncompressed_bytes: int) -> Spans:
    """The spans of a layer of ``size_bytes`` that is not compressed; its tar may end earlier than the blob."""
    if span_bytes < 1 or size_bytes > MOST_SPANS * span_bytes:
        raise ImageError(f"A zTOC has spans of {span_bytes} bytes for a layer of {size_bytes}.")
    starts = range(0, max(size_bytes, 1), span_bytes)
    stored = ((start, min(start + span_bytes, size_bytes)) for start in starts)
    return _in_order(Spans(tuple(starts), uncompressed_bytes, tuple(stored)))


def _in_order(spans: Spans) -> Spans:
    stored = [start for start, _ in spans.stored]
    ordered = all(one < other for places in (spans.starts, stored) for one, other in pairwise(places))
    if not ordered or spans.starts[0] < 0 or stored[0] < 0 or any(start > end for start, end in spans.stored):
        raise ImageError("The checkpoints of a zTOC are not in order.")
    return spans
