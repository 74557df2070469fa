"""Forms that are made by a trace: exactly the spans that boot touches are prefetched; before that, in
`soci-v2-layout`, each layer of which it reads is written anew, what it reads first, and in `soci-v2-own-layer` what it
reads is moved into a layer of its own.

The new file system is compared with the old one by the layers of both, before anything is pushed. `sociometer relayout`
compares them mounted, too.
"""

from __future__ import annotations

from pathlib import Path

from infra.oci import indexed
from infra.oci.local_image import LocalImage
from infra.oci.regctl import Deadline
from infra.oci.request import FormRequest
from infra.oci.soci import Converted
from infra.oci.source import Source, require_indexable
from infra.relayout import proof
from infra.relayout.laying import Original, exact, lay_out, read_layers, touched_layers
from infra.relayout.own_layer import move_out
from infra.trace.model import Trace
from kit.errors import TraceError


def require_of(trace: Trace, source: Source) -> None:
    """Before anything is fetched or built: raises `TraceError` for a form by a trace of another image, or of a boot
    that read nothing."""
    digests = {source.reference.digest, source.manifest.digest}
    if trace.digest not in digests or len(trace.layers) != len(source.manifest.layers):
        raise TraceError(
            f"The trace is of {trace.image} ({trace.digest}), and the image is {source.manifest.digest}. Trace it "
            "again with `sociometer trace`."
        )
    if not any(file.ranges for file in trace.files):
        raise TraceError(
            f"By the trace of {trace.image}, its boot reads nothing of the image: there is nothing to prefetch or to "
            "move. Trace a start that becomes ready."
        )


def laid_out(
    request: FormRequest, trace: Trace, image: LocalImage, converted: Converted, room: Path, deadline: Deadline
) -> tuple[LocalImage, Converted]:
    """The image and what soci made of it, laid out by the request's trace; new folders lie in ``room``.

    The trace is of the image (`require_of`). Raises `TraceError` for one that helps nothing, `ImageError` when the file
    system came out differently.
    """
    moved = request.spec.kind == "soci-v2-own-layer"
    if moved or request.spec.kind == "soci-v2-layout":
        image, converted, trace = _written_anew(request, trace, image, converted, room, deadline)
    if request.spec.get("prefetch") == "no":
        return image, converted
    touched = touched_layers(converted, trace)
    if not moved and not any(found.spans for found in touched.values()):
        raise TraceError(
            f"By the trace of {trace.image}, its boot reads nothing of the {len(touched)} layers that are loaded "
            "lazily: there is nothing to prefetch. Lower minLayerSize, or measure soci-v2."
        )
    return image, exact(converted, touched)


def _written_anew(
    request: FormRequest, trace: Trace, image: LocalImage, converted: Converted, room: Path, deadline: Deadline
) -> tuple[LocalImage, Converted, Trace]:
    """The image in its new layers, what soci made of it, and the trace by where files lie now."""
    original = Original(image.folder, image.manifest, converted, deadline)
    entries = read_layers(image.folder, image.manifest, {})
    write = move_out if request.spec.kind == "soci-v2-own-layer" else lay_out
    laid = write(original, trace, touched_layers(converted, trace), entries, room / "laid")
    if not laid.changed:
        return image, converted, trace
    require_indexable(laid.manifest, request.options.min_layer_bytes)
    deadline.remaining_seconds()
    entries = read_layers(laid.folder, laid.manifest, entries)
    proof.require_same(image.manifest, laid.manifest, entries, "The new image")
    again = indexed.convert(laid.folder, room / "laid-converted", request.options, deadline)
    return LocalImage(laid.folder, laid.manifest), again, laid.trace
