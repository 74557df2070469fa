"""What registries say about images: references, manifests, image indexes and SOCI indexes as typed values.

Pure: bytes in, values out. Every digest is checked when it is parsed, because digests become file names.
Media types: OCI image-spec 1.1, Docker image manifest v2 schema 2, soci-snapshotter's `docs/soci-index-manifest-v2.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from kit.documents import object_of, of_json
from kit.errors import ImageError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
SOCI_INDEX_V1 = "application/vnd.amazon.soci.index.v1+json"
SOCI_INDEX_V2 = "application/vnd.amazon.soci.index.v2+json"
ZTOC_TYPE = "application/octet-stream"
PREFETCH_TYPE = "application/vnd.amazon.soci.prefetch.v1+json"
SOCI_LAYER_ANNOTATION = "com.amazon.soci.image-layer-digest"
SOCI_IMAGE_ANNOTATION = "com.amazon.soci.index-digest"
SOCI_SPAN_ANNOTATION = "com.amazon.soci.span-size"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TO_OCI = {
    DOCKER_MANIFEST: OCI_MANIFEST,
    "application/vnd.docker.container.image.v1+json": "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
}


@dataclass(frozen=True)
class Reference:
    """An image by digest: ``repository`` is ``host:port/name``; ``str()`` gives ``host:port/name@sha256:…``."""

    repository: str
    digest: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``host:port/name@sha256:…``; raises `ImageError` for a tag, or anything else."""
        repository, at, digest = text.partition("@")
        if not at or not _DIGEST.fullmatch(digest):
            raise ImageError(f"{text!r} does not name an image by digest. Wanted: host:port/repository@sha256:….")
        return cls(checked_repository(repository), digest)

    @property
    def registry(self) -> str:
        """``host:port``."""
        return self.repository.split("/", 1)[0]


@dataclass(frozen=True)
class Descriptor:
    """One entry of a manifest or index: what a blob is, its digest, its size in bytes."""

    media_type: str
    digest: str
    size_bytes: int
    annotations: tuple[tuple[str, str], ...] = ()
    platform: str | None = None
    artifact_type: str | None = None

    def annotation(self, name: str) -> str | None:
        """The value of an annotation, None when it is not there."""
        return dict(self.annotations).get(name)


@dataclass(frozen=True)
class Document:
    """What a digest names: the exact bytes."""

    raw: bytes

    @property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.raw)

    @property
    def size_bytes(self) -> int:
        """Its own length."""
        return len(self.raw)


@dataclass(frozen=True)
class Manifest(Document):
    """An image manifest, or a SOCI index, which has the same form."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers, each digest once."""
        return tuple({blob.digest: blob for blob in (self.config, *self.layers)}.values())

    @property
    def layer_bytes(self) -> int:
        """The sum of its layers as they lie in a registry."""
        return sum(layer.size_bytes for layer in self.layers)


@dataclass(frozen=True)
class Index(Document):
    """An image index and the manifests that it names."""

    manifests: tuple[Descriptor, ...]


def checked_repository(repository: str) -> str:
    """``host:port/name`` as it is; raises `ImageError` when it is not one (OCI distribution-spec's name rule)."""
    if not re.fullmatch(r"[a-zA-Z0-9.-]+(:\d+)?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+", repository):
        raise ImageError(f"{repository!r} is not a repository. Wanted: host:port/name in lower case, without a tag.")
    return repository


