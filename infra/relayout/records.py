"""The records of a layer's tar: from where to where each entry's bytes lie, with its extended headers. Faces `order`.

A record is copied as it is, so of its meaning only what the order depends on is read: name, kind, target of a link.
What is read differently by Go, Python or GNU tar, or depends on what came before, is not read at all: `Unmovable`.
Sources: POSIX.1-2008 pax, "pax Interchange Format"; GNU tar's manual, "Basic Tar Format" and "Extended Headers".
Nothing here is shared with `infra.relayout.tree`, which proves the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tarfile import ReadError
from typing import BinaryIO, Literal

from kit.tars import MOST_EXTENDED_BYTES, pax_records

BLOCK = 512
MOST_FILE_BYTES = 1 << 60
"""Beyond what file systems hold, and small enough for offsets."""
Kind = Literal["file", "hard link", "symlink", "device", "folder"]
_KINDS: dict[bytes, Kind] = {
    b"\0": "file", b"0": "file", b"S": "file", b"1": "hard link", b"2": "symlink",
    b"3": "device", b"4": "device", b"6": "device", b"5": "folder",
}  # fmt: skip
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_USTAR, _GNU, _V7 = b"ustar\x0000", b"ustar  \0", b"\0" * 8
_OLD_SPARSE = b"S"
_PAX, _GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_WORDS = (b"path", b"linkpath", b"size")
_SPARSE, _SPARSE_NAME = b"GNU.sparse.", b"GNU.sparse.name"
_SPARSE_WORDS = (
    {_SPARSE + word for word in (b"major", b"minor", b"name", b"realsize")},
    {_SPARSE + word for word in (b"size", b"numblocks", b"map", b"name")},
)
"""Of a file with holes, in PAX formats 1.0 and 0.1."""


class Unmovable(Exception):
    """Why the entries of a layer cannot be put into another order, in words that follow "because"."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: ``start`` and ``end`` in bytes of the tar, its extended headers and padding included.

    ``path`` is the cleaned name, empty for the root; ``target`` that of a hard link, cleaned, else empty.
    """

    start: int
    end: int
    kind: Kind
    path: bytes
    target: bytes = b""


@dataclass(frozen=True)
class Archive:
    """A tar's records in order, and where the zeros at its end begin."""

    records: tuple[Record, ...]
    end: int


def scan(tar: BinaryIO) -> Archive:
    """Read every record of an uncompressed tar; raises `Unmovable` for what it cannot be sure of."""
    records = []
    start = 0
    while (header := _header(tar, start)) is not None:
        record = _record(tar, start, header)
        records.append(record)
        start = record.end
    _require_zeros(tar, start)
    return Archive(tuple(records), start)


def _header(tar: BinaryIO, at: int) -> bytes | None:
    """The block at an offset; None at the end of the archive."""
    tar.seek(at)
    block = tar.read(BLOCK)
    if not block or not block.strip(b"\0"):
        return None
    if len(block) < BLOCK:
        raise Unmovable("it is cut in the middle of a header")
    said = _number(block[148:156])
    if said != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise Unmovable("it has a header with a wrong checksum")
    return block


def _record(tar: BinaryIO, start: int, header: bytes) -> Record:
    at, extended = start, dict[bytes, bytes]()
    while (kind := header[156:157]) in (_PAX, _LONG_NAME, _LONG_LINK):
        for key, value in _extended(kind, _content(tar, at, header)):
            if key in extended:
                raise Unmovable(f"it has an entry that says its {key.decode(errors='replace')} twice")
            extended[key] = value
        at += BLOCK + _padded(_number(header[124:136]))
        following = _header(tar, at)
        if following is None:
            raise Unmovable("it ends with an extended header")
        header = following
    if kind == _GLOBAL:
        raise Unmovable("it has a global PAX header, which holds for all that follows")
    if kind not in _KINDS:
        raise Unmovable(f"it has an entry of type {kind.decode('latin-1')!r}, which not every reader knows")
    _require_agreed(header, extended)
    end = at + BLOCK + _following_bytes(tar, at, header, extended)
    return Record(start, end, _KINDS[kind], *_names(header, extended))


def _require_agreed(header: bytes, extended: Mapping[bytes, bytes]) -> None:
    """Raise `Unmovable` where Go and tarfile take different names or sizes from a header and what extends it."""
    kind, magic, name = header[156:157], header[257:265], _text(header[0:100])
    if kind == b"\0" and name.endswith(b"/"):
        raise Unmovable(f"it has an entry {_shown(name)} that is a folder by name alone")
    words = {key for key in extended if key.startswith(_SPARSE)}
    if not words and (kind != _OLD_SPARSE or magic == _GNU):
        return
    version = extended.get(_SPARSE + b"major", b"1") + extended.get(_SPARSE + b"minor", b"0")
    names = [key for key in extended if key in (b"path", _SPARSE_NAME)]
    is_as_written = words in _SPARSE_WORDS and version == b"10" and names[-1:] == [_SPARSE_NAME]
    if not is_as_written or kind not in b"\x000" or b"size" in extended:
        raise Unmovable(f"it has a sparse file {_shown(name)} that is not as GNU tar writes it")


