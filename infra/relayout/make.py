"""From an image and a trace to a folder: the ordinary image and its SOCI v2 index, laid out by what boot reads.

The output is written last, and only when both file systems were found equal.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.oci import blame, indexed, layout, names, soci
from infra.oci.manifest import OCI_INDEX, Manifest, as_image, normalized
from infra.oci.names import ImageName
from infra.oci.regctl import Deadline
from infra.oci.soci import Converted, IndexOptions
from infra.oci.source import require_indexable
from infra.relayout import proof
from infra.relayout.laying import Laid, Original, exact, lay_out, read_layers, touched_layers
from infra.relayout.own_layer import move_out
from infra.relayout.report import RelayoutReport, layer_reports
from infra.sources import own
from infra.sources.own import ResolvedImage
from infra.trace.model import Trace
from kit.errors import ImageError, SettingsError, TraceError
from kit.scratch import scratch, temporary_folder
from kit.values import Notify

LONGEST_SECONDS = 3600.0
PARTS_KEPT = 3
"""How many times the image's size is needed on disk at most: as pulled, and twice while it is indexed."""
PARTS_LAID_OUT = 11
"""The same, when it is laid out: pulled, new layers, both in containerd's store, and both unpacked."""
FROM_LAYERS = "read from the layers of both images"
MOUNTED = f"{FROM_LAYERS}, and from both images mounted"
UNCHANGED = "no layer has changed"


@dataclass(frozen=True)
class Request:
    """What to lay out: an image, its trace, how it is indexed, and whether its layers are to stay as they are."""

    image: ResolvedImage
    trace: Trace
    options: IndexOptions
    output: Path
    tag: str | None = None
    keep_layers: bool = False
    own_layer: bool = False
    """What boot reads is moved into a layer of its own, instead of to the front of each."""
    prefetch: bool = True
    """Whether the index lists the spans that boot touches."""


def relayout(request: Request, notify: Notify) -> RelayoutReport:
    """Write the image into the folder ``output``, which must be empty or new, as one OCI layout.

    Raises `TraceError` for a trace of another image, `ImageError` for an image that cannot be laid out or indexed, or
    whose file system came out differently; then nothing is written.
    """
    began = time.monotonic()
    soci.require_linux()
    _require_free(request.output)
    with scratch("relayout") as room:
        notify(f"Fetching {request.image.name}")
        original = _original(request, room)
        before = touched_layers(original.converted, request.trace)
        if not any(found.spans for found in before.values()):
            raise TraceError(_nothing_read(request.trace, len(before)))
        with ThreadPoolExecutor(1) as beside:  # the proof waits for the disk, the index for the processor
            laid, proven, paths, converting = _laid(request, original, room, notify, beside)
            notify("Making the index and its prefetch lists")
            converted = converting.result() if converting else original.converted
        after = touched_layers(converted, laid.trace if laid else request.trace)
        made = exact(converted, after) if request.prefetch else converted
        notify(f"Writing {request.output}")
        _deliver(made, request)
    return RelayoutReport(
        image=str(request.image.name),
        digest=original.manifest.digest,
        new_digest=(laid.manifest if laid else original.manifest).digest,
        output_digest=made.top.digest,
        output=str(request.output),
        proof=proven,
        paths=paths,
        prefetch=request.prefetch,
        layers=layer_reports(original.manifest, before, laid, after),
        seconds=time.monotonic() - began,
    )


def _original(request: Request, room: Path) -> Original:
    """The image as it is, in OCI media types, with the index that soci makes of it."""
    digest = own.fetch(request.image.name, request.image.digest, room / "pulled")
    pulled = as_image(layout.read(room / "pulled", digest), request.image.name)
    manifest = normalized(pulled)
    _require_traced(request.trace, request.image, {pulled.digest, manifest.digest, request.image.digest}, manifest)
    require_indexable(manifest, request.options.min_layer_bytes)
    layout.reserve_copies(room, manifest, copies=PARTS_KEPT if request.keep_layers else PARTS_LAID_OUT)
    layout.link_layout(room / "source", manifest, room / "pulled")
    with blame.explained(manifest, request.options, Deadline(LONGEST_SECONDS), lambda: room / "source"):
        converted = _convert(request, room / "source", room)
    return Original(room / "source", manifest, converted, Deadline(LONGEST_SECONDS))


