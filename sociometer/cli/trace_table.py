"""A trace on the terminal: what the boot reads, by layer and by folder, and what is fetched for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from experiments.wording import percent, plural, seconds, size
from infra.trace.model import Trace, TracedFolder
from infra.trace.summary import Summary, summary
from kit.visible import visible
from sociometer.cli.columns import plain_table, short

WIDE = 160
"""Columns, where there is no terminal that has its own."""
MOST_LAYERS = 20
"""If there are more, those of which nothing is read are one row."""
MOST_FOLDERS = 15
"""Of those that are shown: the boot reads most of these."""


def show(trace: Trace) -> None:
    """Print it."""
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    title = f"{trace.image}: ready ({trace.ready}) {seconds(trace.ready_ms / 1000)} s after the pull"
    sys.stdout.write(f"{visible(title)}\n\n")
    console.print(_layers(trace))
    console.print()
    console.print(_folders(trace))
    sys.stdout.write("\n" + "\n".join(visible(line) for line in sentences(trace)) + "\n")


def sentences(trace: Trace) -> Iterator[str]:
    """The trace in words."""
    found = summary(trace)
    if trace.boots > 1:
        yield f"This is what {trace.boots} boots read together."
    yield (
        f"The boot reads {size(found.read_bytes)} of {size(found.file_bytes)} ({percent(found.share)} of the "
        f"image), in {found.read_files:,} of {plural(found.files, 'file')}."
    )
    yield _fetched(trace, found)
    if trace.received_bytes is not None and trace.whole_bytes is not None:
        yield (
            f"{size(trace.received_bytes)} came over the network until it was ready, {size(trace.whole_bytes)} of "
            "them manifests, zTOCs and whole layers."
        )
    yield from trace.not_seen


def _fetched(trace: Trace, found: Summary) -> str:
    large = f" of {trace.span_bytes / (1 << 20):g} MiB" if trace.span_bytes else ""
    text = f"It touches {found.needed_spans:,} of {plural(found.spans, 'span')}{large}: {size(found.fetched_bytes)}"
    if found.amplification is None:
        return f"{text}."
    return (
        f"{text} are fetched, which hold {size(found.unpacked_bytes)}. {percent(found.needless)} of that is not "
        f"needed ({found.amplification:.1f} bytes fetched for each that is)."
    )


def _layers(trace: Trace) -> Table:
    table = plain_table(">Layer", "Digest", ">Files", ">Read of files", ">Share", ">Spans", ">Fetched")
    unread = [layer for layer in trace.layers if layer.lazy and not layer.lazy.spans]
    few = len(trace.layers) <= MOST_LAYERS
    for number, layer in enumerate(trace.layers):
        if layer in unread and not few:
            continue
        own = (str(number), short(layer.digest))
        if layer.lazy is None:
            table.add_row(*own, "", "", "", "whole", size(layer.size_bytes))
            continue
        files = [file for file in trace.files if file.layer == number and file.ranges]
        read_bytes = sum(file.read_bytes for file in files)
        table.add_row(
            *own,
            f"{len(files):,} of {layer.lazy.files:,}",
            _part(read_bytes, layer.lazy.file_bytes),
            _share(read_bytes, layer.lazy.file_bytes),
            f"{len(layer.lazy.spans):,} of {layer.lazy.span_count:,}",
            _part(layer.lazy.fetched_bytes, layer.size_bytes),
        )
    if unread and not few:
        whole = sum(layer.size_bytes for layer in unread)
        table.add_row("", f"{len(unread)} more", "none", "none", "", "none", _part(0, whole))
    return table


def _folders(trace: Trace) -> Table:
    table = plain_table("Folder", ">Layer", ">Files", ">Read of files", ">Share")
    read = sorted((it for it in trace.folders if it.read_bytes), key=lambda it: -it.read_bytes)
    unread = [it for it in trace.folders if not it.read_bytes]
    for folder in read[:MOST_FOLDERS]:
        table.add_row(visible(folder.path or "/"), str(folder.layer), *_figures([folder]))
    if rest := read[MOST_FOLDERS:]:
        table.add_row(f"{plural(len(rest), 'folder')} more", "", *_figures(rest))
    if unread:
        table.add_row(f"{plural(len(unread), 'folder')} of which nothing is read", "", *_figures(unread))
    return table


def _figures(folders: Sequence[TracedFolder]) -> tuple[str, ...]:
    files, read = sum(it.files for it in folders), sum(it.read_files for it in folders)
    file_bytes, read_bytes = sum(it.file_bytes for it in folders), sum(it.read_bytes for it in folders)
    return f"{read:,} of {files:,}", _part(read_bytes, file_bytes), _share(read_bytes, file_bytes)


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole else ""


def _part(part: int, whole: int) -> str:
    """Both in the unit of the whole: 9.3 of 104.6 MB."""
    number, unit = size(whole).split()
    shown = part / whole * float(number.replace(",", "")) if whole else 0.0
    return f"{shown:,.1f} of {number} {unit}"
