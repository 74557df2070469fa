"""Indexes that soci has made on this machine already: the same image with the same options is not read again.

soci's work is the same each time, byte by byte, and takes as long as a start of the image: `trace`, `tune` and the
forms of a stack ask for the same index again and again. What is kept is small, a twentieth of the image.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from infra.oci import layout, soci
from infra.oci.manifest import Manifest, as_image, digest_of
from infra.oci.regctl import Deadline
from infra.oci.soci import Converted, IndexOptions
from kit.paths import cache_dir
from kit.scratch import temporary_folder
from kit.tars import BROKEN, Member
from kit.toolchain.toolbox import tool

LEAST_BYTES = 64 << 20
"""Of an image's layers: what is smaller is indexed as quickly as it is looked for."""
MOST_KEPT = 16
_TOP, _REASONS = "index.json", "reasons.json"


def convert(source: Path, destination: Path, options: IndexOptions, deadline: Deadline) -> Converted:
    """`soci.convert`, or what it gave before for the same image and options."""
    digest = layout.only_digest(source)
    image = as_image(layout.read(source, digest), digest)
    if image.layer_bytes < LEAST_BYTES:
        return soci.convert(source, destination, options, deadline)
    kept = cache_dir() / "indexes" / f"{_key(digest, options)}.tar"
    if (files := _read(kept)) is not None:
        layout.claim(destination)
        return _laid(files, destination, source, image)
    made = soci.convert(source, destination, options, deadline)
    _keep(made, image, kept)
    return made


def _key(digest: str, options: IndexOptions) -> str:
    """Of the image, of all that soci is told, and of the very program."""
    listed = options.prefetch.read_text() if options.prefetch else None
    program = Path(tool("soci")).stat()
    parts = [digest, options.span_bytes, options.min_layer_bytes, options.platform, listed]
    text = json.dumps([*parts, program.st_size, program.st_mtime_ns])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read(kept: Path) -> dict[str, bytes] | None:
    """The files that were kept, by name, a blob's being its digest; None for none, or damaged ones."""
    try:
        most = kept.stat().st_size  # the holes of a sparse file would have no end
        with tarfile.open(kept, "r:", tarinfo=Member) as tar:
            files = {member.name: file.read(most) for member in tar if (file := tar.extractfile(member))}
        kept.touch()
    except BROKEN:
        return None
    blobs = {name: content for name, content in files.items() if name not in (_TOP, _REASONS)}
    is_whole = files.keys() >= {_TOP, _REASONS} and all(digest_of(blobs[name]) == name for name in blobs)
    return files if is_whole else None


def _laid(files: dict[str, bytes], destination: Path, source: Path, image: Manifest) -> Converted:
    """The layout that soci would have made: its own blobs, and links to the image's."""
    for name, content in files.items():
        if name not in (_TOP, _REASONS):
            layout.write_blob(destination, content, "")
    (destination / _TOP).write_bytes(files[_TOP])
    (destination / "oci-layout").write_bytes((source / "oci-layout").read_bytes())
    for blob in {blob.digest for blob in image.blobs}:
        layout.blob_path(destination, blob).symlink_to(layout.blob_path(source.absolute(), blob))
    return soci.read_converted(destination, json.loads(files[_REASONS]))


def _keep(made: Converted, image: Manifest, kept: Path) -> None:
    """Keep what soci has made, and forget what was not asked for the longest."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    own = {blob.digest.partition(":")[2] for blob in image.blobs}
    with temporary_folder("index-", kept.parent) as room:
        with tarfile.open(room / "tar", "w") as tar:
            for blob in sorted((made.folder / "blobs" / "sha256").iterdir()):
                if blob.name not in own:
                    tar.add(blob, f"sha256:{blob.name}")
            (room / _REASONS).write_text(json.dumps(made.reasons))
            tar.add(room / _REASONS, _REASONS)
            tar.add(made.folder / _TOP, _TOP)
        (room / "tar").replace(kept)
    for old in sorted(kept.parent.glob("*.tar"), key=lambda it: it.stat().st_mtime)[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
