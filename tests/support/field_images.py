"""Small images like those that people have, with what tools stumble over: each made anew from nothing, byte by byte.

A case is an image in memory; it can be written as an OCI layout or put into a registry as it is, which no tool
between mends or refuses. Each says in its docstring what is odd about it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
GZIP = f"{OCI}.layer.v1.tar+gzip"
ZSTD = f"{OCI}.layer.v1.tar+zstd"
FOREIGN = f"{DOCKER}.image.rootfs.foreign.diff.tar.gzip"
OCI_MANIFEST, OCI_INDEX = f"{OCI}.manifest.v1+json", f"{OCI}.index.v1+json"
AMD64, ARM64, UNKNOWN = ({"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"},
                         {"os": "unknown", "architecture": "unknown"})  # fmt: skip
BLOCK = 512


@dataclass(frozen=True)
class Layer:
    """A layer as it lies in a registry, and the digest of the tar inside it."""

    blob: bytes
    diff_id: str
    media_type: str = GZIP
    urls: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.blob)

    def descriptor(self) -> dict[str, Any]:
        more = {"urls": list(self.urls)} if self.urls else {}
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.blob), **more}


@dataclass(frozen=True)
class FieldImage:
    """An image, or an index of several: ``manifests`` with their media types, the top one last."""

    manifests: tuple[tuple[bytes, str], ...]
    layers: tuple[Layer, ...] = ()
    configs: tuple[bytes, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self.manifests[-1][0])

    @property
    def blobs(self) -> dict[str, bytes]:
        return {digest_of(blob): blob for blob in (*self.configs, *(layer.blob for layer in self.layers))}

    def write(self, folder: Path, tag: str = "latest") -> Path:
        """As an OCI layout in the new ``folder``."""
        place = folder / "blobs/sha256"
        place.mkdir(parents=True)
        for content in (*self.blobs.values(), *(raw for raw, _ in self.manifests)):
            (place / digest_of(content).removeprefix("sha256:")).write_bytes(content)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        raw, media_type = self.manifests[-1]
        entry = {"mediaType": media_type, "digest": self.digest, "size": len(raw)}
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
        (folder / "index.json").write_bytes(as_json({"schemaVersion": 2, "manifests": [entry]}))
        return folder

    def push(self, repository: str, tag: str = "latest") -> str:
        """Into a plain HTTP registry, ``host:port/name``; gives the reference by digest."""
        host, _, name = repository.partition("/")
        with httpx.Client(base_url=f"http://{host}/v2/{name}/", timeout=60) as client:
            for digest, blob in self.blobs.items():
                place = client.post("blobs/uploads/").raise_for_status().headers["location"]
                client.put(httpx.URL(place).copy_merge_params({"digest": digest}), content=blob).raise_for_status()
            for raw, media_type in self.manifests:
                for name in (digest_of(raw), *((tag,) if raw is self.manifests[-1][0] else ())):
                    headers = {"content-type": media_type}
                    client.put(f"manifests/{name}", content=raw, headers=headers).raise_for_status()
        return f"{repository}@{self.digest}"


@dataclass
class Tar:
    """A tar under construction. ``header`` is a global PAX header."""

    header: Mapping[str, str] = field(default_factory=dict)
    _buffer: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self._tar = tarfile.open(  # noqa: SIM115 — closed by `end`
            fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=dict(self.header)
        )

    def folder(self, name: str, mode: int = 0o755) -> Tar:
        return self._add(tarfile.TarInfo(name), tarfile.DIRTYPE, mode)

    def file(self, name: str, content: bytes, mode: int = 0o644) -> Tar:
        return self._add(tarfile.TarInfo(name), tarfile.REGTYPE, mode, content)

    def link(self, name: str, target: str, *, hard: bool = False) -> Tar:
        entry = tarfile.TarInfo(name)
        entry.linkname = target
        return self._add(entry, tarfile.LNKTYPE if hard else tarfile.SYMTYPE, 0o777)

    def sparse(self, name: str, parts: Mapping[int, bytes], size: int) -> Tar:
        """A file with holes, as ``tar --sparse --format=pax`` writes it (GNU tar's manual, "PAX Format, Version 1.0"):
        the map of its parts, in whole blocks, stands before their bytes."""
        numbers = [len(parts), *(number for at, part in parts.items() for number in (at, len(part)))]
        table = "".join(f"{number}\n" for number in numbers).encode()
        entry = tarfile.TarInfo(f"GNUSparseFile.0/{name.rpartition('/')[2]}")
        words = {"major": "1", "minor": "0", "name": name, "realsize": str(size)}
        entry.pax_headers = {f"GNU.sparse.{key}": value for key, value in words.items()}
        content = table.ljust(-(-len(table) // BLOCK) * BLOCK, b"\0") + b"".join(parts.values())
        return self._add(entry, tarfile.REGTYPE, 0o644, content)

    def end(self) -> bytes:
        """The whole archive; nothing can be added after it."""
        self._tar.close()
        return self._buffer.getvalue()

    def _add(self, entry: tarfile.TarInfo, kind: bytes, mode: int, content: bytes = b"") -> Tar:
        entry.type, entry.mode, entry.size = kind, mode, len(content)
        self._tar.addfile(entry, io.BytesIO(content))
        return self


def noise(seed: str, size: int) -> bytes:
    """Bytes that no compression makes smaller, always the same."""
    return random.Random(seed).randbytes(size)


def gzip_layer(tar: Tar, **more: Any) -> Layer:
    archive = tar.end()
    return Layer(gzip.compress(archive, 1, mtime=0), digest_of(archive), **more)


def zstd_layer(tar: Tar) -> Layer:
    archive = tar.end()
    return Layer(zstd_frame(archive), digest_of(archive), ZSTD)


def zstd_frame(content: bytes) -> bytes:
    """A zstd frame of raw blocks (RFC 8878, 3.1.1): a valid stream without a compressor."""
    step = 128 << 10
    starts = range(0, len(content), step) or range(1)
    blocks = []
    for start in starts:
        part = content[start : start + step]
        head = (start == starts[-1]) | len(part) << 3
        blocks.append(head.to_bytes(3, "little") + part)
    return struct.pack("<IBQ", 0xFD2FB528, 0b1110_0000, len(content)) + b"".join(blocks)


def image(
    layers: Iterable[Layer],
    *,
    platform: Mapping[str, str] = AMD64,
    config: Mapping[str, Any] | None = None,
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> FieldImage:
    """An image of these layers; ``config`` is the part that containers are started with."""
    layers = tuple(layers)
    inner = {"Cmd": ["/bin/true"]} if config is None else dict(config)
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    raw_config = as_json({**platform, "config": inner, "rootfs": rootfs})
    config_type = f"{DOCKER}.container.image.v1+json" if docker else f"{OCI}.config.v1+json"
    media_type = f"{DOCKER}.distribution.manifest.v2+json" if docker else OCI_MANIFEST
    value: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {"mediaType": config_type, "digest": digest_of(raw_config), "size": len(raw_config)},
        "layers": [layer.descriptor() for layer in layers],
    }
    if annotations:
        value["annotations"] = dict(annotations)
    return FieldImage(((as_json(value), media_type),), layers, (raw_config,))


def index(*entries: tuple[FieldImage, Mapping[str, str] | None]) -> FieldImage:
    """An index of images, each with what the index says of its platform (None: nothing)."""
    descriptors = []
    for part, platform in entries:
        raw, media_type = part.manifests[-1]
        said = {"platform": dict(platform)} if platform else {}
        descriptors.append({"mediaType": media_type, "digest": part.digest, "size": len(raw), **said})
    top = as_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors})
    manifests = (*(document for part, _ in entries for document in part.manifests), (top, OCI_INDEX))
    layers = tuple(layer for part, _ in entries for layer in part.layers)
    return FieldImage(manifests, layers, tuple(config for part, _ in entries for config in part.configs))


def attestation() -> FieldImage:
    """What BuildKit adds beside an image: a manifest without a file system."""
    statement = Layer(
        b'{"_type":"https://in-toto.io/Statement/v0.1"}', digest_of(b"{}"), "application/vnd.in-toto+json"
    )
    return image([statement], platform=UNKNOWN, config={})


def base(seed: str = "base") -> Layer:
    """An ordinary layer of some 60 kB."""
    return gzip_layer(Tar().folder("lib").file("lib/base", noise(seed, 60_000)))


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def ordinary() -> FieldImage:
    """Nothing odd: what the others are compared with."""
    return image([base()])


def index_without_platform() -> FieldImage:
    """An index of one image of which it says nothing (skopeo and oras write such)."""
    return index((ordinary(), None))


def arm64_only_index() -> FieldImage:
    """An index without an image for amd64."""
    return index((image([base()], platform=ARM64), ARM64), (attestation(), UNKNOWN))


def attestation_first() -> FieldImage:
    """An index whose first entry is an attestation."""
    return index((attestation(), UNKNOWN), (ordinary(), AMD64))


def config_without_platform() -> FieldImage:
    """A configuration without os and architecture (``docker import``, tools of one's own)."""
    return image([base()], platform={})


def zstd_over_gzip() -> FieldImage:
    """One layer of zstd over gzip ones (buildx with compression=zstd and without force-compression)."""
    return image([base(), zstd_layer(Tar().folder("app").file("app/data", noise("zstd", 80_000)))])


def zstd_of_another_content() -> FieldImage:
    """A layer of zstd that holds something else than the image's configuration says."""
    layer = zstd_layer(Tar().file("data", noise("data", 50_000)))
    return image([Layer(layer.blob, digest_of(b"something else"), ZSTD)])


def all_zstd() -> FieldImage:
    """No layer that SOCI could index."""
    return image([zstd_layer(Tar().file(name, noise(name, 50_000))) for name in ("one", "two")])


def global_header() -> FieldImage:
    """A layer that begins with a global PAX header, as ``git archive`` writes it."""
    archive = Tar(header={"comment": "0123456789abcdef0123456789abcdef01234567"})
    return image([base(), gzip_layer(archive.folder("src").file("src/main.c", noise("main", 30_000)))])


def foreign_layer() -> FieldImage:
    """A layer that is not to be distributed, with the address that has it (Windows base images)."""
    tar = Tar().folder("win").file("win/x", noise("foreign", 50_000))
    foreign = gzip_layer(tar, media_type=FOREIGN, urls=("https://example.invalid/v2/nano/blobs/x",))
    return image([base(), foreign], docker=True)


def sparse_file() -> FieldImage:
    """A file with holes and a file behind it, from ``tar --sparse --format=pax``."""
    holes = {0: b"head" * 128, 1 << 19: b"tail" * 128}
    tar = Tar().folder("db").sparse("db/holes", holes, 1 << 20).file("db/behind", noise("behind", 5_000))
    return image([base(), gzip_layer(tar)])


def many_layers(count: int = 127) -> FieldImage:
    """As many layers as Docker allows, each with one small file."""
    return image([gzip_layer(Tar().file(f"layer-{number}", noise(str(number), 2_000))) for number in range(count)])


def link_to_lower_layer() -> FieldImage:
    """A hard link whose target is in a lower layer alone: no runtime unpacks it."""
    return image([base(), gzip_layer(Tar().link("linked", "lib/base", hard=True))])


CASES: dict[str, Callable[[], FieldImage]] = {
    made.__name__: made
    for made in (
        ordinary, index_without_platform, arm64_only_index, attestation_first, config_without_platform,
        zstd_over_gzip, all_zstd, global_header, foreign_layer, sparse_file, many_layers, link_to_lower_layer,
    )
}  # fmt: skip
