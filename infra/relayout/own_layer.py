"""What boot reads in a lazily loaded layer of its own, on top of all: what a Dockerfile could do by hand.

Of other layers that are loaded lazily, what is left keeps its order; the rest of them stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from infra.relayout import image, moving
from infra.relayout.facts import Entry
from infra.relayout.layer import Kept, Piece, Rewritten, pieces, store, unpacked
from infra.relayout.laying import (
    AT_ONCE,
    NOT_LAZY,
    NOTHING_READ,
    Laid,
    Original,
    assembled,
    claimed,
    clean_bytes,
    in_the_way,
)
from infra.relayout.moving import Folder, Plan
from infra.relayout.order import reordered
from infra.relayout.records import BLOCK, Archive, Unmovable, scan
from infra.relayout.touched import Touched
from infra.trace.model import Trace
from kit.errors import ImageError

NOTHING_MOVES = "nothing of what boot reads there can be moved safely"
_END = bytes(2 * BLOCK)
Tar = tuple[BinaryIO, Archive]


def move_out(
    original: Original,
    trace: Trace,
    touched: Mapping[int, Touched],
    entries: Mapping[str, tuple[Entry, ...]],
    target: Path,
) -> Laid:
    """Write the image as the new layout ``target``, what the trace reads of lazy layers moved into one more on top.

    ``touched`` and ``entries`` are what `touched_layers` and `read_layers` say of it; unchanged blobs are links.
    Raises `ImageError` for a corrupt layer, and when nothing can be moved.
    """
    manifest = original.manifest
    diff_ids = image.diff_ids(original.config.decode(), manifest)
    layers = [entries[layer.digest] for layer in manifest.layers]
    below = in_the_way(layers)
    read = [place for place in range(len(layers)) if place in touched and touched[place].spans]
    claimed(target)
    with ExitStack() as tars:

        def opened(place: int) -> Tar | Kept:
            original.deadline.remaining_seconds()
            tar = tars.enter_context(unpacked(original.folder, manifest.layers[place], diff_ids[place], target))
            try:
                archive = scan(tar)
                reordered(archive.records, (), below[place])
            except Unmovable as finding:
                return Kept(str(finding))
            return tar, archive

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = dict(zip(read, pool.map(opened, read), strict=True))
        ready = {place: each for place, each in found.items() if not isinstance(each, Kept)}
        wanted = [(file.layer, clean_bytes(file.path)) for file in trace.files if file.ranges]
        plan = moving.plan(layers, {place: archive.records for place, (_, archive) in ready.items()}, wanted)
        if not plan.files:
            raise ImageError(f"No file of what boot reads can have a layer of its own: {_why(found, plan)}.")
        on_top = _on_top(plan, ready, image.layer_type(manifest), target)

        def made(place: int) -> Kept | Rewritten:
            original.deadline.remaining_seconds()
            if place not in ready:
                kept = found.get(place, Kept(NOTHING_READ if place in touched else NOT_LAZY))
                assert isinstance(kept, Kept)  # noqa: S101 - what is open is ready
                return kept
            tar, archive = ready[place]
            gone = plan.moved(place)
            if not gone:
                return Kept(NOTHING_MOVES)
            left = [index for index in range(len(archive.records)) if index not in gone]
            return store(pieces(tar, archive, left), manifest.layers[place].media_type, target, 0, 0)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            new = tuple(pool.map(made, range(len(layers))))
    after = assembled(original, new, target, on_top)
    return Laid(target, after, new, _moved(trace, plan, len(layers)), on_top, plan.stay)


def _on_top(plan: Plan, ready: Mapping[int, Tar], media_type: str, target: Path) -> Rewritten:
    def parts() -> Iterator[bytes | Piece]:
        for each in plan.order:
            if isinstance(each, Folder):
                yield each.header()
            else:
                tar, archive = ready[each[0]]
                record = archive.records[each[1]]
                yield Piece(tar, record.start, record.end)
        yield _END

    records = [ready[each[0]][1].records[each[1]] for each in plan.order if not isinstance(each, Folder)]
    size_bytes = sum(record.end - record.start for record in records)
    return store(parts(), media_type, target, sum(record.kind == "file" for record in records), size_bytes)


def _moved(trace: Trace, plan: Plan, top: int) -> Trace:
    """The trace of the new image's files: what has moved lies in the layer ``top``."""
    files = (
        file.model_copy(update={"layer": top, "offset": None})
        if (file.layer, clean_bytes(file.path)) in plan.files
        else file
        for file in trace.files
    )
    return trace.model_copy(update={"files": tuple(files)})


def _why(found: Mapping[int, Tar | Kept], plan: Plan) -> str:
    """What kept everything in its place."""
    kept = [f"layer {place} stays, because {each.reason}" for place, each in found.items() if isinstance(each, Kept)]
    files: Sequence[str] = [text for each in plan.stay.values() for text in moving.shown(each)]
    return "; ".join([*kept, *files]) or "none is in a layer that is loaded lazily"
