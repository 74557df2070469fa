"""Images in parts that fit together, with one or another part changed: so that readers get to the change."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.hostile import documents, raw, tars
from kit.tars import BROKEN

LAYER_TYPES = (
    "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+zstd", "x/y",
)  # fmt: skip
MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
SOCI = "application/vnd.amazon.soci.index.v2+json"
PLATFORM = {"os": "linux", "architecture": "amd64"}
PLAIN_TAR = b"".join(
    (tars.header(b"etc/", 0, b"5"), tars.entry(b"etc/x", b"content"), tars.header(b"etc/y", 0, b"2", b"x"),
     tars.header(b"etc/z", 0, b"1", b"etc/x"), tars.entry(b"usr/bin/x", b"y" * 700), b"\0" * 1024)
)  # fmt: skip


def digest(content: bytes) -> str:
    """Its name."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """How a manifest or index names it."""
    return {"mediaType": media_type, "digest": digest(content), "size": len(content), **more}


@dataclass(frozen=True)
class Image:
    """Blobs by digest, and the index that a layout has on top."""

    blobs: dict[str, bytes]
    top: bytes
    config: bytes
    layers: tuple[bytes, ...]


Change = Callable[[Any], bytes]


def maybe_changed(random: Random, chance: float = 0.12) -> Change:
    """Writes documents as Go does, and changes some."""

    def write(value: Any) -> bytes:
        if random.random() > chance:
            return json.dumps(value, separators=(",", ":")).encode()
        one = documents.sample(value)
        if random.random() < 0.2:
            return raw.mutated(random, one.text.encode(), [one.text.encode()])
        return documents.changed(random, one, [one]).encode(errors="surrogatepass")

    return write


def image(random: Random, write: Change, layers: Sequence[bytes], *, soci: bool = False) -> Image:
    """An image of these layers, with a SOCI index where one is wanted."""
    config = write(configuration(layers))
    kinds = [random.choice(LAYER_TYPES[1:3]) if each[:2] == b"\x1f\x8b" else LAYER_TYPES[0] for each in layers]
    if random.random() < 0.05:
        kinds = [random.choice(LAYER_TYPES) for _ in layers]
    named = [descriptor(layer, kind, annotations={"a": "b"}) for layer, kind in zip(layers, kinds, strict=True)]
    document = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config,
        "application/vnd.oci.image.config.v1+json"),
        "layers": named, "annotations": {"com.amazon.soci.index-digest": digest(b"x")},
    }  # fmt: skip
    manifest = write(document)
    blobs = [config, manifest, *layers]
    entries = [
        descriptor(manifest, MANIFEST, platform=PLATFORM, annotations={"org.opencontainers.image.ref.name": "web:1"})
    ]
    if soci:
        blobs += _soci(write, layers, entries)
    if soci or random.random() < 0.2:
        inner = write({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        blobs.append(inner)
        entries = [descriptor(inner, INDEX)]
    top = write({"schemaVersion": 2, "manifests": entries})
    by_digest = {digest(blob): blob for blob in blobs}
    if random.random() < 0.04:
        by_digest[random.choice(list(by_digest))] = random.choice(blobs)
    return Image(by_digest, top, config, tuple(layers))


def _soci(write: Change, layers: Sequence[bytes], entries: list[dict[str, Any]]) -> list[bytes]:
    prefetch = write({"version": "1.0", "prefetch_spans": [{"start_span": 0, "end_span": 1}]})
    of_layer = {"com.amazon.soci.image-layer-digest": digest(layers[0]), "com.amazon.soci.span-size": "4194304"}
    ztoc, empty = b"ztoc", b"{}"
    document = {
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SOCI, "config": descriptor(empty, SOCI),
        "layers": [descriptor(ztoc, "application/octet-stream", annotations=of_layer),
                   descriptor(prefetch, "application/vnd.amazon.soci.prefetch.v1+json", annotations=of_layer)],
    }  # fmt: skip
    index = write(document)
    entries.append(descriptor(index, MANIFEST, artifactType=SOCI, platform=PLATFORM))
    return [prefetch, ztoc, empty, index]


def configuration(layers: Sequence[bytes]) -> dict[str, Any]:
    """What a container of it runs."""
    return {
        **PLATFORM,
        "config": {"Cmd": ["/x"], "Entrypoint": None, "Env": ["A=b"], "User": "web:web", "WorkingDir": "/srv",
                   "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Timeout": 5}},
        "rootfs": {"type": "layers", "diff_ids": [digest(unpacked(layer)) for layer in layers]},
        "history": [{"created_by": "x"}],
    }  # fmt: skip


def unpacked(layer: bytes) -> bytes:
    """Its tar, where it can be had."""
    try:
        return gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
    except BROKEN:
        return layer


def a_layer(random: Random) -> bytes:
    """Mostly a good one."""
    tar = (
        PLAIN_TAR
        if random.random() < 0.7
        else tars.archive(random, [(b"etc/x", b"content"), (b"usr/bin/x", b"y" * 700)])
    )
    return gzip.compress(tar, 1, mtime=0) if random.random() < 0.6 else tar
