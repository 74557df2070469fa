"""Whether the layers of an unpacked `docker save` are those that its configuration names: nothing else says so."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from infra.oci.config import parse as config_of
from infra.oci.manifest import Index, Manifest, parse
from infra.sources import archives
from kit.errors import ImageError
from kit.expansion import Bounded, TooLarge

GZIP_BEGIN = b"\x1f\x8b"
CHUNK = 1 << 20


def check(layout: Path, tag: str, name: object) -> None:
    """Raise `ImageError` when a layer has another content than its image's configuration says.

    ``name`` is what errors call the image.
    """
    with archives.of_oci(layout, tag) as (digest, blob):
        for manifest in _images(digest, blob):
            _check(layout, manifest, config_of(blob(manifest.config.digest), name).diff_ids, name)


def _images(digest: str, blob: Callable[[str], bytes]) -> Iterator[Manifest]:
    document = parse(blob(digest), name=digest)
    if isinstance(document, Index):
        for entry in document.manifests:
            yield from _images(entry.digest, blob)
    else:
        yield document


def _check(layout: Path, manifest: Manifest, expected: Sequence[str], name: object) -> None:
    if len(expected) != len(manifest.layers):
        raise ImageError(f"{name} is corrupt: it has {len(manifest.layers)} layers, its configuration {len(expected)}.")
    for number, (layer, wanted) in enumerate(zip(manifest.layers, expected, strict=True), start=1):
        actual = _content_digest(layout / "blobs" / layer.digest.replace(":", "/"), f"layer {number} of {name}")
        if actual != wanted:
            raise ImageError(f"{name} is corrupt: its layer {number} has content {actual}, not {wanted}.")


def _content_digest(file: Path, name: str) -> str:
    try:
        with file.open("rb") as raw:
            packed = raw.read(len(GZIP_BEGIN)) == GZIP_BEGIN
        with gzip.open(file) if packed else file.open("rb") as content:
            return _digest(Bounded(cast(BinaryIO, content), file.stat().st_size))
    except (OSError, EOFError, zlib.error, TooLarge) as error:
        raise ImageError(f"{name} is cut or corrupt: {error}.") from error


def _digest(content: Bounded) -> str:
    found = hashlib.sha256()
    while chunk := content.read(CHUNK):
        found.update(chunk)
    return f"sha256:{found.hexdigest()}"
