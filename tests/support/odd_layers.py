"""Layers for property tests: files, links, whiteouts, devices, holes and odd names, in any order and dialect of tar."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.support.field_images import Layer, digest_of, noise

NAMES = (
    "a", "b", "b/c", "b/c/d", "b/c/e", "f", "b/.wh.c", "b/.wh..wh..opq", ".wh.f", ".wh.b", ".wh..wh..opq", "b/.wh.g",
    "./b/g", "h", "h/i", "ünïcode", "not-utf8-\udcff\udcfe", "long/" + "x" * 120, "y" * 260, "", ".", "b//j", "k k",
    ".wh..wh.plnk", "l", "l/m",
)  # fmt: skip
"""Few, so that they meet: twice the same name, a link and its target, a whiteout and what it hides."""


@dataclass
class OddTar:
    """A tar under construction in one dialect; ``header`` is a global PAX header."""

    dialect: int = tarfile.PAX_FORMAT
    header: dict[str, str] = field(default_factory=dict)
    _buffer: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self._tar = tarfile.open(  # noqa: SIM115 — closed by `end`
            fileobj=self._buffer, mode="w", format=self.dialect, pax_headers=self.header, errors="surrogateescape"
        )

    def add(self, member: tarfile.TarInfo, content: bytes = b"") -> None:
        member.size = len(content) if member.isreg() else 0
        self._tar.addfile(member, io.BytesIO(content))

    def old_sparse(self, name: str, parts: Sequence[bytes]) -> None:
        """A file with holes as GNU tar writes it without PAX, its map continued in blocks of its own."""
        places = [(number * 8192, part) for number, part in enumerate(parts)]
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.GNUTYPE_SPARSE, 0o644
        member.size = sum(len(part) for _, part in places)
        block = bytearray(member.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape"))[-512:]
        numbers = [b"%011o\0%011o\0" % (at, len(part)) for at, part in places]
        head, rest = numbers[:4], numbers[4:]
        block[386 : 386 + 24 * len(head)] = b"".join(head)
        block[482] = bool(rest)
        block[483:495] = b"%011o\0" % (places[-1][0] + len(places[-1][1]) if places else 0)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        self._put(bytes(block))
        while rest:
            more, rest = rest[:21], rest[21:]
            self._put((b"".join(more).ljust(504, b"\0") + bytes([bool(rest)])).ljust(512, b"\0"))
        content = b"".join(part for _, part in places)
        self._put(content + b"\0" * (-len(content) % 512))

    def end(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()

    def _put(self, raw: bytes) -> None:
        self._tar.fileobj.write(raw)  # type: ignore[union-attr]
        self._tar.offset += len(raw)


class Packed:
    """The tar of a layer; shown by its entries alone.

    No dataclass: hypothesis shows every field of one, whatever its repr, and refuses to show very long arguments.
    """

    def __init__(self, archive: bytes, entries: tuple[tuple[str, str], ...]) -> None:
        self.archive, self.entries = archive, entries

    def __repr__(self) -> str:
        return f"Packed({self.entries})"

    @property
    def layer(self) -> Layer:
        """As a gzip layer."""
        return Layer(gzip.compress(self.archive, 1, mtime=0), digest_of(self.archive))


# Made once: to make a strategy takes as long as to draw from it.
_SIZES = st.sampled_from([0, 1, 511, 512, 5000])
_KINDS = st.sampled_from(
    ["file", "file", "file", "folder", "link", "link", "symlink", "device", "pipe", "old", "sparse"]
)
_PARTS = st.lists(st.integers(1, 9), max_size=30)
_OF_EIGHT = st.integers(0, 7)
_MODES = st.sampled_from([0o644, 0o755, 0o4755, 0o1777, 0])
_OWNERS = st.sampled_from([(0, 0), (1000, 50), (65534, 65534)])
_MTIMES = st.sampled_from([0, 1_700_000_000])
_DEVICES = st.sampled_from([(0, 0), (1, 3)])
_NOTES = st.sampled_from(["plain", "ünï", "x" * 600])
_WHETHER = st.booleans()


@st.composite
def tars(draw: st.DrawFn) -> Packed:
    """The tar of a layer. Most have each name once, else nothing could be moved."""
    dialect = draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]))
    has_header = dialect == tarfile.PAX_FORMAT and draw(st.integers(0, 19)) == 19
    tar = OddTar(dialect, {"comment": "of all"} if has_header else {})
    possible = NAMES if dialect != tarfile.USTAR_FORMAT else [name for name in NAMES if len(name) < 90]
    plain = st.sampled_from([name for name in possible if ".wh." not in name and name])
    pick = st.sampled_from(possible) if draw(st.integers(0, 2)) == 2 else plain
    names = draw(st.lists(pick, min_size=draw(st.integers(0, 6)), max_size=10, unique=draw(st.integers(0, 5)) < 5))
    kinds = [_add(draw, tar, name, names[:at]) for at, name in enumerate(names)]
    return Packed(tar.end(), tuple(zip(names, kinds, strict=True)))


def _add(draw: st.DrawFn, tar: OddTar, name: str, earlier: Sequence[str]) -> str:
    """Add an entry of some kind; gives what it is in words."""
    content = noise(ascii(name), draw(_SIZES))
    kind = draw(_KINDS)
    if kind == "sparse" and tar.dialect == tarfile.GNU_FORMAT and name:
        tar.old_sparse(name, [noise(ascii(name), 100 * size) for size in draw(_PARTS)])
        return "old sparse"
    member = tarfile.TarInfo(name)
    member.type = _TYPES.get(kind, tarfile.REGTYPE)
    if name.rstrip("/").rpartition("/")[2] in ("b", "b/c", "l", "h", "", ".") and draw(_OF_EIGHT) < 7:
        member.type = tarfile.DIRTYPE  # as most names above others are
    member.mode = draw(_MODES)
    member.uid, member.gid = draw(_OWNERS)
    member.mtime = draw(_MTIMES)
    targets = ["a", "b/c/d", "../b", "/b", "nowhere", *earlier, *earlier, *earlier]
    member.linkname = draw(st.sampled_from([it for it in targets if it and len(it) < 90]))
    member.devmajor, member.devminor = draw(_DEVICES)
    if tar.dialect == tarfile.PAX_FORMAT:
        if draw(_WHETHER):
            member.pax_headers = {"SCHILY.xattr.user.note": draw(_NOTES)}
        if draw(_WHETHER):
            member.mtime = 1_700_000_000.123456  # type: ignore[assignment]
        if kind == "sparse" and member.isreg() and name:
            content = _sparse(member, name, content)
    tar.add(member, content)
    return f"{kind} {member.type!r} {member.linkname if member.islnk() or member.issym() else ''}"


_TYPES = {
    "folder": tarfile.DIRTYPE, "link": tarfile.LNKTYPE, "symlink": tarfile.SYMTYPE, "device": tarfile.CHRTYPE,
    "pipe": tarfile.FIFOTYPE, "old": tarfile.AREGTYPE,
}  # fmt: skip


def _sparse(member: tarfile.TarInfo, name: str, content: bytes) -> bytes:
    """Make it a file with one part behind a hole (GNU tar's PAX format 1.0)."""
    table = f"1\n8192\n{len(content)}\n".encode().ljust(512, b"\0")
    words = {"major": "1", "minor": "0", "name": name, "realsize": str(8192 + len(content))}
    member.name = "GNUSparseFile.0/part"
    member.pax_headers = {**member.pax_headers, **{f"GNU.sparse.{key}": value for key, value in words.items()}}
    return table + content
