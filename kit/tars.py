"""Tars that anybody may have made, read with Python's tarfile: sizes are looked at before anything is read by them.

tarfile believes a header: it reads an extended one of any declared size into memory, goes backwards for a negative
size, and lets through whatever Python raises for numbers that are none.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any, cast

from kit import expansion

MOST_EXTENDED_BYTES = 1 << 20
"""Of one extended header: longer ones hold something else than names, and Go refuses them too."""
MOST_EXTENDED = 64
"""Extended headers in a row, before one entry; writers make two."""
BROKEN = (
    OSError, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error,
    ValueError, OverflowError, LookupError, MemoryError, RecursionError,
)  # fmt: skip
"""What Python's readers raise for a file that is cut or damaged, or lies; compressed or not."""
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
        return cast(tarfile.TarInfo, cast(Any, super())._proc_member(tar))


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
