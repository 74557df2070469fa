"""Images in files: which image an archive or a layout folder holds, read with care because anybody may have made it.

Nothing is unpacked here. Of an archive only the small documents are read, each with a bound, by name. Archives of
``docker save`` (with ``manifest.json``) and OCI layouts (with ``index.json``) are known; Docker writes both since 25.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from infra.oci.layout import REFERENCE_NAME
from infra.oci.manifest import Descriptor, Index, digest_of, parse
from kit import expansion, tars
from kit.documents import Unreadable, of_json
from kit.errors import ImageError
from kit.tars import BROKEN, Member
from kit.values import first_fault

MOST_DOCUMENT_BYTES = 16 << 20
"""Of one manifest, index or configuration; the largest in the wild have some hundred kilobytes."""
REFERENCE_NAMES = (REFERENCE_NAME, "io.containerd.image.name")


MOST_ENTRIES = 100_000
"""Of an archive of images; one of a hundred images with a hundred layers each has some ten thousand."""


class _Saved(BaseModel):
    """An entry of ``manifest.json`` (moby's image specification v1.2)."""

    config: str = Field(alias="Config")
    tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    layers: tuple[str, ...] = Field(default=(), alias="Layers")


_SAVED = TypeAdapter(list[_Saved])


class Archive:
    """The documents of a tar file, by name, read in one pass over its entries' heads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._tar = self._opened()
        try:
            self._members = {str(PurePosixPath(each.name)): each for each in self._checked()}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._tar.close()

    def document(self, name: str) -> bytes | None:
        """A file's content, None where the archive has no such file."""
        member = self._members.get(name)
        if member is None:
            return None
        if not member.isreg():
            raise ImageError(f"{self.file} is no image: its entry {name} is not a file.")
        if member.size > MOST_DOCUMENT_BYTES:
            raise ImageError(f"{self.file} is no image: its document {name} claims {member.size} bytes.")
        try:
            content = self._tar.extractfile(member)
            raw = content.read() if content else b""
        except BROKEN as error:
            raise ImageError(f"{self.file} is cut or corrupt: {error}.") from error
        if len(raw) != member.size:
            raise ImageError(f"{self.file} is cut: its document {name} ends early.")
        return raw

    def size_bytes(self, name: str) -> int:
        """A file's size; 0 for a link, whose target is a file of the archive too."""
        member = self._members.get(str(PurePosixPath(name)))
        if member is None:
            raise ImageError(f"{self.file} is incomplete: {name} is missing.")
        return member.size

    def _opened(self) -> tarfile.TarFile:
        if not self.file.exists():
            raise ImageError(f"There is no file {self.file}.")
        if not self.file.is_file():
            raise ImageError(f"{self.file} is a folder or a device, no archive. A folder of OCI layout is oci:FOLDER.")
        try:
            return tarfile.open(self.file, "r:*", tarinfo=Member)
        except BROKEN as error:
            why = " ".join(str(error).split())
            raise ImageError(f"{self.file} is no archive that can be read: {why}.") from error

    def _checked(self) -> list[tarfile.TarInfo]:
        """Every entry; raises `ImageError` for one that would lie outside, or a file that is cut."""
        try:
            members = list(tars.members(self._tar, self.file.stat().st_size, MOST_ENTRIES))
            self._read_end()
        except BROKEN as error:
            raise ImageError(f"{self.file} is cut or corrupt: {error}.") from error
        names: set[str] = set()
        for member in members:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise ImageError(f"{self.file} is not to be trusted: its entry {member.name!r} climbs out of it.")
            if str(path) in names and not member.isdir():
                raise ImageError(f"{self.file} is not to be trusted: it has two entries {member.name!r}.")
            names.add(str(path))
        size = self.file.stat().st_size
        if members and self._tar.fileobj is not None and _is_plain(self.file):
            last = members[-1]
            if last.offset_data + last.size > size:
                raise ImageError(f"{self.file} is cut: {last.name} ends after the file's {size} bytes.")
        return members

    def _read_end(self) -> None:
        """Tarfile takes damage between two entries for the end, and leaves the end's checksum of gzip and xz unread."""
        file = self._tar.fileobj
        if file is None:
            return
        file.seek(self._tar.offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError("there is something else where an entry begins")
        if not _is_plain(self.file):
            rest = expansion.Bounded(file, self.file.stat().st_size)
            while rest.read(tarfile.RECORDSIZE * 100):
                pass


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """An archive for as long as the block lasts; raises `ImageError`."""
    archive = Archive(file)
    try:
        yield archive
    finally:
        archive.close()


def of_docker(file: Path, wanted: str | None) -> bytes:
    """The configuration of an image in a ``docker save`` archive: its digest is the image's id.

    ``wanted`` chooses among several. Raises `ImageError`.
    """
    with opened(file) as archive:
        entry = _saved(archive, wanted)
        config = archive.document(str(PurePosixPath(entry.config)))
        if config is None:
            raise ImageError(f"{file} is incomplete: its configuration {entry.config} is missing.")
        return config


def layer_bytes_of_docker(file: Path, wanted: str | None) -> int:
    """The sum of that image's layers as they lie in the archive, each once; raises as `of_docker` does."""
    with opened(file) as archive:
        return sum(archive.size_bytes(layer) for layer in set(_saved(archive, wanted).layers))


@contextmanager
def of_oci(place: Path, tag: str | None) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """The digest of the image or index that an OCI layout (a folder, or an archive of one) holds, and how to read its
    documents by digest, for as long as the block lasts.

    Raises `ImageError`, also for a document whose digest is not its content's.
    """
    if place.is_dir():
        yield _found(place, tag, _from_folder(place))
        return
    with opened(place) as archive:
        yield _found(place, tag, archive.document)


def _saved(archive: Archive, wanted: str | None) -> _Saved:
    raw = archive.document("manifest.json")
    if raw is None:
        raise ImageError(
            f"{archive.file} is no `docker save` archive: it has no manifest.json. For OCI: oci-archive:FILE."
        )
    return _chosen(archive.file, _list_of(archive.file, raw), wanted)


def _found(place: Path, tag: str | None, read: Callable[[str], bytes | None]) -> tuple[str, Callable[[str], bytes]]:
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


def _list_of(place: Path, raw: bytes) -> list[_Saved]:
    try:
        entries = _SAVED.validate_python(of_json(raw))
    except (Unreadable, ValidationError) as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise ImageError(f"{place} is corrupt: its manifest.json is no list of images: {why}.") from error
    if not entries:
        raise ImageError(f"{place} holds no image.")
    return entries


def _chosen(place: Path, entries: list[_Saved], wanted: str | None) -> _Saved:
    names = {name: entry for entry in entries for name in entry.tags or ()}
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
