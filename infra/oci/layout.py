"""Image layout folders for the soci tool, made of links so that no layer is copied.

`soci convert --standalone` copies the folder that it reads and the folder that it writes, whole, and removes what
lay in the destination. It copies symbolic links as links: a layout whose layers are links costs it nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from infra.oci.manifest import Descriptor, Document, Index, Manifest, digest_of, parse
from kit import documents
from kit.documents import Unreadable
from kit.errors import ImageError, MachineError

_NEEDS = "needs"
REFERENCE_NAME = "org.opencontainers.image.ref.name"
"""The tag of an image in a layout (OCI image-spec, `annotations.md`)."""
_GIB = 1 << 30


def reserve_copies(room: Path, manifest: Manifest, *, copies: int) -> None:
    """Reserve space for that many copies of an image's blobs, with 1 % and 64 MiB more for zTOCs and manifests."""
    reserve(room, int(copies * sum(blob.size_bytes for blob in manifest.blobs) * 1.01) + (64 << 20))


def reserve(room: Path, needed_bytes: int) -> None:
    """Note that a scratch room will hold ``needed_bytes``, or raise `MachineError` when the disk lacks them.

    What other rooms have noted counts as taken, so that two at once do not fill the disk together.
    """
    others = sum(_noted_bytes(note) for note in room.parent.parent.glob(f"*/{_NEEDS}"))
    free = shutil.disk_usage(room).free
    if free - others < needed_bytes:
        raise MachineError(
            f"{room.parent.parent} needs {_gib(needed_bytes)} ({needed_bytes} bytes) of disk space for this image "
            f"and has {_gib(free - others)}{' beside what is under way' if others else ''}. "
            "Free some, or move the cache with SOCIOMETER_CACHE."
        )
    (room.parent / _NEEDS).write_text(str(needed_bytes))


def link_layout(folder: Path, manifest: Manifest, pulled: Path) -> None:
    """Make a layout in ``folder`` that holds ``manifest``, its blobs being links into the layout ``pulled``."""
    claim(folder)
    write_image(folder, manifest.raw, manifest.media_type)
    for blob in manifest.blobs:
        blob_path(folder, blob.digest).symlink_to(blob_path(pulled.absolute(), blob.digest))


def require_whole(folder: Path, manifest: Manifest) -> None:
    """Raise `ImageError` that names the first blob of an image which a layout lacks, or has with other content."""
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        blobs = list({blob.digest: blob for blob in manifest.blobs})
        for digest, found in zip(
            blobs, pool.map(lambda digest: _digest(blob_path(folder, digest)), blobs), strict=True
        ):
            if found != digest:
                raise ImageError(f"{digest} is {'corrupt' if found else 'missing'} in {folder}.")


def digest_of_file(path: Path) -> str:
    """`manifest.digest_of` of a file's content, read piece by piece."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _digest(blob: Path) -> str | None:
    try:
        return digest_of_file(blob)
    except FileNotFoundError:
        return None


def write_image(folder: Path, manifest: bytes, media_type: str) -> None:
    """Add an image's manifest to a layout and name it as the one image that the layout holds."""
    write_blob(folder, manifest, media_type)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    name_image(folder, Document(manifest), media_type)


def name_image(folder: Path, image: Document, media_type: str, tag: str | None = None) -> None:
    """Name an image of a layout as the one that it holds, under a tag where one is wanted."""
    entry = {"mediaType": media_type, "digest": image.digest, "size": image.size_bytes}
    named = {**entry, "annotations": {REFERENCE_NAME: tag}} if tag else entry
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def write_blob(folder: Path, content: bytes, media_type: str) -> dict[str, Any]:
    """Add a blob to a layout; gives its descriptor, as JSON has it."""
    path = blob_path(folder, digest_of(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def claim(folder: Path) -> None:
    """Refuse a folder that holds anything: a tool that empties its destination must not be pointed at it."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise ImageError(f"{folder} is not an empty folder. Nothing was removed; name a new one.")
    folder.mkdir(parents=True, exist_ok=True)


def only_digest(layout: Path) -> str:
    """The digest of the one image that a layout holds; raises `ImageError` when there is not exactly one."""
    return only_entry(layout).digest


def only_entry(layout: Path) -> Descriptor:
    """The one image that a layout holds, as its index names it; raises `ImageError` when there is not exactly one."""
    top = parse(_content(layout, "index.json", "index.json"), name=f"{layout}/index.json")
    manifests = top.manifests if isinstance(top, Index) else ()
    if len(manifests) != 1:
        raise ImageError(f"{layout} holds {len(manifests)} images, not one.")
    return manifests[0]


def read(layout: Path, digest: str) -> Manifest | Index:
    """A manifest or index out of a layout; raises `ImageError` when its content has another digest."""
    return parse(blob(layout, digest), name=digest)


def blob(layout: Path, digest: str) -> bytes:
    """A small blob of a layout; raises `ImageError` when it is not there, or has another digest."""
    raw = _content(layout, f"blobs/{digest.replace(':', '/')}", digest)
    if digest_of(raw) != digest:
        raise ImageError(f"{digest} is corrupt in {layout}.")
    return raw


def _content(layout: Path, name: str, what: str) -> bytes:
    try:
        return documents.read(layout / name)
    except FileNotFoundError as error:
        raise ImageError(f"{what} is missing in {layout}.") from error
    except (OSError, Unreadable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f"{what} cannot be read in {layout}: {reason}.") from error


def blob_path(layout: Path, digest: str) -> Path:
    """The file of a blob; the digest has been checked when it was parsed."""
    algorithm, encoded = digest.split(":")
    return layout / "blobs" / algorithm / encoded


def _noted_bytes(note: Path) -> int:
    """0 for a room that is just being given back, or whose note is just being written."""
    try:
        return int(note.read_bytes() or 0)
    except (FileNotFoundError, ValueError):
        return 0


def _gib(size_bytes: int) -> str:
    return f"{max(size_bytes, 0) / _GIB:.1f} GiB"
