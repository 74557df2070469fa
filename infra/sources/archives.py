"""Images in files: which image an archive or a layout folder holds, read with care because anybody may have made it.

Nothing is unpacked here. Of an archive only the small documents are read, each with a bound, by name. Archives of
``docker save`` (with ``manifest.json``) and OCI layouts (with ``index.json``) are known; Docker writes both since 25.
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from infra.oci.manifest import Descriptor, Index, digest_of, parse
from kit.errors import ImageError

MOST_DOCUMENT_BYTES = 16 << 20
"""Of one manifest, index or configuration; the largest in the wild have some hundred kilobytes."""
REFERENCE_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


class _Archive:
    """The documents of an open tar file, by name; its entries are checked once."""

    def __init__(self, file: Path, tar: tarfile.TarFile) -> None:
        self._file, self._tar = file, tar
        self._members = {str(PurePosixPath(each.name)): each for each in _checked(file, tar)}

    def document(self, name: str) -> bytes | None:
        """A file's content, None where the archive has no such file."""
        member = self._members.get(name)
        if member is None:
            return None
        if not member.isreg():
            raise ImageError(f"{self._file} is no image: its entry {name} is not a file.")
        if member.size > MOST_DOCUMENT_BYTES:
            raise ImageError(f"{self._file} is no image: its document {name} claims {member.size} bytes.")
        content = self._tar.extractfile(member)
        raw = content.read() if content else b""
        if len(raw) != member.size:
            raise ImageError(f"{self._file} is cut: its document {name} ends early.")
        return raw


@contextmanager
def _opened(file: Path) -> Iterator[_Archive]:
    """An archive for as long as the block lasts; raises `ImageError` for what is none."""
    try:
        with tarfile.open(file, "r:*") as tar:
            yield _Archive(file, tar)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {file}.") from error
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise ImageError(f"{file} is no archive, or cut, or corrupt: {error}.") from error


def _checked(file: Path, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Every entry; raises `ImageError` for one that would lie outside, and for a file that is cut."""
    members = tar.getmembers()
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ImageError(f"{file} is not to be trusted: its entry {member.name!r} climbs out of it.")
    size = file.stat().st_size
    if members and _is_plain(file) and members[-1].offset_data + members[-1].size > size:
        raise ImageError(f"{file} is cut: {members[-1].name} ends after the file's {size} bytes.")
    return members


def of_docker(file: Path, wanted: str | None) -> bytes:
    """The configuration of an image in a ``docker save`` archive: its digest is the image's id.

    ``wanted`` chooses among several. Raises `ImageError`.
    """
    with _opened(file) as archive:
        raw = archive.document("manifest.json")
        if raw is None:
            raise ImageError(
                f"{file} has no manifest.json, as `docker save` writes it. For OCI: oci-archive:FILE."
            )
        name = str(_chosen(file, _list_of(file, raw), wanted).get("Config"))
        config = archive.document(str(PurePosixPath(name)))
        if config is None:
            raise ImageError(f"{file} is incomplete: its configuration {name} is missing.")
        return config


@contextmanager
def of_oci(place: Path, tag: str | None) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """The digest of the image or index that an OCI layout (a folder, or an archive of one) holds, and how to read its
    documents by digest.

    Raises `ImageError`, also for a document whose digest is not its content's.
    """
    if place.is_dir():
        yield _found(place, _from_folder(place), tag)
        return
    with _opened(place) as archive:
        yield _found(place, archive.document, tag)


def _found(place: Path, read: Callable[[str], bytes | None], tag: str | None) -> tuple[str, Callable[[str], bytes]]:
    raw = read("index.json")
    if raw is None:
        raise ImageError(f"{place} is no OCI layout: it has no index.json.")
    top = parse(raw, name=f"{place}/index.json")
    if not isinstance(top, Index) or not top.manifests:
        raise ImageError(f"{place} holds no image.")
    return _entry(place, top, tag).digest, _blob_of(place, read)


def _entry(place: Path, top: Index, tag: str | None) -> Descriptor:
    names = {_reference_name(entry): entry for entry in top.manifests}
    if tag is not None and tag not in names:
        raise ImageError(f"{place} holds no image {tag}; it has {_listed(names)}.")
    if tag is None and len(top.manifests) != 1:
        raise ImageError(f"{place} holds {len(top.manifests)} images. Say which: {_listed(names)}.")
    return names[tag] if tag else top.manifests[0]


def _blob_of(place: Path, read: Callable[[str], bytes | None]) -> Callable[[str], bytes]:
    def blob(digest: str) -> bytes:
        algorithm, _, encoded = digest.partition(":")
        content = read(f"blobs/{algorithm}/{encoded}")
        if content is None:
            raise ImageError(f"{place} is incomplete: {digest} is missing.")
        if digest_of(content) != digest:
            raise ImageError(f"{place} is corrupt: {digest} has another content.")
        return content

    return blob


def _from_folder(place: Path) -> Callable[[str], bytes | None]:
    def read(name: str) -> bytes | None:
        path = place / name
        if not path.is_file():
            return None
        if path.stat().st_size > MOST_DOCUMENT_BYTES:
            raise ImageError(f"{place} is no image: its document {name} has {path.stat().st_size} bytes.")
        return path.read_bytes()

    return read


def _list_of(place: Path, raw: bytes) -> list[dict[str, Any]]:
    try:
        entries = json.loads(raw)
    except ValueError as error:
        raise ImageError(f"{place} is corrupt: its list of images is not JSON: {error}.") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise ImageError(f"{place} holds no image.")
    return entries


def _chosen(place: Path, entries: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    names = {name: entry for entry in entries for name in entry.get("RepoTags") or ()}
    if wanted is not None:
        if wanted not in names:
            raise ImageError(f"{place} holds no image {wanted}; it has {_listed(names)}.")
        return names[wanted]
    if len(entries) != 1:
        raise ImageError(f"{place} holds {len(entries)} images. Say which: {_listed(names)}.")
    return entries[0]


def _reference_name(entry: Descriptor) -> str:
    names = (entry.annotation(key) for key in REFERENCE_NAMES)
    return next((name for name in names if name is not None), entry.digest)


def _listed(names: dict[str, Any]) -> str:
    return ", ".join(list(names)[:10]) or "none with a name"


def _is_plain(file: Path) -> bool:
    """Whether a tar is not compressed, so that its entries' places are places in the file."""
    with file.open("rb") as opened:
        return not opened.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"))
