"""What a trace says in figures: how much of the image a boot needs, and how much is fetched for it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from infra.trace.model import Trace


@dataclass(frozen=True)
class Summary:
    """Over all layers that were seen. Sizes in bytes: ``fetched_bytes`` compressed, the others as the files have them.

    ``read_bytes`` are whole pages, the kernel's reading ahead included; ``unpacked_bytes`` is what the spans hold.
    """

    files: int
    read_files: int
    file_bytes: int
    read_bytes: int
    spans: int
    needed_spans: int
    fetched_bytes: int
    unpacked_bytes: int

    @property
    def share(self) -> float:
        """The part of the image's files that the boot needs, by bytes."""
        return self.read_bytes / self.file_bytes if self.file_bytes else 0.0

    @property
    def amplification(self) -> float | None:
        """Bytes fetched ÷ bytes needed, both as they are when unpacked; None where nothing was needed."""
        return self.unpacked_bytes / self.read_bytes if self.read_bytes else None

    @property
    def needless(self) -> float:
        """The part of what was fetched that the boot did not need."""
        return max(1 - self.read_bytes / self.unpacked_bytes, 0.0) if self.unpacked_bytes else 0.0


def summary(trace: Trace) -> Summary:
    """The figures of a trace."""
    lazy = [layer.lazy for layer in trace.layers if layer.lazy]
    return Summary(
        files=sum(layer.files for layer in lazy),
        read_files=sum(bool(file.ranges) for file in trace.files),
        file_bytes=sum(layer.file_bytes for layer in lazy),
        read_bytes=sum(file.read_bytes for file in trace.files),
        spans=sum(layer.span_count for layer in lazy),
        needed_spans=sum(len(layer.spans) for layer in lazy),
        fetched_bytes=sum(layer.fetched_bytes for layer in lazy),
        unpacked_bytes=sum(layer.unpacked_bytes for layer in lazy),
    )


def with_figures(trace: Trace) -> Trace:
    """The trace with its share and its amplification, for those who read it as JSON."""
    found = summary(trace)
    return trace.model_copy(update={"share": found.share, "amplification": found.amplification})


def unfindable(trace: Trace) -> int:
    """How many of the files in the prefetch list soci will not find: it compares with the tar's names as they are, and
    `./usr/bin/x` is not `usr/bin/x` (soci-snapshotter `soci/soci_index.go`, ``buildPrefetchLayer``)."""
    return sum(file.tar_name is not None for file in trace.files if file.ranges)


def prefetch_list(trace: Trace) -> str:
    """The files of which the boot reads something, in order, as ``soci convert --prefetch-files-json`` takes them."""
    paths = dict.fromkeys(f"/{file.path}" for file in trace.files if file.ranges)
    return json.dumps(list(paths), indent=1, ensure_ascii=False) + "\n"
