"""Tars that anybody may have made, read with Python's tarfile: sizes are looked at before anything is read by them.

tarfile believes a header: it reads an extended one of any declared size into memory, and on into the padding; looks
through it in quadratic time (CVE-2024-6232, in Python up to 3.11.9); goes backwards for a negative size; keeps maps of
holes without end; and lets through whatever Python raises for numbers that are none.
"""

from __future__ import annotations

import lzma
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from kit import expansion

MOST_EXTENDED_BYTES = 1 << 20
"""Of one extended header: longer ones hold something else than names, and Go refuses them too."""
MOST_DIGITS = 255
"""In a row in a PAX header, as in the longest name of a file: tarfile's search takes time by their square."""
MOST_MAP_BYTES = 4 << 20
"""Of a sparse file's map, which tarfile keeps as objects: some 200,000 parts."""
BROKEN = (
    OSError, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error,
    ValueError, OverflowError, LookupError, MemoryError, RecursionError,
)  # fmt: skip
"""What Python's readers raise for a file that is cut or damaged, or lies; compressed or not."""
_RECORD = re.compile(rb"([0-9]{1,7}) ([^=]+)=", re.DOTALL)
_DIGITS = re.compile(rb"[0-9]+")
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Member(tarfile.TarInfo):
    """An entry whose header is looked at before tarfile acts on it; ``most`` is the size that it may claim, for tarfile
    goes to the end of it in steps, also where there is nothing."""

    most = 1 << 50

    def require_credible(self) -> None:
        """Raise `tarfile.ReadError` for a size that cannot be."""
        if not 0 <= self.size <= (MOST_EXTENDED_BYTES if self.type in _EXTENDED else self.most):
            raise tarfile.ReadError(f"{self.name[:100]!r} claims {self.size} bytes")

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self.require_credible()
        found = cast(tarfile.TarInfo, cast(Any, super())._proc_member(tar))
        stored = tar.offset - found.offset_data  # an extended header may have said another size
        if found.size < 0 or not 0 <= stored <= self.most + tarfile.BLOCKSIZE:
            raise tarfile.ReadError(f"{found.name[:100]!r} claims {found.size} bytes, {stored} of them stored")
        return found

    def _proc_pax(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        content = self._content(tar)
        for _ in pax_records(content):
            pass
        if max(map(len, _DIGITS.findall(content)), default=0) > MOST_DIGITS:
            raise tarfile.ReadError(f"a PAX header has more than {MOST_DIGITS} digits in a row")
        with _reading(tar, _Again(tar.fileobj, content)):
            return cast(tarfile.TarInfo, cast(Any, super())._proc_pax(tar))

    def _proc_gnulong(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        with _reading(tar, _Again(tar.fileobj, self._content(tar))):
            return cast(tarfile.TarInfo, cast(Any, super())._proc_gnulong(tar))

    def _proc_sparse(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        with _reading(tar, _Bounded(tar.fileobj, MOST_MAP_BYTES)):
            return cast(tarfile.TarInfo, cast(Any, super())._proc_sparse(tar))

    def _proc_gnusparse_10(self, following: tarfile.TarInfo, words: dict[str, str], tar: tarfile.TarFile) -> None:
        with _reading(tar, _Bounded(tar.fileobj, MOST_MAP_BYTES)):
            cast(Any, super())._proc_gnusparse_10(following, words, tar)

    def _content(self, tar: tarfile.TarFile) -> bytes:
        """What an extended header holds, without the padding of its last block."""
        content = cast(Any, tar.fileobj).read(-(-self.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE)
        if len(content) < self.size:
            raise tarfile.ReadError("it ends in the middle of an extended header")
        return cast(bytes, content[: self.size])


class _Again:
    """A tar's file that gives first what was read from it already."""

    def __init__(self, file: Any, content: bytes) -> None:
        self._file, self._content = file, content

    def read(self, size: int) -> bytes:
        content, self._content = self._content, b""
        return content or cast(bytes, self._file.read(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Bounded(_Again):
    """A tar's file of which only so much may be read."""

    def __init__(self, file: Any, most_bytes: int) -> None:
        super().__init__(file, b"")
        self._left = most_bytes

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise tarfile.ReadError(f"the map of a sparse file has more than {MOST_MAP_BYTES} bytes")
        return super().read(size)


@contextmanager
def _reading(tar: tarfile.TarFile, file: Any) -> Iterator[None]:
    """Let tarfile read from another file while the block lasts."""
    before, tar.fileobj = tar.fileobj, file
    try:
        yield
    finally:
        tar.fileobj = before


def pax_records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each record of a PAX header; raises `tarfile.ReadError` where Go refuses them (`strconv.go`)."""
    at = 0
    while at < len(content):
        found = _RECORD.match(content, at)
        end = at + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(content) or content[end - 1 : end] != b"\n":
            raise tarfile.ReadError("a PAX header has a record that cannot be read")
        yield found[2], content[found.end() : end - 1]
        at = end


def members(tar: tarfile.TarFile, stored_bytes: int, most: int) -> Iterator[tarfile.TarInfo]:
    """The entries of a tar of that many stored bytes, one after the other; raises one of `BROKEN`, also for more than
    ``most`` of them, or content that unpacks to more than it may."""
    for number, member in enumerate(tar, start=1):
        if number > most:
            raise tarfile.ReadError(f"it has more than {most} entries")
        if member.size < 0 or tar.offset > expansion.most_bytes(stored_bytes):
            raise tarfile.ReadError(
                f"its {stored_bytes} bytes unpack to more than {expansion.most_bytes(stored_bytes)}"
            )
        yield member
