"""Writes one layer anew with what boot reads at its front; a layer that must or need not change is left as it is.

Two passes over a temporary file: memory holds one record of each entry, never a file's content.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from infra.oci import layout
from infra.oci.manifest import Descriptor
from infra.relayout import streams
from infra.relayout.order import reordered
from infra.relayout.records import Archive, Record, Unmovable, scan
from infra.trace.model import Range
from kit.errors import ImageError


@dataclass(frozen=True)
class Wish:
    """What a layer is to become: ``paths`` (clean) first, first access first. ``ranges`` are the bytes of its tar
    that boot reads, in ``spans`` spans of ``bytes_per_span`` bytes; ``in_the_way`` is what layers below have there
    (`order.reordered`)."""

    paths: Sequence[bytes]
    ranges: Sequence[Range]
    spans: int
    bytes_per_span: float
    in_the_way: Collection[bytes] = ()


@dataclass(frozen=True)
class Kept:
    """A layer that stays as it is, and why, in words that follow "because"."""

    reason: str


@dataclass(frozen=True)
class Piece:
    """A part of a tar, from ``start`` to ``end`` in bytes."""

    tar: BinaryIO
    start: int
    end: int

    def copy(self, sink: streams.Sink) -> None:
        """Write it on."""
        self.tar.seek(self.start)
        start = self.start
        while chunk := self.tar.read(min(self.end - start, streams.CHUNK)):
            sink.write(chunk)
            start += len(chunk)


@dataclass(frozen=True)
class Rewritten:
    """A layer written anew: its blob's digest and size, the tar's digest, how many files came to the front and what
    they take there in bytes."""

    digest: str
    size_bytes: int
    diff_id: str
    files_first: int
    bytes_first: int


def rewrite(source: Path, layer: Descriptor, diff_id: str, wish: Wish, target: Path) -> Kept | Rewritten:
    """Put a layer of the layout ``source`` into the layout ``target`` in its new order.

    Raises `ImageError` when its content is not what the image's configuration says.
    """
    with unpacked(source, layer, diff_id, target) as tar:
        try:
            archive = scan(tar)
            order = reordered(archive.records, wish.paths, wish.in_the_way)
        except Unmovable as finding:
            return Kept(str(finding))
        if reason := _needless(archive.records, order, wish):
            return Kept(reason)
        return _written(tar, archive, order, layer, wish, target)


@contextmanager
def unpacked(source: Path, layer: Descriptor, diff_id: str, room: Path) -> Iterator[BinaryIO]:
    """A layer's tar as a temporary file; raises `ImageError` when it is not what the configuration says."""
    with tempfile.TemporaryFile(dir=room) as file:
        actual = streams.unpack(layout.blob_path(source, layer.digest), layer.media_type, file)
        if actual != diff_id:
            raise ImageError(f"Layer {layer.digest} is corrupt: its content is {actual}, not {diff_id}.")
        yield cast(BinaryIO, file)


def _needless(records: Sequence[Record], order: Sequence[int], wish: Wish) -> str | None:
    """Why a new order would not help: it is the old one, or the spans that hold what boot reads get no fewer."""
    if list(order) == list(range(len(order))):
        return "what boot reads is at its front already"
    after = expected_spans(moved(records, order, wish.ranges), wish.bytes_per_span)
    if after >= wish.spans:
        return f"boot needs {wish.spans} of its spans in any order"
    return None


def moved(records: Sequence[Record], order: Sequence[int], ranges: Sequence[Range]) -> list[Range]:
    """Where ranges of a tar, sorted, lie after its records have been put into a new order."""
    starts, at = dict[int, int](), 0
    for index in order:
        starts[index] = at
        at += records[index].end - records[index].start
    found, index = [], 0
    for start, end in ranges:
        while records[index].end <= start:
            index += 1
        shift = starts[index] - records[index].start
        found.append((start + shift, end + shift))
    return sorted(found)


def expected_spans(ranges: Sequence[Range], bytes_per_span: float) -> int:
    """In how many spans ranges will lie, if all spans get the average size."""
    found: set[int] = set()
    for start, end in ranges:
        found.update(range(int(start / bytes_per_span), int((end - 1) / bytes_per_span) + 1))
    return len(found)


def _written(
    tar: BinaryIO, archive: Archive, order: Sequence[int], layer: Descriptor, wish: Wish, target: Path
) -> Rewritten:
    first = _first(archive.records, wish.paths)
    sizes = sum(record.end - record.start for record in first)
    return store(pieces(tar, archive, order), layer.media_type, target, len(first), sizes)


def pieces(tar: BinaryIO, archive: Archive, order: Sequence[int]) -> Iterator[Piece]:
    """A tar with these records, and its end as it was."""
    for start, end in [*runs(archive.records, order), (archive.end, tar.seek(0, io.SEEK_END))]:
        yield Piece(tar, start, end)


def store(parts: Iterable[bytes | Piece], media_type: str, target: Path, files: int, size_bytes: int) -> Rewritten:
    """Put a layer of these parts into the layout ``target``; so many files of it are what boot reads."""
    with tempfile.NamedTemporaryFile(dir=target, delete=False) as file:
        blob = streams.Sha256Writer(file)
        is_packed = media_type.endswith("gzip")
        with streams.GzipWriter(blob) if is_packed else nullcontext(blob) as packed:
            content = streams.Sha256Writer(packed)
            for part in parts:
                content.write(part) if isinstance(part, bytes) else part.copy(content)
    Path(file.name).chmod(0o644)
    Path(file.name).rename(layout.blob_path(target, blob.digest))
    return Rewritten(blob.digest, blob.size_bytes, content.digest, files, size_bytes)


def _first(records: Sequence[Record], paths: Sequence[bytes]) -> list[Record]:
    """The records that hold the content of the paths, each once."""
    by_path = {record.path: record for record in records}
    found: dict[Record, None] = {}
    for path in paths:
        record = by_path.get(path)
        while record is not None and record.kind == "hard link":
            record = by_path[record.target]
        if record is not None:
            found[record] = None
    return list(found)


def runs(records: Sequence[Record], order: Sequence[int]) -> Iterator[Range]:
    """The bytes to copy, records that stay neighbours as one piece."""
    start = end = records[order[0]].start if order else 0
    for index in order:
        record = records[index]
        if record.start != end:
            yield start, end
            start = record.start
        end = record.end
    yield start, end
