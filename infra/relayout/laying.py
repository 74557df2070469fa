"""Lays an image out by a trace: which layers are written anew, and which spans are prefetched.

Works on OCI layout folders. What is given is never changed; results are new folders that the caller holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.oci import layout
from infra.oci.manifest import Manifest, digest_of, ztocs_and_layers
from infra.oci.regctl import Deadline
from infra.oci.soci import Converted
from infra.relayout import facts, image
from infra.relayout.facts import Entry
from infra.relayout.layer import Kept, Rewritten, Wish, rewrite
from infra.relayout.order import parents
from infra.relayout.prefetch import with_prefetch
from infra.relayout.touched import Touched, files_of, touched_spans
from infra.trace.contents import clean
from infra.trace.model import Trace, TracedFile
from kit.errors import ImageError

AT_ONCE = 2
"""Layers worked on at the same time: compression is what they wait for, and each needs its tar on disk."""
NOTHING_READ = "the boot reads nothing of it"
NOT_LAZY = "it has no place in the index, so it is loaded whole"


@dataclass(frozen=True)
class Original:
    """An image in an OCI layout, and the same as `soci.convert` made it lazy; no layer of it is begun after the
    deadline."""

    folder: Path
    manifest: Manifest
    converted: Converted
    deadline: Deadline

    @property
    def config(self) -> bytes:
        """Its configuration."""
        return layout.blob_path(self.folder, self.manifest.config.digest).read_bytes()


@dataclass(frozen=True)
class Laid:
    """An image whose layers were laid out anew: its layout, manifest, and what became of each layer, by its place."""

    folder: Path
    manifest: Manifest
    layers: tuple[Kept | Rewritten, ...]
    trace: Trace
    """What the boot reads, where it lies now."""
    on_top: Rewritten | None = None
    """A further layer, of what the boot reads."""
    stay: Mapping[int, tuple[tuple[bytes, str], ...]] = field(default_factory=dict)
    """Path and reason of what the boot reads and could not be moved there, by the place of its layer."""

    @property
    def changed(self) -> bool:
        """Whether any layer is another."""
        return any(isinstance(layer, Rewritten) for layer in self.layers)


def touched_layers(converted: Converted, trace: Trace) -> dict[int, Touched]:
    """Which spans the boot needs of each layer that is loaded lazily, by the layer's place."""
    ztocs = _ztocs(converted)
    return {
        place: touched_spans(ztocs[layer.digest], files_of(trace, place))
        for place, layer in enumerate(converted.image.layers)
        if layer.digest in ztocs
    }


def exact(converted: Converted, touched: Mapping[int, Touched]) -> Converted:
    """The converted image with prefetch lists of exactly the touched spans; changes its layout."""
    wanted: dict[str, set[int]] = {}
    for place, found in touched.items():
        wanted.setdefault(converted.image.layers[place].digest, set()).update(found.spans)
    return with_prefetch(converted, {digest: sorted(spans) for digest, spans in wanted.items() if spans})


def read_layers(
    folder: Path, manifest: Manifest, known: Mapping[str, tuple[Entry, ...]]
) -> dict[str, tuple[Entry, ...]]:
    """Every entry of each layer, by the layer's digest; those in ``known`` are not read again."""
    layers = {layer.digest: layer for layer in manifest.layers}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        new = [layer for digest, layer in layers.items() if digest not in known]
        read = pool.map(lambda layer: facts.read(layout.blob_path(folder, layer.digest), layer.media_type), new)
        return {**known, **{layer.digest: entries for layer, entries in zip(new, read, strict=True)}}


def lay_out(
    original: Original,
    trace: Trace,
    touched: Mapping[int, Touched],
    entries: Mapping[str, tuple[Entry, ...]],
    target: Path,
) -> Laid:
    """Write the image as the new layout ``target``, what the trace reads at the front of each layer.

    ``touched`` and ``entries`` are what `touched_layers` and `read_layers` say of it; unchanged blobs are links.
    Raises `ImageError` for a corrupt layer.
    """
    manifest, config = original.manifest, original.config
    wishes = _wishes(trace, touched, [entries[layer.digest] for layer in manifest.layers])
    diff_ids = image.diff_ids(config.decode(), manifest)
    claimed(target)

    def made(place: int) -> Kept | Rewritten:
        original.deadline.remaining_seconds()
        wish = wishes[place]
        if isinstance(wish, Kept):
            return wish
        return rewrite(original.folder, manifest.layers[place], diff_ids[place], wish, target)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        layers = tuple(pool.map(made, range(len(manifest.layers))))
    return Laid(target, assembled(original, layers, target), layers, trace)


def assembled(
    original: Original, layers: Sequence[Kept | Rewritten], target: Path, on_top: Rewritten | None = None
) -> Manifest:
    """Write manifest and configuration beside the new layers in ``target``, and links to those that stay."""
    manifest, config = original.manifest, original.config
    new = {place: layer for place, layer in enumerate(layers) if isinstance(layer, Rewritten)}
    after, new_config = image.rebuilt(manifest, config, new, on_top) if new else (manifest, config)
    layout.write_blob(target, new_config, after.config.media_type)
    layout.write_image(target, after.raw, after.media_type)
    for digest in {layer.digest for layer in after.layers}:
        if not layout.blob_path(target, digest).exists():
            layout.blob_path(target, digest).symlink_to(layout.blob_path(original.folder, digest).absolute())
    return after


def claimed(target: Path) -> Path:
    """A new folder with room for blobs."""
    layout.claim(target)
    (target / "blobs/sha256").mkdir(parents=True)
    return target


def _wishes(trace: Trace, touched: Mapping[int, Touched], layers: Sequence[Sequence[Entry]]) -> list[Kept | Wish]:
    return [_wish(touched.get(place), files_of(trace, place), below) for place, below in enumerate(in_the_way(layers))]


def _wish(found: Touched | None, files: Sequence[TracedFile], below: frozenset[bytes]) -> Kept | Wish:
    if found is None:
        return Kept(NOT_LAZY)
    if not found.spans:
        return Kept(NOTHING_READ)
    return Wish([clean_bytes(file.path) for file in files], found.ranges, len(found.spans), found.bytes_per_span, below)


def in_the_way(layers: Sequence[Sequence[Entry]]) -> list[frozenset[bytes]]:
    """For each layer, lowest first, what those below it have that is no folder, where this one needs a folder."""
    found, others = list[frozenset[bytes]](), set[bytes]()
    for entries in layers:
        names = {clean_bytes(entry.name): entry.facts.kind for entry in entries}
        found.append(frozenset(others.intersection(folder for path in names for folder in parents(path))))
        others.update(path for path, kind in names.items() if kind != "folder")
    return found


def clean_bytes(name: str) -> bytes:
    """A name as `records` has it."""
    return clean(name).encode(errors="surrogateescape")


def _ztocs(converted: Converted) -> dict[str, bytes]:
    """The zTOC of each lazy layer, by the layer's digest."""
    return {
        layer.digest: _blob(converted, ztoc.digest)
        for ztoc, layer in ztocs_and_layers(converted.index, converted.image)
    }


def _blob(converted: Converted, digest: str) -> bytes:
    content = layout.blob_path(converted.folder, digest).read_bytes()
    if digest_of(content) != digest:
        raise ImageError(f"zTOC {digest} is corrupt.")
    return content
