"""Compresses an image's layers anew: as gzip or zstd of some level, or not at all. What is in the layers stays.

Deterministic: the same layers, compression and libraries give the same bytes. Another version of zlib or of zstd may
give others, which change the image's digest and nothing else. The image's configuration names its layers as they are
without compression (OCI image-spec, `config.md`): it stays as it is, and every layer is checked against it.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from infra.compression import Compression
from infra.oci import layout
from infra.oci.config import parse as config_of
from infra.oci.manifest import Descriptor, Manifest, as_image, parse
from infra.oci.regctl import Deadline
from kit.errors import ImageError, MachineError
from kit.expansion import Bounded, TooLarge

LAYER = "application/vnd.oci.image.layer.v1.tar"
_SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
_CHUNK = 1 << 20
_OF_THE_BYTES = ("containerd.io/snapshot/stargz/", "io.github.containers.zstd-chunked.")
"""How annotations begin that say where things lie in a layer's compressed bytes (eStargz, zstd:chunked)."""


def is_zstd(layer: Descriptor) -> bool:
    """Whether a layer is compressed with zstd."""
    return layer.media_type.endswith("zstd")


def recompressed(
    source: Path,
    destination: Path,
    image: Manifest,
    choose: Callable[[Descriptor], Compression | None],
    deadline: Deadline,
) -> Manifest:
    """Write the image of the layout ``source`` to the new layout ``destination``, and give its manifest.

    ``choose`` gives each layer's new compression; None leaves the layer as it is. Raises `ImageError` for a layer that
    is corrupt, `MachineError` when the disk is full.
    """
    layout.claim(destination)
    (destination / "blobs" / "sha256").mkdir(parents=True)
    contents = config_of(layout.blob_path(source, image.config.digest).read_text(), image.config.digest).diff_ids
    if len(contents) != len(image.layers):
        raise ImageError(f"Its configuration names {len(contents)} layers, its manifest {len(image.layers)}.")
    work = {layer.digest: (layer, content) for layer, content in zip(image.layers, contents, strict=True)}

    def one(layer: Descriptor, content: str) -> dict[str, Any]:
        wanted = choose(layer)
        if wanted is None:
            return {}
        return _Layer(layer, wanted, deadline).write(source, destination, content)

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        new = dict(zip(work, pool.map(lambda pair: one(*pair), work.values()), strict=True))
    value = json.loads(image.raw)
    value["layers"] = [_entry(entry, new[entry["digest"]]) for entry in value["layers"]]
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    made = as_image(parse(raw, name=image.digest), image.digest)
    layout.write_image(destination, made.raw, made.media_type)
    for blob in made.blobs:
        if not layout.blob_path(destination, blob.digest).exists():
            layout.blob_path(destination, blob.digest).symlink_to(layout.blob_path(source.absolute(), blob.digest))
    return made


class _Layer:
    """One layer on its way to another compression."""

    def __init__(self, layer: Descriptor, wanted: Compression, deadline: Deadline) -> None:
        self._layer, self._wanted, self._deadline = layer, wanted, deadline

    def write(self, source: Path, destination: Path, content: str) -> dict[str, Any]:
        """Write the new blob; gives its media type, digest and size. ``content``: digest of the layer's tar."""
        partial = destination / "blobs" / "sha256" / f"partial-{self._layer.digest.partition(':')[2]}"
        try:
            with partial.open("wb") as raw:
                out = _Hashing(raw)
                found = self._copy(layout.blob_path(source, self._layer.digest), out)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError, TooLarge) as error:
            raise self._explained(error, destination) from error
        if found != content:
            raise ImageError(f"Layer {self._layer.digest} is corrupt: its content is {found}, not {content}.")
        partial.rename(layout.blob_path(destination, out.digest))
        return {"mediaType": LAYER + _SUFFIX[self._wanted.kind], "digest": out.digest, "size": out.size_bytes}

    def _copy(self, blob: Path, out: _Hashing) -> str:
        tar = hashlib.sha256()
        with _reading(blob, self._layer.media_type) as stream, _writing(out, self._wanted) as packed:
            plain = Bounded(stream, blob.stat().st_size)
            while part := plain.read(_CHUNK):
                self._deadline.remaining_seconds()
                tar.update(part)
                packed.write(part)
        return f"sha256:{tar.hexdigest()}"

    def _explained(self, error: Exception, destination: Path) -> ImageError | MachineError:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return MachineError(f"{destination.parent.parent} is full: layer {self._layer.digest} does not fit on it.")
        return ImageError(f"Layer {self._layer.digest} is cut or corrupt: {error}.")


class _Hashing:
    """A file that knows the digest and the size of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash, self.size_bytes = file, hashlib.sha256(), 0

    def write(self, content: bytes) -> int:
        self._hash.update(content)
        self.size_bytes += len(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class _AsItIs:
    """Writes to a file without compression."""

    def __init__(self, out: _Hashing) -> None:
        self.write = out.write

    def __enter__(self) -> _AsItIs:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held back."""


def _reading(blob: Path, media_type: str) -> AbstractContextManager[IO[bytes]]:
    if media_type.endswith("gzip"):
        return cast("AbstractContextManager[IO[bytes]]", gzip.open(blob))
    if media_type.endswith("zstd"):
        reader = zstandard.ZstdDecompressor().stream_reader(blob.open("rb"), read_across_frames=True, closefd=True)
        return cast("AbstractContextManager[IO[bytes]]", reader)
    return blob.open("rb")


def _writing(out: _Hashing, wanted: Compression) -> AbstractContextManager[Any]:
    """A gzip header without name and time: they would make the digest another each time."""
    file = cast("IO[bytes]", out)
    if wanted.kind == "gzip":
        return gzip.GzipFile("", "wb", wanted.level, file, mtime=0)
    if wanted.kind == "zstd":
        return zstandard.ZstdCompressor(level=wanted.level).stream_writer(file, closefd=False)
    return _AsItIs(out)


def _entry(entry: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A layer of the manifest with its new bytes; what annotations say of the old ones is left out."""
    if not new:
        return entry
    kept = {key: text for key, text in (entry.get("annotations") or {}).items() if not key.startswith(_OF_THE_BYTES)}
    return {**new, **({"annotations": kept} if kept else {})}
