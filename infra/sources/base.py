"""The base image of the built-in variants, as an OCI layout in the cache.

``debian`` is put together from Debian packages, for any architecture, and runs nothing of them. ``auto`` means
nginx:alpine-slim if its registry answers, else ``debian``, so that no image registry is needed. Anything else is the
reference of an image.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from infra.oci.buildkit import ImageInLayout
from infra.oci.layout import blob_path, digest_of_file, only_digest, reserve, write_blob, write_image
from infra.oci.manifest import OCI_MANIFEST
from kit.command import run
from kit.errors import CommandError, ImageError
from kit.files import made_once
from kit.paths import cache_dir
from kit.scratch import scratch
from kit.toolchain.toolbox import tool

PUBLIC_BASE = "nginx:alpine-slim"
DEBIAN = "debian"
SUITE = "bookworm"
PACKAGES = ("nginx-light", "busybox-static", "ca-certificates")
REACH_SECONDS = 5.0
DOWNLOAD_SECONDS = 600.0
EPOCH = 0
DEBIAN_VERSION = 1
DEBIAN_BYTES = 300 << 20
"""What its packages, their lists and the layer need while they are made; with half of it mmdebstrap failed."""
"""Counts up when the making of the Debian base changes, so that an older one in the cache is not used."""

LEFT_OUT = ("./dev/", "./etc/hostname", "./etc/resolv.conf", "./usr/share/doc/", "./usr/share/man/")
"""What differs from machine to machine, what every container gets from its runtime, and what nobody reads there."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Base:
    """A base image that is decided on but not yet fetched or made; ``key`` names its content."""

    key: str
    reference: str | None
    platform: str


def resolve(setting: str, platform: str) -> Base:
    """Decide which base a setting means; a reference becomes a digest. Raises `ImageError` when it does not exist."""
    if setting == DEBIAN:
        return _debian(platform)
    reference = PUBLIC_BASE if setting == "auto" else setting
    try:
        digest = _digest(reference, platform)
    except CommandError as error:
        if setting == "auto":
            return _debian(platform)
        raise ImageError(f"The base image {reference} for {platform} cannot be had: {error}") from error
    return Base(digest, f"{repository_of(reference)}@{digest}", platform)


def prepare(base: Base) -> ImageInLayout:
    """The base image in the cache, made or fetched if it is not there yet."""
    place = made_once(cache_dir() / "bases" / base.key.replace(":", "-"), partial(_make, base))
    return ImageInLayout(place, only_digest(place))


def _make(base: Base, layout: Path) -> None:
    if base.reference is not None:
        _fetch(base.reference, layout)
        return
    with scratch("base") as room:
        reserve(room, DEBIAN_BYTES)
        _make_debian(base.platform, layout, room)


def _debian(platform: str) -> Base:
    architecture = platform.partition("/")[2]
    return Base(f"debian-{SUITE}-{architecture}-{DEBIAN_VERSION}", None, platform)


def repository_of(reference: str) -> str:
    """A reference without tag and digest; the colon of a registry's port stays."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _digest(reference: str, platform: str) -> str:
    command: list[str | Path] = [tool("regctl"), "image", "digest", "--platform", platform, reference]
    return run(command, timeout_seconds=REACH_SECONDS, trusted=True).stdout.strip()


def _fetch(reference: str, layout: Path) -> None:
    command: list[str | Path] = [tool("regctl"), "image", "copy", reference, f"ocidir://{layout}:base"]
    run(command, timeout_seconds=DOWNLOAD_SECONDS, trusted=True)


def _make_debian(platform: str, layout: Path, room: Path) -> None:
    architecture = platform.partition("/")[2]
    layer = debian_layer(PACKAGES, architecture, room)
    write_single_layer(layout, layer, architecture, {"Env": [f"PATH={PATH}"]})


def debian_layer(packages: Sequence[str], architecture: str, room: Path) -> Path:
    """A tar in ``room`` of what Debian packages, and those that they need, hold; nothing of them is run."""
    extracted, layer = room / "packages.tar", room / "layer.tar"
    run(
        [
            *(tool("mmdebstrap"), "--quiet", "--mode=root", "--variant=extract", f"--architectures={architecture}"),
            *(f"--include={','.join(packages)}", SUITE, extracted),
        ],
        timeout_seconds=DOWNLOAD_SECONDS,
        env={"SOURCE_DATE_EPOCH": str(EPOCH), "TMPDIR": str(room)},
        trusted=True,
    )
    _copy_entries(extracted, layer)
    return layer


def _copy_entries(source: Path, target: Path) -> None:
    """The same entries in one order and of one time, without what is left out."""
    with tarfile.open(source) as packages, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as layer:
        entries = [entry for entry in packages.getmembers() if not f"{entry.name}/".startswith(LEFT_OUT)]
        for entry in sorted(entries, key=lambda entry: entry.name):
            entry.mtime, entry.pax_headers = EPOCH, {}
            layer.addfile(entry, packages.extractfile(entry) if entry.isreg() else None)


def write_single_layer(layout: Path, layer: Path, architecture: str, container: dict[str, Any]) -> None:
    """An image of one layer (a tar), as the OCI image specification describes it; ``container`` is its `config`."""
    packed = layer.with_suffix(".gz")
    with layer.open("rb") as plain, packed.open("wb") as file, gzip.GzipFile("", "wb", 6, file, EPOCH) as zipped:
        shutil.copyfileobj(plain, zipped, 1 << 20)
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": container,
        "rootfs": {"type": "layers", "diff_ids": [digest_of_file(layer)]},
    }
    digest, size_bytes = digest_of_file(packed), packed.stat().st_size
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": write_blob(layout, _json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": size_bytes}],
    }
    packed.rename(blob_path(layout, digest))
    write_image(layout, _json(manifest), OCI_MANIFEST)


def _json(content: dict[str, Any]) -> bytes:
    """Always the same bytes, because they decide the digest."""
    return json.dumps(content, sort_keys=True).encode()
