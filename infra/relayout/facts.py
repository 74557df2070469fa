"""What a layer's tar says of each entry, read with Python's tarfile and nothing of ours, for the proof.

The reordering reads tars by itself (`infra.relayout.records`): what it takes wrongly must not be taken wrongly here.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from infra.relayout.streams import CHUNK, opened
from kit.errors import ImageError
from kit.expansion import most_bytes
from kit.tars import BROKEN, Member

Kind = Literal["file", "hard link", "symlink", "character device", "block device", "pipe", "folder"]
_KINDS: dict[bytes, Kind] = {
    tarfile.LNKTYPE: "hard link", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device", tarfile.FIFOTYPE: "pipe", tarfile.DIRTYPE: "folder",
}  # fmt: skip
_XATTRS = ("SCHILY.xattr.", "LIBARCHIVE.xattr.")
_TIMES = ("atime", "ctime")
_AT_ONCE = 32 << 10
"""What tarfile reads at once; it copies what is left of that for every block that it takes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a file system shows of a file but its name. ``times`` are as the tar writes them; ``content`` is a
    digest (of a sparse file: of its map and its parts), ``target`` that of a symbolic link, ``device`` its numbers."""

    kind: Kind
    mode: int
    owner: tuple[int, int]
    times: tuple[str, ...]
    size_bytes: int = 0
    content: str = ""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer: ``name`` as it stands there; ``link`` is the target of a hard link."""

    name: str
    facts: Facts
    link: str = ""


def read(blob: Path, media_type: str) -> tuple[Entry, ...]:
    """Every entry of a layer, in order. Raises `ImageError` for a layer that cannot be read to its end."""
    try:
        with opened(blob, media_type) as stream:
            return tuple(_entries(stream, most_bytes(blob.stat().st_size)))
    except BROKEN as error:
        raise ImageError(f"Layer {blob.name} is no tar that can be read: {error}.") from error


def _entries(stream: BinaryIO, most: int) -> Iterator[Entry]:
    """``most`` is how many bytes an entry can have."""
    tail = _Tail(stream)
    if not tail.begins():
        return  # an empty file is an empty tar to Go, and none to tarfile
    with tarfile.open(fileobj=cast(BinaryIO, tail), mode="r|", bufsize=_AT_ONCE, tarinfo=_claiming(most)) as tar:
        for member in tar:
            yield Entry(member.name, _facts(tar, member), member.linkname if member.islnk() else "")
            cast(Any, tar).members.clear()  # it keeps them for look-ups by name
        tail.require_zeros(tar.offset)


def _facts(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Facts:
    words = member.pax_headers
    is_file = member.type not in _KINDS
    return Facts(
        kind=_KINDS.get(member.type, "file"),
        mode=member.mode & 0o7777,  # some writers put the kind there once more
        owner=(member.uid, member.gid),
        times=(words.get("mtime", str(member.mtime)), *(words.get(name, "") for name in _TIMES)),
        size_bytes=member.size if is_file else 0,
        content=_content(tar, member) if is_file else "",
        target=member.linkname if member.issym() else "",
        device=(member.devmajor, member.devminor) if member.ischr() or member.isblk() else (0, 0),
        xattrs=tuple(sorted((key, value) for key, value in words.items() if key.startswith(_XATTRS))),
    )


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Of a sparse file the holes are not read: a small tar may claim a hole of any size."""
    parts: Sequence[tuple[int, int]] | None = cast(Any, member).sparse
    if any(min(part) < 0 for part in parts or ()):
        raise tarfile.ReadError(f"the map of {member.name!r} has a negative number")
    found = hashlib.sha256(b"" if parts is None else repr(parts).encode())
    left = member.size if parts is None else sum(size for _, size in parts)
    file = tar.fileobj
    assert file is not None  # noqa: S101 - an open tar has one
    file.seek(member.offset_data)
    while left:
        chunk = file.read(min(left, CHUNK))
        if not chunk:
            raise tarfile.ReadError(f"it ends in the middle of {member.name!r}")
        found.update(chunk)
        left -= len(chunk)
    return found.hexdigest()


def _claiming(most_bytes: int) -> type[tarfile.TarInfo]:
    return cast(type[tarfile.TarInfo], type("_Claiming", (_Member,), {"most": most_bytes}))


class _Member(Member):
    """A member as containerd reads it: a global PAX header is passed over (`archive/tar.go`), with or without
    something behind it. tarfile would apply it to all that follows, and refuse one that nothing follows."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self.require_credible()
        if self.type != tarfile.XGLTYPE:
            return cast(tarfile.TarInfo, cast(Any, super())._proc_member(tar))
        file = tar.fileobj
        assert file is not None  # noqa: S101 - an open tar has one
        tar.offset = file.tell() + -(-self.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        file.seek(tar.offset)
        if file.tell() < tar.offset:
            raise tarfile.ReadError("it ends in the middle of a global PAX header")
        return type(self).fromtarfile(tar)


class _Tail:
    """A stream that remembers its last bytes: tarfile takes a damaged header for the end and says nothing."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = self._last = b""
        self._offset = 0

    def begins(self) -> bool:
        """Whether there is anything at all; before it is read."""
        self._first = self._stream.read(_AT_ONCE)
        return bool(self._first)

    def read(self, size: int) -> bytes:
        chunk, self._first = self._first[:size], self._first[size:]
        chunk = chunk or self._stream.read(size)
        self._offset += len(chunk)
        self._last = self._last[-_AT_ONCE:] + chunk
        return chunk

    def require_zeros(self, offset: int) -> None:
        """Raise where anything but zeros follows ``offset``."""
        last = self._last[len(self._last) - (self._offset - offset) :] if self._offset > offset else b""
        while last or (last := self._stream.read(CHUNK)):
            if last.strip(b"\0"):
                raise tarfile.ReadError("there is something else where an entry begins")
            last = b""
