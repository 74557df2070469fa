"""Images of a wanted size, number of files and share that their boot reads; the same bytes each time.

Files lie in `PACKAGES` folders, as libraries do, in a few layers: half of the bytes compressible, sizes with a long
tail. The boot reads whole folders, in random order, until the wanted share of the bytes is reached, computes between
the files (`images/reader`), and answers HTTP: what it reads lies together in places, and the places are scattered.
"""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.bench_relayout import Contents
from infra.oci import layout
from infra.oci.buildkit import ImageInLayout
from infra.oci.manifest import OCI_MANIFEST
from infra.relayout.streams import GzipWriter, Sha256Writer
from infra.settings.values import machine_platform
from infra.sources import programs
from kit.command import run
from kit.files import made_once
from kit.paths import cache_dir
from kit.scratch import scratch
from kit.toolchain.toolbox import tool

READY = "http:8080/health"
PACKAGES = 120
LAYERS = 4
STEPS = 1_000_000_000
"""Of computing: about a second of one CPU's time."""
MAKING = 1
"""Counts up when the making changes, so that an older image in the cache is not used."""
READER = Path(__file__).parent / "images" / "reader"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
MTIME = 1_700_000_000


@dataclass(frozen=True)
class Synthetic:
    """An image: megabytes (10^6 bytes) and number of its files, and the share of the bytes that its boot reads."""

    megabytes: int
    files: int
    share: float

    @property
    def name(self) -> str:
        """As a variant's name: ``m300-f5000-r10``."""
        return f"m{self.megabytes}-f{self.files}-r{round(self.share * 100)}"


def made(image: Synthetic) -> ImageInLayout:
    """The image as an OCI layout in the cache, made if it is not there yet."""
    place = made_once(cache_dir() / "benchmarks" / f"{image.name}-{MAKING}", partial(_make, image))
    return ImageInLayout(place, layout.only_digest(place))


def _make(image: Synthetic, folder: Path) -> None:
    (folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    contents, parts = Contents(1), list(folders(image))
    layers = [_layer(folder, _members(parts[place::LAYERS], contents)) for place in range(LAYERS)]
    reads = "".join(f"/{path}\n" for path in reads_of(image, parts))
    layers.append(_layer(folder, [("reader", 0o755, _reader()), ("reads.txt", 0o644, reads.encode())]))
    os, architecture = machine_platform().split("/")
    config = {
        "os": os,
        "architecture": architecture,
        "config": {"Entrypoint": ["/reader"], "Cmd": [f"-steps={STEPS}"], "ExposedPorts": {"8080/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": layout.write_blob(folder, _json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor for descriptor, _ in layers],
    }
    layout.write_image(folder, _json(manifest), OCI_MANIFEST)


def folders(image: Synthetic) -> Iterator[list[tuple[str, int]]]:
    """By folder: paths and sizes. Every folder has about as many bytes, so that a share means as many folders."""
    each, most = image.files // PACKAGES, round(image.megabytes * 1e6 / PACKAGES)
    contents = Contents(2)
    for number in range(PACKAGES):
        sizes = contents.sizes(each, most)
        yield [(f"lib/package-{number:03}/file-{at:04}.py", size) for at, size in enumerate(sizes)]


def reads_of(image: Synthetic, folders: list[list[tuple[str, int]]]) -> Iterator[str]:
    """Whole folders until the share is reached; the last one in part."""
    wanted = image.share * sum(size for folder in folders for _, size in folder)
    for folder in random.Random(3).sample(folders, len(folders)):  # noqa: S311 - the same each time
        for path, size in folder:
            if wanted <= 0:
                return
            wanted -= size
            yield path


def _members(folders: list[list[tuple[str, int]]], contents: Contents) -> Iterator[tuple[str, int, bytes]]:
    for folder in folders:
        for path, size in folder:
            yield path, 0o644, contents.of(size)


def _layer(folder: Path, members: Iterable[tuple[str, int, bytes]]) -> tuple[dict[str, Any], str]:
    """Write a layer's blob; gives its descriptor and the digest of what it holds."""
    path, known = folder / "layer", set[str]()
    with path.open("wb") as file:
        blob = Sha256Writer(file)
        with GzipWriter(blob) as packed:
            plain = Sha256Writer(packed)
            with tarfile.open(fileobj=plain, mode="w|") as tar:  # type: ignore[call-overload]
                for name, mode, content in members:
                    for parent in reversed(Path(name).parents[:-1]):
                        if str(parent) not in known:
                            known.add(str(parent))
                            tar.addfile(_entry(str(parent), 0o755, tarfile.DIRTYPE))
                    tar.addfile(_entry(name, mode, tarfile.REGTYPE, len(content)), BytesIO(content))
    path.rename(layout.blob_path(folder, blob.digest))
    return {"mediaType": LAYER_TYPE, "digest": blob.digest, "size": blob.size_bytes}, plain.digest


def _entry(name: str, mode: int, kind: bytes, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type, entry.size, entry.mtime = mode, kind, size, MTIME
    return entry


def _reader() -> bytes:
    """The program, static; compiled anew each time, which takes seconds."""
    architecture = machine_platform().partition("/")[2]
    with scratch("reader") as room:
        words = [tool("go"), "build", *programs.FLAGS, "-o", room / "reader", "."]
        env = {**programs.ENVIRONMENT, "GOARCH": architecture}
        run(words, timeout_seconds=programs.BUILD_SECONDS, env=env, cwd=READER)
        return (room / "reader").read_bytes()


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
