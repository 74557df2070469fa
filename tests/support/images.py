"""Source images for tests: an OCI layout with layers of given sizes, deterministic, pushed with regctl.

The layers are incompressible, so that a layer's compressed size is about the size asked for.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kit.toolchain.toolbox import tool

MIB = 1 << 20
OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
Flavor = Literal["gzip", "zstd", "docker-v2", "tar"]
LAYER_TYPES: dict[Flavor, str] = {
    "gzip": f"{OCI}.layer.v1.tar+gzip",
    "zstd": f"{OCI}.layer.v1.tar+zstd",
    "tar": f"{OCI}.layer.v1.tar",
    "docker-v2": f"{DOCKER}.image.rootfs.diff.tar.gzip",
}


@dataclass(frozen=True)
class SourceImage:
    """A pushed image: ``reference`` is ``host:port/repo@digest``; layer digests in order."""

    reference: str
    digest: str
    layers: tuple[str, ...]
    config: str


def push_image(
    repository: str,
    layer_bytes: Sequence[int],
    *,
    flavor: Flavor = "gzip",
    architecture: str = "amd64",
    seed: int = 1,
    docker_config: Path | None = None,
) -> SourceImage:
    """Make an image with one random file per layer and push it to ``repository`` (``host:port/name``)."""
    with tempfile.TemporaryDirectory(prefix="sociometer-image-", dir="/tmp") as folder:
        image, manifest = _layout(Path(folder), layer_bytes, flavor, architecture, seed)
        reference = push_layout(Path(folder), manifest, repository, docker_config)
    return SourceImage(reference, manifest, tuple(image[1:]), image[0])


def push_layout(layout: Path, digest: str, repository: str, docker_config: Path | None = None) -> str:
    """Push an image of a layout to ``repository`` (``host:port/name``); gives its reference there."""
    reference = f"{repository}@{digest}"
    host = repository.split("/")[0]
    environment = {**os.environ, **({"DOCKER_CONFIG": str(docker_config)} if docker_config else {})}
    words = ["--host", f"reg={host},tls=disabled", "image", "copy", f"ocidir://{layout}@{digest}", reference]
    subprocess.run([tool("regctl"), *words], check=True, capture_output=True, env=environment)
    return reference


def image_layout(layout: Path, layer_bytes: Sequence[int], *, architecture: str = "amd64") -> str:
    """Make the image in a folder instead; gives its digest."""
    _, manifest = _layout(layout, layer_bytes, "gzip", architecture, seed=1)
    return manifest


def _layout(
    layout: Path, layer_bytes: Sequence[int], flavor: Flavor, architecture: str, seed: int
) -> tuple[list[str], str]:
    (layout / "blobs/sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    layers, diff_ids = [], []
    for number, size in enumerate(layer_bytes):
        archive = _tar(f"file-{number}", _random_bytes(f"{seed}-{number}", size))
        diff_ids.append(_digest(archive))
        layers.append(_put(layout, _compress(archive, flavor), LAYER_TYPES[flavor]))
    config_value = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    docker = flavor == "docker-v2"
    config = _put(
        layout, _json(config_value), f"{DOCKER}.container.image.v1+json" if docker else f"{OCI}.config.v1+json"
    )
    media_type = f"{DOCKER}.distribution.manifest.v2+json" if docker else f"{OCI}.manifest.v1+json"
    manifest_value = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}
    manifest = _put(layout, _json(manifest_value), media_type)
    (layout / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [manifest]}))
    return [config["digest"], *(layer["digest"] for layer in layers)], manifest["digest"]


def _random_bytes(seed: str, size: int) -> bytes:
    source = random.Random(seed)
    return b"".join(source.randbytes(min(MIB, size - start)) for start in range(0, size, MIB))


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _compress(archive: bytes, flavor: Flavor) -> bytes:
    if flavor == "tar":
        return archive
    if flavor == "zstd":
        return subprocess.run(["zstd", "-1", "-q", "-c"], input=archive, check=True, capture_output=True).stdout
    return gzip.compress(archive, compresslevel=1, mtime=0)


def _put(layout: Path, content: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(content)
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
