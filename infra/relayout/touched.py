"""From a trace to spans: which bytes of a layer's tar the boot read, and which spans hold them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.oci.spans import touched
from infra.oci.ztoc import read_entries, read_spans
from infra.trace.contents import LayerFiles, clean
from infra.trace.model import Range, Trace, TracedFile


@dataclass(frozen=True)
class Touched:
    """What the boot needs of one layer: ranges of its tar in bytes, sorted, and the spans that hold them.

    ``stored_bytes`` is what those spans weigh in the blob; ``unknown`` are traced paths that the layer does not have.
    """

    ranges: tuple[Range, ...]
    spans: tuple[int, ...]
    span_count: int
    stored_bytes: int
    uncompressed_bytes: int
    unknown: tuple[str, ...] = ()

    @property
    def bytes_per_span(self) -> float:
        """Of the tar, on average."""
        return self.uncompressed_bytes / self.span_count


def touched_spans(ztoc: bytes, files: Iterable[TracedFile]) -> Touched:
    """The spans that hold what the boot read of a layer, in whatever order its tar is.

    A range of pages may reach beyond the end of its file. Raises `ImageError` for a zTOC that is none.
    """
    spans, layer = read_spans(ztoc), LayerFiles(0, read_entries(ztoc))
    ranges, unknown = list[Range](), list[str]()
    for file in files:
        content = layer.named(clean(file.path))
        if content is None:
            unknown.append(file.path)
        elif inside := [(start, min(end, content.size)) for start, end in file.ranges if start < content.size]:
            ranges.extend(content.in_tar(inside))
    numbers = touched(spans, ranges)
    return Touched(
        ranges=tuple(sorted(ranges)),
        spans=tuple(numbers),
        span_count=len(spans.starts),
        stored_bytes=sum(spans.compressed_bytes(number) for number in numbers),
        uncompressed_bytes=spans.uncompressed_bytes,
        unknown=tuple(unknown),
    )


def files_of(trace: Trace, layer: int) -> list[TracedFile]:
    """What the boot read of a layer, first access first; files of which it read nothing are left out."""
    return [file for file in trace.files if file.layer == layer and file.ranges]
