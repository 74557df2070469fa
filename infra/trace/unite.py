"""Traces of several boots of one image as one: what any of them reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import mean

from infra.trace.assemble import folder_of
from infra.trace.model import LazyLayer, Range, Trace, TracedFile, TracedFolder, TracedLayer
from infra.trace.summary import with_figures
from kit.errors import TraceError

Key = tuple[int, str]
"""A file: its layer and path."""


def unite(traces: Sequence[Trace]) -> Trace:
    """What the boots read together; a file comes at the earliest rank that it has in one of them, then by the mean.

    Times are the earliest of each file, and the latest of becoming ready. What came over the network is of one boot,
    and left out. Raises `TraceError` for traces of different images, or of other spans than each other's.
    """
    first, *others = traces
    for other in others:
        if other.digest != first.digest:
            raise TraceError(
                f"Traces of two images cannot be united: one is of {first.image} ({first.digest}), another of "
                f"{other.image} ({other.digest})."
            )
        if other.span_bytes != first.span_bytes or len(other.layers) != len(first.layers):
            raise TraceError(
                f"Traces with spans of {first.span_bytes} and of {other.span_bytes} bytes cannot be united. Trace "
                "again with the same --span-size."
            )
    if not others:
        return first
    files = _files(traces)
    layers = [_layer(each) for each in zip(*(trace.layers for trace in traces), strict=True)]
    return with_figures(
        first.model_copy(
            update={
                "ready": " / ".join(dict.fromkeys(trace.ready for trace in traces)),
                "ready_ms": max(trace.ready_ms for trace in traces),
                "layers": tuple(layers),
                "files": files,
                "folders": tuple(_folders(traces, files)),
                "received_bytes": None,
                "whole_bytes": None,
                "not_seen": tuple(dict.fromkeys(chain.from_iterable(trace.not_seen for trace in traces))),
                "boots": sum(trace.boots for trace in traces),
            }
        )
    )


def _files(traces: Iterable[Trace]) -> tuple[TracedFile, ...]:
    seen: dict[Key, list[tuple[int, TracedFile]]] = {}
    for trace in traces:
        for rank, file in enumerate(trace.files):
            seen.setdefault((file.layer, file.path), []).append((rank, file))

    def place(key: Key) -> tuple[float, float, Key]:
        ranks = [rank for rank, _ in seen[key]]
        return min(ranks), mean(ranks), key

    return tuple(_file([file for _, file in seen[key]]) for key in sorted(seen, key=place))


def _file(same: Sequence[TracedFile]) -> TracedFile:
    times = [file.first_ms for file in same if file.first_ms is not None]
    ranges = merged(chain.from_iterable(file.ranges for file in same))
    return same[0].model_copy(update={"first_ms": min(times, default=None), "ranges": tuple(ranges)})


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The union of ranges, in order; those that touch are one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _layer(same: Sequence[TracedLayer]) -> TracedLayer:
    lazy = [layer.lazy for layer in same if layer.lazy]
    return same[0].model_copy(update={"lazy": _lazy(same[0], lazy) if lazy else None})


def _lazy(layer: TracedLayer, same: Sequence[LazyLayer]) -> LazyLayer:
    weights = dict[int, int]()
    for lazy in same:
        if len(lazy.span_weights) != len(lazy.spans):
            raise TraceError(
                f"A trace does not say what the spans of layer {layer.digest} weigh: it is of a former version. Trace "
                "again."
            )
        weights.update(zip(lazy.spans, lazy.span_weights, strict=True))
    fetched = merged(chain.from_iterable(lazy.fetched for lazy in same))
    return same[0].model_copy(
        update={
            "spans": tuple(sorted(weights)),
            "span_weights": tuple(weights[span] for span in sorted(weights)),
            "fetched_bytes": sum(weights.values()),
            "unpacked_bytes": sum(end - start for start, end in fetched),
            "fetched": tuple(fetched),
        }
    )


def _folders(traces: Iterable[Trace], files: Iterable[TracedFile]) -> list[TracedFolder]:
    read: dict[Key, list[int]] = {}
    for file in files:
        if file.ranges:
            read.setdefault((file.layer, folder_of(file.path)), []).append(file.read_bytes)
    known = {(folder.layer, folder.path): folder for trace in traces for folder in trace.folders}
    return [
        known[key].model_copy(update={"read_files": len(read.get(key, ())), "read_bytes": sum(read.get(key, ()))})
        for key in sorted(known)
    ]
