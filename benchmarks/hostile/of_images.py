"""Images: archives of `docker save`, OCI layouts, manifests, configurations, and what was kept of them."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from random import Random

from benchmarks.hostile import documents, images, tars
from benchmarks.hostile.parser import Parser, new_folder
from infra.oci import config, indexed, layout, manifest, soci
from infra.oci.manifest import Descriptor, Index
from infra.relayout import prefetch
from infra.sources import archives, layers
from kit.errors import ImageError
from kit.tars import BROKEN, Member

MOST_PARTS = 16
"""Of a name that is unpacked. A layout's have three, and the kernel takes as many steps for each of thousands."""


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("manifest", "registries, layouts, archives", _documents(), _manifest)
    yield Parser("image-config", "registries, layouts, archives", _configuration(), _config)
    yield Parser("docker-archive", "docker-archive:FILE, docker save", _docker_archive, _docker)
    yield Parser("oci-archive", "oci-archive:FILE", _oci_archive, _oci)
    yield Parser("oci-layout", "oci:DIR", _oci_archive, _oci_folder)
    yield Parser("soci-layout", "what soci convert leaves", _soci_archive, _converted)
    yield Parser("kept-index", "the cache of indexes", _kept_archive, _kept)


def _documents():  # type: ignore[no-untyped-def]
    random = Random(1)
    plain = images.image(random, images.maybe_changed(random, 0), [images.PLAIN_TAR], soci=True)
    values = [json.loads(blob) for blob in plain.blobs.values() if blob[:1] == b"{" and len(blob) > 100]
    return documents.maker([*values, json.loads(plain.top)])


def _configuration():  # type: ignore[no-untyped-def]
    return documents.maker([images.configuration([images.PLAIN_TAR])])


def _manifest(content: bytes) -> None:
    found = manifest.parse(content, name="it")
    if isinstance(found, Index):
        _, image = manifest.split(found, "it")
        assert isinstance(image, Descriptor) and len(image.digest) == 71
        return
    same = manifest.normalized(found)
    assert same.digest == manifest.digest_of(same.raw)
    assert [layer.digest for layer in same.layers] == [layer.digest for layer in found.layers]
    assert found.layer_bytes >= 0 and all(blob.size_bytes >= 0 for blob in found.blobs)
    for blob in found.blobs:
        assert layout.blob_path(Path("x"), blob.digest).parent == Path("x/blobs/sha256")
        blob.media_type.endswith("gzip"), blob.annotation("a")
    list(manifest.ztocs_and_layers(found, found))


def _config(content: bytes) -> None:
    found = config.parse(content, "it")
    assert all(0 < port < 65536 for port in found.tcp_ports)
    assert found.health_command is None or all(isinstance(word, str) for word in found.health_command)


def _docker_archive(random: Random) -> bytes:
    write = images.maybe_changed(random)
    held = [images.a_layer(random) for _ in range(random.choice((1, 1, 2)))]
    settings = write(images.configuration(held))
    names = [f"{images.digest(layer)[7:]}/layer.tar" for layer in held]
    name = f"{images.digest(settings)[7:]}.json"
    saved = write([{"Config": name, "RepoTags": ["web:1"], "Layers": names}])
    files = [(name.encode(), settings), *((each.encode(), layer) for each, layer in zip(names, held, strict=True))]
    return tars.packed(random, tars.archive(random, [*files, (b"manifest.json", saved)]))


def _layout_files(random: Random, *, with_index: bool) -> bytes:
    held = [images.a_layer(random) for _ in range(random.choice((1, 1, 2)))]
    image = images.image(random, images.maybe_changed(random), held, soci=with_index)
    blobs = [(f"blobs/{name.replace(':', '/')}".encode(), blob) for name, blob in image.blobs.items()]
    top = [(b"oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), (b"index.json", image.top)]
    return tars.archive(random, [*top, *blobs])


def _oci_archive(random: Random) -> bytes:
    return tars.packed(random, _layout_files(random, with_index=False))


def _soci_archive(random: Random) -> bytes:
    return _layout_files(random, with_index=True)


def _docker(content: bytes) -> None:
    file = Path("image.tar")
    file.write_bytes(content)
    settings = archives.of_docker(file, None)
    assert len(settings) <= archives.MOST_DOCUMENT_BYTES
    assert archives.layer_bytes_of_docker(file, None) >= 0
    config.parse(settings, "it")


def _oci(content: bytes) -> None:
    file = Path("image.tar")
    file.write_bytes(content)
    with archives.of_oci(file, None) as (digest, blob):
        for found in layers._images(digest, blob):
            config.parse(blob(found.config.digest), "it")


def _oci_folder(content: bytes) -> None:
    """Unpacked by somebody who trusts it, links included."""
    folder = _unpacked(content)
    layers.check(folder, None, "it")  # type: ignore[arg-type]


def _unpacked(content: bytes) -> Path:
    """As far as it can be: a layout may lack anything."""
    folder = new_folder("layout")
    with suppress(*BROKEN), closing(tarfile.open(fileobj=BytesIO(content), tarinfo=Member)) as tar:
        for member in tar:
            _put(tar, member, folder)
    return folder


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Plain files, and links that stand for blobs."""
    name = os.path.normpath(member.name.replace("\0", ""))
    if name.startswith(("..", "/")) or name == "." or member.size > 1 << 20 or name.count("/") >= MOST_PARTS:
        return
    place = folder / name
    if any(each.is_symlink() or each.is_file() for each in (place, *place.parents)):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.isreg() and not place.exists() and (file := tar.extractfile(member)):
        place.write_bytes(file.read())
    elif member.issym() and not place.exists():
        place.symlink_to(member.linkname.replace("\0", "") or "x")


def _converted(content: bytes) -> None:
    folder = _unpacked(content)
    made = soci.read_converted(folder, {})
    outputs = manifest.ztocs_and_layers(made.index, made.image)
    pairs = list(outputs)
    with_lists = prefetch.with_prefetch(made, {layer.digest: [0, 1, 4] for _, layer in pairs})
    assert layout.read(folder, layout.only_digest(folder)) == with_lists.top


def _kept_archive(random: Random) -> bytes:
    blobs = [images.maybe_changed(random)({"a": number}) for number in range(3)]
    files = [(images.digest(blob).encode(), blob) for blob in blobs]
    return tars.archive(random, [*files, (b"reasons.json", b"{}"), (b"index.json", b"{}")])


def _kept(content: bytes) -> None:
    file = Path("kept.tar")
    file.write_bytes(content)
    files = indexed._read(file)
    if files is None:
        raise ImageError("not whole")
    names = files.keys() - {"reasons.json", "index.json"}
    assert all(name == images.digest(files[name]) for name in names)
