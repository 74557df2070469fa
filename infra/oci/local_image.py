"""The source image on this machine, its layers compressed as a form wants them; nothing is pushed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.compression import Compression
from infra.forms import FormSpec
from infra.oci.manifest import Descriptor, Manifest
from infra.oci.recompress import is_zstd, recompressed
from infra.oci.regctl import Regctl
from infra.oci.request import FormRequest
from infra.oci.source import Source, require_indexable

EXPANSION = {"none": 4, "gzip": 2, "zstd": 2}
"""Room for a layer compressed anew, as a multiple of what it was. Rarely more; then a full disk is told."""
FOR_SOCI = Compression.parse("gzip")
"""What layers of zstd become for an index: SOCI reads gzip and layers without compression."""
Choice = Callable[[Descriptor], Compression | None]


@dataclass(frozen=True)
class LocalImage:
    """An image in a layout folder."""

    folder: Path
    manifest: Manifest

    @property
    def documents(self) -> tuple[Manifest, ...]:
        """Its manifest alone."""
        return (self.manifest,)


def choice_of_compression(form: FormSpec, image: Manifest) -> Choice | None:
    """How each layer is compressed anew for a form; None when every layer stays as it is."""
    if wanted := form.compression:
        return lambda _layer: wanted
    if form.lazy and any(map(is_zstd, image.layers)):
        return lambda layer: FOR_SOCI if is_zstd(layer) else None
    return None


def copies_needed(anew: Compression | None, *, indexed: bool) -> int:
    """How many times an image's size is needed on disk: as pulled, compressed ``anew``, and as soci copies layers."""
    return 1 + indexed if anew is None else 1 + EXPANSION[anew.kind] * (1 + indexed)


def local_image(regctl: Regctl, request: FormRequest, source: Source, room: Path) -> LocalImage:
    """The source image in ``room``, its layers compressed as the form wants them; nothing is pushed.

    Raises as `Source.pull` and `recompressed` do, and `ImageError` when soci could then index no layer.
    """
    spec, indexed = request.spec, request.spec.lazy
    choice = choice_of_compression(spec, source.manifest)
    if choice is None:
        return LocalImage(source.pull(regctl, room, copies=copies_needed(None, indexed=indexed)), source.manifest)
    copies = copies_needed(spec.compression or FOR_SOCI, indexed=indexed)
    folder = source.pull(regctl, room, copies=copies)
    manifest = recompressed(folder, room / "recompressed", source.manifest, choice, regctl.deadline)
    if indexed:
        require_indexable(manifest, request.options.min_layer_bytes)
    return LocalImage(room / "recompressed", manifest)
