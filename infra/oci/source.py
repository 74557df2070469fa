"""The image that a form is made from: found in its registry and checked before anything is built or pushed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from infra.oci import layout
from infra.oci.config import ImageConfig
from infra.oci.config import parse as config_of
from infra.oci.manifest import Descriptor, Index, Manifest, Reference, as_image, normalized
from infra.oci.regctl import Regctl
from kit.errors import ImageError

UNKNOWN_PLATFORM = "unknown/unknown"
"""Of an attestation in an index, as BuildKit writes it."""
MANY_LAYERS = 40
"""So many lazy layers make an image slower than plain: see `infra.providers.soci_image.many_layers`."""

_ELSEWHERE = (".foreign.", ".nondistributable.")
"""In the media types of layers that stay where their vendor put them (Docker's, and OCI image-spec's)."""


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
    top = Reference.parse(source)
    chosen = choose(Documents.in_registry(regctl, top.repository), top.digest, platform, source)
    return Source(Reference(top.repository, chosen.digest), normalized(chosen.manifest))


@dataclass(frozen=True)
class Documents:
    """How the documents of an image are read by digest, wherever it lies."""

    document: Callable[[str], Manifest | Index]
    blob: Callable[[str], str]

    @classmethod
    def in_registry(cls, regctl: Regctl, repository: str) -> Documents:
        """Those of a repository."""
        return cls(
            lambda digest: regctl.manifest(Reference(repository, digest)),
            lambda digest: regctl.blob(Reference(repository, digest)),
        )


class Chosen(NamedTuple):
    """An image of one platform, by the digest of its manifest."""

    digest: str
    manifest: Manifest
    config: ImageConfig


def choose(documents: Documents, digest: str, platform: str, name: object) -> Chosen:
    """The image of a platform behind a digest: itself, or one of an index.

    What an image is for is what its configuration says: an index may have no word on it. Attestations and SOCI
    indexes in an index are no images. ``name`` is what errors call it.
    """
    document = documents.document(digest)
    if isinstance(document, Index):
        digest = _choose(documents, document, platform, name)
        document = documents.document(digest)
    manifest = as_image(document, name)
    require_distributable(manifest, name)
    config = config_of(documents.blob(manifest.config.digest), name)
    check_platform(config, platform, name)
    return Chosen(digest, manifest, config)


def check_platform(image: ImageConfig, platform: str, name: object) -> None:
    """Raise `ImageError` for an image of another platform, or of none."""
    if (actual := _platform_of(image, name)) != platform:
        raise ImageError(f"{name} is for {actual}, not for {platform}. Set platform, or name another image.")


def _choose(documents: Documents, index: Index, platform: str, name: object) -> str:
    images = [entry for entry in index.manifests if entry.artifact_type is None and entry.platform != UNKNOWN_PLATFORM]
    there: dict[str, str] = {}
    for entry in images:
        there.setdefault(entry.platform or _unlisted(documents, entry.digest, name), entry.digest)
    if platform not in there:
        raise ImageError(f"{name} has no image for platform {platform}; it has: {', '.join(sorted(there)) or 'none'}.")
    return there[platform]


def _unlisted(documents: Documents, digest: str, name: object) -> str:
    """The platform of an entry that an index says nothing of."""
    manifest = as_image(documents.document(digest), name)
    return _platform_of(config_of(documents.blob(manifest.config.digest), name), name)


def _platform_of(image: ImageConfig, name: object) -> str:
    if not image.os or not image.architecture:
        raise ImageError(f"{name} names no platform: its configuration has no os and architecture.")
    return f"{image.os}/{image.architecture}"


def require_distributable(manifest: Manifest, name: object) -> None:
    """Refuse an image with a layer that registries do not hold, but an address elsewhere: `ImageError` names it."""
    for layer in manifest.layers:
        if any(word in layer.media_type for word in _ELSEWHERE):
            raise ImageError(
                f"{name} has a foreign layer, {layer.digest} ({layer.media_type}): it is not to be distributed, so no "
                "registry of ours can hold it. Build the image on a base without such layers."
            )


def can_be_indexed(layer: Descriptor) -> bool:
    """Whether SOCI reads layers of this kind: gzip, or not compressed."""
    return layer.media_type.endswith(("tar", "gzip"))


def require_indexable(manifest: Manifest, min_layer_bytes: int) -> None:
    """Refuse an image of which soci would index no layer: `ImageError` says why, and what to do."""
    if not manifest.layers:
        raise ImageError("The image has no layers: there is nothing to index.")
    readable = [layer.size_bytes for layer in manifest.layers if can_be_indexed(layer)]
    if not readable:
        kinds = ", ".join(sorted({layer.media_type.rpartition(".")[2] for layer in manifest.layers}))
        raise ImageError(
            f"SOCI can index none of the image's {len(manifest.layers)} layers (kind: {kinds}): it reads gzip. Measure "
            "it as plain alone (forms: plain), or build it with gzip layers, as `docker buildx build --output "
            "type=image,compression=gzip,force-compression=true` does."
        )
    if max(readable) < min_layer_bytes:
        others = len(manifest.layers) - len(readable)
        raise ImageError(
            f"no layer of {len(readable)} reaches min-layer-size {min_layer_bytes}; the largest is {max(readable)} "
            f"bytes{f' ({others} more are of a kind that SOCI cannot index)' if others else ''}. "
            f"Set minLayerSize to {max(readable)} or less."
        )