def parse(raw: bytes, *, name: str) -> Manifest | Index:
    """Read a manifest or an index; ``name`` is what errors call it. Raises `ImageError` when it is neither."""
    try:
        value = object_of(raw)
        media_type = value.get("mediaType") or (OCI_INDEX if "manifests" in value else OCI_MANIFEST)
        if media_type in INDEX_TYPES:
            return Index(raw, tuple(_descriptor(entry) for entry in value["manifests"]))
        layers = tuple(_descriptor(entry) for entry in value.get("layers") or ())
        _ = {**(value.get("annotations") or {})}  # a mapping, or a TypeError
        return Manifest(raw, _text(media_type), _descriptor(value["config"]), layers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{name} is not an image manifest that can be read: {error!r}.") from error


def listed(text: str, artifact_type: str, name: str) -> tuple[Descriptor, ...]:
    """The entries of a JSON list, or null, which all have that type; ``name`` is what the `ImageError` calls it."""
    try:
        return tuple(replace(_descriptor(entry), artifact_type=artifact_type) for entry in of_json(text) or ())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{name} cannot be read: {error!r}.") from error


def as_image(document: Manifest | Index, name: object) -> Manifest:
    """The manifest of one image; raises `ImageError` for an index. ``name`` is what the error calls it."""
    if isinstance(document, Index):
        raise ImageError(f"{name} is an index where one image is wanted.")
    return document


def split(top: Index, name: object) -> tuple[Descriptor | None, Descriptor]:
    """The SOCI index (None: there is none) and the image that an image index of one platform names."""
    indexes = [entry for entry in top.manifests if entry.artifact_type == SOCI_INDEX_V2]
    images = [entry for entry in top.manifests if entry.artifact_type is None and entry.platform != "unknown/unknown"]
    if len(images) != 1 or len(indexes) > 1:
        raise ImageError(f"{name} holds {len(images)} images and {len(indexes)} SOCI indexes; name one image.")
    return (indexes[0] if indexes else None), images[0]


def ztocs_and_layers(index: Manifest, image: Manifest) -> Iterator[tuple[Descriptor, Descriptor]]:
    """Each zTOC of a SOCI index with the image's layer that it describes; `ImageError` for one of another image."""
    layers = {layer.digest: layer for layer in image.layers}
    for ztoc in index.layers:
        if ztoc.media_type == ZTOC_TYPE:
            layer_digest = ztoc.annotation(SOCI_LAYER_ANNOTATION) or ""
            if layer_digest not in layers:
                raise ImageError(f"zTOC {ztoc.digest} is for layer {layer_digest}, which the image does not have.")
            yield ztoc, layers[layer_digest]


def normalized(manifest: Manifest) -> Manifest:
    """The same image with OCI media types and without a SOCI index of its own; layers and config keep their digests.

    Most images come back as they are. A Docker image gets the digest that ``regctl image mod --to-oci`` gives it,
    without moving a layer; a converted image must not make the control lazy.
    """
    value = json.loads(manifest.raw)
    annotations = value.get("annotations") or {}
    if manifest.media_type != DOCKER_MANIFEST and SOCI_IMAGE_ANNOTATION not in annotations:
        return manifest
    if annotations.pop(SOCI_IMAGE_ANNOTATION, None) and not annotations:
        del value["annotations"]
    value["mediaType"] = OCI_MANIFEST
    for entry in (value["config"], *(value.get("layers") or ())):
        entry["mediaType"] = _TO_OCI.get(entry["mediaType"], entry["mediaType"])
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    layers = tuple(_descriptor(entry) for entry in value.get("layers") or ())
    return Manifest(raw, OCI_MANIFEST, _descriptor(value["config"]), layers)


def digest_of(content: bytes) -> str:
    """``sha256:`` and the hex digest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(entry: dict[str, Any]) -> Descriptor:
    digest, size, artifact_type = entry["digest"], entry["size"], entry.get("artifactType")
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"digest {digest!r} is not sha256")
    if type(size) is not int or size < 0:
        raise ValueError(f"size {size!r} is no number of bytes")
    platform, annotations = entry.get("platform"), entry.get("annotations") or {}
    return Descriptor(
        media_type=_text(entry["mediaType"]),
        digest=digest,
        size_bytes=size,
        annotations=tuple(sorted((key, _text(text)) for key, text in annotations.items())),
        platform=_platform(platform) if platform else None,
        artifact_type=None if artifact_type is None else _text(artifact_type),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _platform(value: dict[str, Any]) -> str:
    return f"{value['os']}/{value['architecture']}"
