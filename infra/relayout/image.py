"""The image with its new layers: manifest and configuration, of which all else stays as it was. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.oci import config
from infra.oci.manifest import DOCKER_MANIFEST, Manifest, as_image, digest_of, parse
from infra.relayout.layer import Rewritten
from kit.errors import ImageError

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ON_TOP = {"created_by": "sociometer relayout --own-layer", "comment": "what boot reads, moved here from below"}
"""What the history says of a layer of what boot reads; its time is the image's own, and so the same each time."""
_OF_THE_BYTES = ("containerd.io/", "io.github.containerd.", "io.containers.")
"""How annotations of a layer begin that describe its blob (its tar's digest, eStargz, zstd:chunked)."""


def diff_ids(configuration: str, manifest: Manifest) -> tuple[str, ...]:
    """The digest of each layer's tar, as the configuration has them; raises `ImageError` when they are not as many."""
    found = config.parse(configuration, manifest.digest).diff_ids
    if len(found) != len(manifest.layers):
        raise ImageError(f"The image has {len(manifest.layers)} layers, and its configuration names {len(found)}.")
    return found


def layer_type(manifest: Manifest) -> str:
    """The media type of a further layer, compressed with gzip."""
    return DOCKER_LAYER if manifest.media_type == DOCKER_MANIFEST else OCI_LAYER


def rebuilt(
    manifest: Manifest, configuration: bytes, new: Mapping[int, Rewritten], on_top: Rewritten | None = None
) -> tuple[Manifest, bytes]:
    """Manifest and configuration with new layers, by their place, and one more; labels and all else stay as they are.

    The history stays, with an entry for the layer on top, where it tells of layers at all.
    """
    settings = json.loads(configuration)
    value = json.loads(manifest.raw)
    for place, layer in new.items():
        settings["rootfs"]["diff_ids"][place] = layer.diff_id
        _replace(value["layers"][place], layer.digest, layer.size_bytes)
    if on_top is not None:
        settings["rootfs"]["diff_ids"].append(on_top.diff_id)
        value["layers"].append({"mediaType": layer_type(manifest), "digest": on_top.digest, "size": on_top.size_bytes})
        if settings.get("history"):
            when = {"created": settings["created"]} if settings.get("created") else {}
            settings["history"].append({**when, **ON_TOP})
    new_config = _compact(settings)
    _replace(value["config"], digest_of(new_config), len(new_config))
    raw = _compact(value)
    return as_image(parse(raw, name="the new image"), "the new image"), new_config


def _replace(entry: dict[str, Any], digest: str, size_bytes: int) -> None:
    entry.update(digest=digest, size=size_bytes)
    entry.pop("data", None)  # the blob itself, which some builders embed
    notes = {key: text for key, text in (entry.get("annotations") or {}).items() if not key.startswith(_OF_THE_BYTES)}
    if notes:
        entry["annotations"] = notes
    else:
        entry.pop("annotations", None)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
