"""Says which layers of an image soci cannot index, and what to do: soci itself stops at the first and names none.

Each layer is given to soci alone, as an image of one layer. That is done only after a failure, and costs about as much
as the index would have cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from infra.oci import layout, soci
from infra.oci.manifest import Descriptor, Manifest, as_image, parse
from infra.oci.regctl import Deadline
from infra.oci.source import can_be_indexed
from kit.errors import CommandFailed, ImageError, SociometerError


@dataclass(frozen=True)
class BadLayer:
    """A layer that soci cannot index, and soci's words."""

    layer: Descriptor
    cause: str


def candidates(image: Manifest, min_layer_bytes: int) -> list[Descriptor]:
    """The layers that soci tries to index, each once."""
    layers = [layer for layer in image.layers if can_be_indexed(layer) and layer.size_bytes >= min_layer_bytes]
    return list({layer.digest: layer for layer in layers}.values())


def bad_layers(folder: Path, image: Manifest, options: soci.IndexOptions, deadline: Deadline) -> list[BadLayer]:
    """Those of the image in the layout ``folder`` that soci cannot index; works in new folders beside it."""
    alone = replace(options, min_layer_bytes=0)
    bad = []
    for number, layer in enumerate(candidates(image, options.min_layer_bytes)):
        source, destination = folder.parent / f"alone-{number}", folder.parent / f"alone-{number}-converted"
        layout.link_layout(source, _alone(image, layer), folder)
        try:
            soci.convert(source, destination, alone, deadline)
        except CommandFailed as error:
            bad.append(BadLayer(layer, soci.cause_of(error)))
    return bad


@contextmanager
def explained(
    image: Manifest, options: soci.IndexOptions, deadline: Deadline, layout_of: Callable[[], Path]
) -> Iterator[None]:
    """When soci fails in the block, raise `ImageError` with the layers that are to blame and the way out.

    Where no layer is to blame, soci's own failure is raised. ``layout_of`` gives a layout that holds the image.
    """
    try:
        yield
    except CommandFailed as error:
        if soci.was_killed(error):
            raise
        try:
            bad = bad_layers(layout_of(), image, options, deadline)
        except SociometerError as second:
            error.add_note(f"Which layer it was could not be found out: {second}")
            raise error from second
        if not bad:
            raise
        raise ImageError(complaint(bad, image)) from error


def complaint(bad: Sequence[BadLayer], image: Manifest) -> str:
    """One sentence for each layer, and the way out: a minimum size that leaves them out, where that leaves any."""
    named = " ".join(
        f"SOCI cannot index layer {it.layer.digest} ({it.layer.size_bytes} bytes): {it.cause}." for it in bad
    )
    least = max(it.layer.size_bytes for it in bad) + 1
    left = len(candidates(image, least))
    without = f"Set minLayerSize to {least}, which leaves {left} of {len(image.layers)} layers in the index, or measure"
    return f"{named} {without if left else 'Measure'} it as plain alone (forms: plain)."


def _alone(image: Manifest, layer: Descriptor) -> Manifest:
    """An image of that one layer, with the same configuration."""
    value = json.loads(image.raw)
    value["layers"] = [entry for entry in value["layers"] if entry["digest"] == layer.digest][:1]
    return as_image(parse(json.dumps(value).encode(), name=layer.digest), layer.digest)
