"""From what was seen of a boot to the trace that commands exchange. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from infra.trace.contents import Content, Range
from infra.trace.model import LazyLayer, Trace, TracedFile, TracedFolder, TracedLayer
from infra.trace.seen import About, Observation, SeenLayer
from infra.trace.summary import with_figures

FOLDER_PARTS = 3
"""How many parts of a path make a folder of the summary: ``usr/lib/python3``."""
_NEVER_SEEN = (
    "Not seen, because they are not part of the image: memory that the container fills itself, files that it writes, "
    "and files of volumes.",
    "Not counted, because they cost no span: names that were looked up, folders that were listed, links that were "
    "followed.",
)


def assemble(about: About, layers: Sequence[SeenLayer], seen: Observation) -> Trace:
    """The trace of a boot; ``layers`` lowest first."""
    trace = Trace(
        image=about.image,
        digest=about.digest,
        platform=about.platform,
        ready=about.ready,
        ready_ms=_milliseconds(seen, seen.ready_ns),
        layers=tuple(_layer(number, layer, seen) for number, layer in enumerate(layers)),
        files=tuple(_file(content, seen) for content in sorted(seen.read, key=lambda it: seen.first_ns[it])),
        folders=tuple(folder for layer in layers if layer.files for folder in _folders(layer.files.contents, seen)),
        span_bytes=about.span_bytes,
        received_bytes=seen.received_bytes,
        whole_bytes=seen.whole_bytes,
        not_seen=tuple(_not_seen(about, layers, seen)),
    )
    return with_figures(trace)


def _milliseconds(seen: Observation, at_ns: int) -> float:
    return round(max(at_ns - seen.began_ns, 0) / 1e6, 3)


def _file(content: Content, seen: Observation) -> TracedFile:
    return TracedFile(
        path=content.path,
        tar_name=None if content.name == content.path else content.name,
        layer=content.layer,
        size_bytes=content.size,
        first_ms=_milliseconds(seen, seen.first_ns[content]),
        offset=content.offset,
        ranges=tuple(seen.read[content]),
    )


def _layer(number: int, layer: SeenLayer, seen: Observation) -> TracedLayer:
    lazy = None
    if layer.files is not None and layer.spans is not None:
        read = {content: ranges for content, ranges in seen.read.items() if content.layer == number and ranges}
        needed = layer.files.needed(read, layer.spans)
        lazy = LazyLayer(
            files=len(layer.files.contents),
            file_bytes=sum(content.size for content in layer.files.contents),
            span_count=len(layer.spans.starts),
            spans=tuple(needed),
            span_weights=tuple(layer.spans.compressed_bytes(span) for span in needed),
            fetched_bytes=sum(layer.spans.compressed_bytes(span) for span in needed),
            unpacked_bytes=sum(_length(layer.spans.extent(span)) for span in needed),
            fetched=tuple(_merged(layer.spans.extent(span) for span in needed)),
            tar_bytes=layer.spans.uncompressed_bytes,
        )
    return TracedLayer(
        digest=layer.digest,
        diff_id=layer.diff_id,
        media_type=layer.media_type,
        size_bytes=layer.size_bytes,
        lazy=lazy,
    )


def folder_of(path: str) -> str:
    """The folder of the summary that a file belongs to."""
    return "/".join(path.split("/")[:-1][:FOLDER_PARTS])


def _folders(contents: Sequence[Content], seen: Observation) -> Iterator[TracedFolder]:
    by_folder: dict[str, list[Content]] = {}
    for content in contents:
        by_folder.setdefault(folder_of(content.path), []).append(content)
    for path, inside in sorted(by_folder.items()):
        read = [sum(map(_length, seen.read[content])) for content in inside if seen.read.get(content)]
        yield TracedFolder(
            path=path,
            layer=inside[0].layer,
            files=len(inside),
            file_bytes=sum(content.size for content in inside),
            read_files=len(read),
            read_bytes=sum(read),
        )


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, neighbours as one."""
    merged: list[Range] = []
    for start, end in ranges:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        elif end > start:
            merged.append((start, end))
    return merged


def _length(part: Range) -> int:
    return max(part[1] - part[0], 0)


def _not_seen(about: About, layers: Sequence[SeenLayer], seen: Observation) -> Iterator[str]:
    yield from _NEVER_SEEN
    for number, layer in enumerate(layers):
        if layer.files is None:
            kind, megabytes = layer.media_type.rpartition(".")[2], layer.size_bytes / 1e6
            yield f"Layer {number} ({kind}, {megabytes:.1f} MB) was loaded whole: what the boot reads of it is unknown."
    if about.recompressed:
        yield "Layers that are not gzip were traced recompressed as gzip: spans and fetched bytes are of those."
    if seen.short_of_memory:
        yield "The task met its memory limit, so that pages which it had read may be missing: trace a larger --profile."
    if seen.gone:
        yield f"Files whose pages were gone when they were looked for count as read from the start: {_some(seen.gone)}."
    if seen.strangers:
        yield f"Names that were opened and belong to no file of a layer: {_some(seen.strangers)}."


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