def _following_bytes(tar: BinaryIO, at: int, header: bytes, extended: dict[bytes, bytes]) -> int:
    """What stands behind an entry's header: its content, padded, and before it the rest of an old sparse map."""
    if _KINDS[header[156:157]] != "file":
        return 0
    said = extended.get(b"size")
    if said is not None and not _is_number(said):
        raise Unmovable("it has an entry whose size is no number")
    content = _padded(int(said) if said is not None else _number(header[124:136]))
    more = 0
    if header[156:157] == _OLD_SPARSE and header[482]:
        block = b"\1" * BLOCK
        while block[504]:
            more += BLOCK
            tar.seek(at + more)
            block = tar.read(BLOCK)
            if len(block) < BLOCK:
                raise Unmovable("it is cut in the middle of a sparse file's map")
    end = at + BLOCK + more + content
    if content and (tar.seek(end - 1) != end - 1 or not tar.read(1)):
        raise Unmovable("it is cut in the middle of a file")
    return more + content


def _names(header: bytes, extended: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """The cleaned name, and the cleaned target of a hard link."""
    name = extended.get(_SPARSE_NAME) or extended.get(b"path") or _plain_name(header)
    is_link = _KINDS[header[156:157]] == "hard link"
    target = extended.get(b"linkpath") or _text(header[157:257])
    if name.endswith(b"/") and header[156:157] != b"5":
        raise Unmovable(f"it has an entry {_shown(name)} that is a folder by name alone")
    return clean(name), clean(target) if is_link else b""


def _plain_name(header: bytes) -> bytes:
    name, prefix, magic = _text(header[0:100]), header[345:500], header[257:265]
    if magic == _GNU and (header[156:157] == _OLD_SPARSE or not prefix.strip(b"\0")):
        return name  # else times stand there, which tarfile takes for a folder
    if magic == _USTAR and header[508:512] != b"tar\0":
        return _text(prefix) + b"/" + name if _text(prefix) else name
    if magic == _V7 and not prefix.strip(b"\0"):
        return name
    raise Unmovable(f"it has an entry {_shown(name)} in a dialect of tar that readers disagree on")


def _extended(kind: bytes, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What an extended header says of name, target, size and holes: key and value."""
    if kind in (_LONG_NAME, _LONG_LINK):
        yield (b"path" if kind == _LONG_NAME else b"linkpath"), _required(content.removesuffix(b"\0"))
        return
    try:
        for key, value in pax_records(content):
            if key in _WORDS or key.startswith(_SPARSE):
                yield key, _required(value)
    except ReadError as error:
        raise Unmovable("it has a PAX header that cannot be read") from error


def _required(value: bytes) -> bytes:
    if not value or b"\0" in value:
        raise Unmovable("it has an entry with an empty name in its extended header, or a zero byte in it")
    return value


def _content(tar: BinaryIO, at: int, header: bytes) -> bytes:
    size = _number(header[124:136])
    if size > MOST_EXTENDED_BYTES:
        raise Unmovable(f"it has an extended header of {size} bytes")
    tar.seek(at + BLOCK)
    content = tar.read(_padded(size))
    if len(content) < size:
        raise Unmovable("it is cut in the middle of an extended header")
    if content[size:].strip(b"\0"):
        raise Unmovable("it has an extended header with something behind its end, where some read on")
    return content[:size]


def _number(field: bytes) -> int:
    """Octal, or base 256 where the first bit is set (GNU)."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise Unmovable("it has a header with a negative number, or one beyond any file system")
        return _of_a_file(int.from_bytes(field[1:], "big"))
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise Unmovable("it has a header in which a number is none")
    return int(match[1] or b"0", 8)


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= len(str(MOST_FILE_BYTES)) and int(text) <= MOST_FILE_BYTES


def _of_a_file(number: int) -> int:
    if number > MOST_FILE_BYTES:
        raise Unmovable("it has a header with a negative number, or one beyond any file system")
    return number


def clean(name: bytes) -> bytes:
    """A name without leading slash, ``.`` parts and doubled slashes; raises `Unmovable` for one that climbs."""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise Unmovable(f"it has an entry or link {_shown(name)} that climbs out of its folder")
    return b"/".join(parts)


def _require_zeros(tar: BinaryIO, at: int) -> None:
    tar.seek(at)
    while chunk := tar.read(1 << 20):
        if chunk.strip(b"\0"):
            raise Unmovable("it has something behind its end")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _shown(name: bytes) -> str:
    return repr(name.decode(errors="replace")[:200])