def _require_traced(trace: Trace, image: ResolvedImage, digests: set[str], manifest: Manifest) -> None:
    if trace.digest in digests and len(trace.layers) == len(manifest.layers):
        return
    if _names_the_same(trace.image, image.name):
        raise TraceError(
            f"The trace is of {trace.digest}, and {image.name} is {manifest.digest} by now. Trace it again: "
            f"`sociometer trace {image.name}`."
        )
    raise TraceError(
        f"The trace is of {trace.image} ({trace.digest}), not of {image.name} ({manifest.digest}). Name that image, or "
        f"trace this one: `sociometer trace {image.name}`."
    )


def _names_the_same(text: str, name: ImageName) -> bool:
    """Whether a reference means the same image, of whatever tag and digest."""
    try:
        other = names.parse(text)
    except SettingsError:
        return False
    return (other.transport, other.place) == (name.transport, name.place)


def _nothing_read(trace: Trace, lazy: int) -> str:
    if not trace.files:
        return f"The trace of {trace.image} names no file: its boot read nothing. Trace a start that becomes ready."
    return (
        f"The boot of {trace.image} reads nothing of its {lazy} layers that are loaded lazily: there is nothing to lay "
        "out. A smaller --min-layer-size may make more layers lazy."
    )


def _laid(
    request: Request, original: Original, room: Path, notify: Notify, beside: Executor
) -> tuple[Laid | None, str, int, Future[Converted] | None]:
    """The new layers, how they were proven, how many paths were compared, and their index, which ``beside`` makes."""
    if request.keep_layers:
        return None, UNCHANGED, 0, None
    notify("Reading the layers")
    entries = read_layers(original.folder, original.manifest, {})
    touched = touched_layers(original.converted, request.trace)
    notify("Moving what boot reads" if request.own_layer else "Writing the layers in their new order")
    write = move_out if request.own_layer else lay_out
    laid = write(original, request.trace, touched, entries, room / "laid")
    require_indexable(laid.manifest, request.options.min_layer_bytes)
    if not laid.changed:
        return laid, UNCHANGED, 0, None
    converting = beside.submit(_convert, request, laid.folder, room)
    notify("Comparing both file systems")
    entries = read_layers(laid.folder, laid.manifest, entries)
    shown = proof.require_same(original.manifest, laid.manifest, entries, "The new image")
    if obstacle := proof.why_not_mounted():
        return laid, f"{FROM_LAYERS} (not mounted: {obstacle})", len(shown), converting
    notify("Mounting both images and comparing them")
    with _folder_in(room, "mounted") as folder:
        both = (original.folder, original.manifest), (laid.folder, laid.manifest)
        proof.require_same_mounted(*both, request.options.platform, folder, shown)
    return laid, MOUNTED, len(shown), converting


def _convert(request: Request, folder: Path, room: Path) -> Converted:
    target = room / f"{folder.name}-converted"
    return indexed.convert(folder, target, request.options, Deadline(LONGEST_SECONDS))


@contextmanager
def _folder_in(room: Path, name: str) -> Iterator[Path]:
    folder = room / name
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def _require_free(output: Path) -> None:
    """Refuse a folder that holds something, before any work is done."""
    if output.is_symlink() or (output.exists() and (not output.is_dir() or any(output.iterdir()))):
        raise ImageError(f"{output} is not an empty folder. Nothing was changed; name a new one.")
    if not output.absolute().parent.is_dir():
        raise ImageError(f"There is no folder {output.absolute().parent} to write {output.name} into.")


def _deliver(made: Converted, request: Request) -> None:
    """Put the layout in its place whole, or not at all."""
    place = request.output.absolute()
    with temporary_folder(f".{place.name}.", place.parent) as partial:
        try:
            target = partial / "layout"
            shutil.copytree(made.folder, target, symlinks=False)
            layout.name_image(target, made.top, OCI_INDEX, request.tag)
            if place.exists():
                place.rmdir()
            target.chmod(0o755)
            target.rename(place)
        except OSError as error:
            raise ImageError(f"{place} cannot be written: {error.strerror or error}.") from error
