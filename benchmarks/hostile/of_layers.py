"""Layers: their tars read by two readers, unpacked, written anew, compressed anew; and their tables of contents."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random

import pyarrow  # noqa: F401 - a parser imports it late
import zstandard

from benchmarks.hostile import images, raw, tars
from benchmarks.hostile.parser import Make, Parser, new_folder
from infra.compression import Compression
from infra.oci import layout
from infra.oci.manifest import Descriptor, Manifest, as_image, parse
from infra.oci.recompress import recompressed
from infra.oci.regctl import Deadline
from infra.oci.ztoc import ZtocEntry, parse_ztoc, read_entries, read_spans
from infra.relayout import facts, layer, records, tree
from infra.relayout.touched import touched_spans
from infra.trace.model import TracedFile
from kit.errors import ImageError, LabError
from kit.tars import BROKEN
from tests.support.ztocs import fixed, packed, ztoc

FILES = ((b"etc/x", b"content"), (b"usr/bin/x", b"y" * 700), (b"usr/bin/y", b"z" * 40), (b"srv/big", b"0123" * 400))
TAR, GZIP, ZSTD = images.LAYER_TYPES[0], images.LAYER_TYPES[1], images.LAYER_TYPES[3]


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("tar-records", "a layer, to be written anew", _tar, _records)
    yield Parser("tar-facts", "a layer, for the proof", _tar, _facts)
    yield Parser("layer-rewritten", "relayout, soci-v2-layout", _layer, _rewritten)
    yield Parser("layer-recompressed", "zstd, gzip, uncompressed", _layer, _recompressed)
    yield Parser("ztoc", "a SOCI index", _ztocs(), _ztoc)


def _tar(random: Random) -> bytes:
    content = tars.archive(random, random.sample(FILES, random.randrange(1, 5)))
    return raw.mutated(random, content, [content]) if random.random() < 0.15 else content


def _layer(random: Random) -> bytes:
    """Its kind in the first byte."""
    content = _tar(random)
    kind = random.choice(b"tgz")
    whole = (
        content if kind == b"t"[0] else gzip.compress(content, 1) if kind == b"g"[0] else zstandard.compress(content, 1)
    )
    if random.random() < 0.15:
        whole = raw.mutated(random, whole, [whole])
    return bytes([kind]) + whole


def _records(content: bytes) -> None:
    found = _scanned(content)
    starts = [record.start for record in found.records]
    assert starts == sorted(starts) and found.end <= len(content) + tars.BLOCK
    for record in found.records:
        assert record.start < record.end <= len(content) + tars.BLOCK
        assert not record.path.startswith(b"/") and b".." not in record.path.split(b"/")


def _scanned(content: bytes) -> records.Archive:
    try:
        return records.scan(BytesIO(content))
    except records.Unmovable as finding:
        raise LabError(str(finding)) from finding


def _facts(content: bytes) -> None:
    """Where both readers take a tar, they must mean the same by it."""
    Path("layer").write_bytes(content)
    entries = facts.read(Path("layer"), TAR)
    tree.tree([entries, entries])
    try:
        found = records.scan(BytesIO(content)).records
    except records.Unmovable:
        return
    names = [records.clean(entry.name.encode(errors="surrogateescape")) for entry in entries]
    assert names == [record.path for record in found], "the two readers differ"


def _described(content: bytes) -> tuple[Path, Descriptor, str, bytes]:
    """A layout that holds the layer."""
    folder = new_folder("layout")
    kind = {b"t": TAR, b"g": GZIP, b"z": ZSTD}.get(content[:1], TAR)
    blob = content[1:]
    layout.write_blob(folder, blob, kind)
    return folder, Descriptor(kind, layout.digest_of(blob), len(blob)), images.digest(_plain(kind, blob)), blob


def _plain(kind: str, blob: bytes) -> bytes:
    try:
        if kind == GZIP:
            return gzip.decompress(blob)
        return zstandard.ZstdDecompressor().decompress(blob, max_output_size=1 << 24) if kind == ZSTD else blob
    except (*BROKEN, zstandard.ZstdError):
        return blob


def _rewritten(content: bytes) -> None:
    folder, described, diff_id, _ = _described(content)
    target = new_folder("target")
    (target / "blobs/sha256").mkdir(parents=True)
    wish = layer.Wish([b"srv/big", b"usr/bin/y"], [], 9, 100.0)
    made = layer.rewrite(folder, described, diff_id, wish, target)
    if isinstance(made, layer.Kept):
        raise LabError(made.reason)
    before = tree.tree([facts.read(layout.blob_path(folder, described.digest), described.media_type)])
    after = tree.tree([facts.read(layout.blob_path(target, made.digest), described.media_type)])
    assert tree.differences(before, after) == []


def _recompressed(content: bytes) -> None:
    folder, described, diff_id, blob = _described(content)
    settings = images.configuration([])
    settings["rootfs"]["diff_ids"] = [diff_id]
    config, image = _image_of(settings, described)
    layout.write_blob(folder, config, "")
    target = new_folder("target")
    made = recompressed(folder, target, image, lambda _: Compression("gzip", 1), Deadline(60.0))
    found = layout.blob_path(target, made.layers[0].digest).read_bytes()
    assert gzip.decompress(found) == _plain(described.media_type, blob)


def _image_of(settings: dict, described: Descriptor) -> tuple[bytes, Manifest]:  # type: ignore[type-arg]
    import json

    config = json.dumps(settings).encode()
    named = {"mediaType": described.media_type, "digest": described.digest, "size": described.size_bytes}
    value = {"schemaVersion": 2, "config": images.descriptor(config, "application/x"), "layers": [named]}
    return config, as_image(parse(json.dumps(value).encode(), name="it"), "it")


def _ztocs() -> Make:
    samples = [_made(kind, entries) for kind in (1, 2) for entries in (0, 3)]

    def make(random: Random) -> bytes:
        return raw.mutated(random, random.choice(samples), samples)

    return make


@cache
def _made(algorithm: int, entries: int) -> bytes:
    """As soci writes it, with checkpoints of two spans."""
    files = [ZtocEntry(f"usr/bin/x{number}", "reg", 512 + 1024 * number, 700, "") for number in range(entries)]
    points = fixed(4096, 8192) if algorithm == 2 else packed(((10, 0, 0), (500, 4100, 0)))
    return ztoc(points, 2, algorithm=algorithm, entries=files, size=8_192)


def _ztoc(content: bytes) -> None:
    info = parse_ztoc(content)
    entries = read_entries(content)
    assert len(entries) == info.file_count
    spans = read_spans(content)
    assert len(spans.starts) == info.span_count
    found = touched_spans(content, [TracedFile(path="usr/bin/x1", layer=0, size_bytes=700, ranges=((0, 4096),))])
    assert all(0 <= number < found.span_count for number in found.spans)
    assert found.stored_bytes >= 0 or ImageError
