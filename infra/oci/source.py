"""The image that a form is made from: found in its registry and checked before anything is built or pushed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from infra.oci import layout
from infra.oci.manifest import Descriptor, Index, Manifest, Reference, as_image, normalized
from infra.oci.regctl import Regctl
from kit.errors import ImageError


@dataclass(frozen=True)
class Source:
    """An image of one platform: where it is, and the OCI manifest that its forms get."""

    reference: Reference
    manifest: Manifest

    def pull(self, regctl: Regctl, room: Path, *, copies: int) -> Path:
        """Download the image into a layout in ``room``, once the disk is known to have space for ``copies`` of it.

        The layout has the manifest of the forms; its layers are links. Raises `MachineError` without enough space.
        """
        layout.reserve_copies(room, self.manifest, copies=copies)
        regctl.pull(self.reference, room / "pulled")
        layout.link_layout(room / "source", self.manifest, room / "pulled")
        return room / "source"


def resolve(regctl: Regctl, source: str, platform: str) -> Source:
    """Find the image of a platform behind ``host:port/repository@digest`` (an image, or an index of several).

    Raises `ImageError` that names what does not exist, is corrupt, or is of another platform.
    """
    reference = Reference.parse(source)
    top = regctl.manifest(reference)
    if isinstance(top, Index):
        chosen = _choose(top, platform, reference)
        reference = Reference(reference.repository, chosen.digest)
        top = regctl.manifest(reference)
    manifest = as_image(top, reference)
    _check_platform(regctl, reference, manifest, platform)
    return Source(reference, normalized(manifest))


def require_indexable(manifest: Manifest, min_layer_bytes: int) -> None:
    """Refuse an image of which soci would index no layer, or that it cannot index: `ImageError` says why."""
    if not manifest.layers:
        raise ImageError("The image has no layers: there is nothing to index.")
    large = [layer for layer in manifest.layers if layer.size_bytes >= min_layer_bytes]
    if not large:
        largest = max(layer.size_bytes for layer in manifest.layers)
        raise ImageError(
            f"no layer of {len(manifest.layers)} reaches min-layer-size {min_layer_bytes}; the largest is {largest} "
            f"bytes. Set minLayerSize to {largest} or less."
        )
    for layer in large:
        if "zstd" in layer.media_type:
            raise ImageError(
                f"Layer {layer.digest} is compressed with zstd, which SOCI cannot index. "
                "Build the source image with gzip layers."
            )


def _choose(index: Index, platform: str, reference: Reference) -> Descriptor:
    images = [entry for entry in index.manifests if entry.artifact_type is None and entry.platform]
    for entry in images:
        if entry.platform == platform:
            return entry
    there = ", ".join(sorted({entry.platform or "" for entry in images} - {"unknown/unknown"})) or "none"
    raise ImageError(f"{reference} has no image for platform {platform}; it has: {there}.")


def _check_platform(regctl: Regctl, reference: Reference, manifest: Manifest, platform: str) -> None:
    text = regctl.blob(Reference(reference.repository, manifest.config.digest))
    try:
        config = json.loads(text)
        actual = f"{config['os']}/{config['architecture']}"
    except (ValueError, KeyError, TypeError) as error:
        raise ImageError(f"{reference} is not a container image: its configuration says no platform.") from error
    if actual != platform:
        raise ImageError(f"{reference} is for {actual}, not for {platform}. Set platform, or name another image.")
