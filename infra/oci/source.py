"""The image that a form is made of: found, checked, and refused before anything is built or pushed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from infra.oci.manifest import Descriptor, Index, Manifest, Reference, normalized
from infra.oci.regctl import Regctl
from kit.errors import ImageError


@dataclass(frozen=True)
class Source:
    """An image of one platform: where it lies, and the OCI manifest that its forms have."""

    reference: Reference
    manifest: Manifest


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
    if not isinstance(top, Manifest):
        raise ImageError(f"{reference} is an index of indexes; name one image.")
    _check_platform(regctl, reference, top, platform)
    return Source(reference, normalized(top))


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
