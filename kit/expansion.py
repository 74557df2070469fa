"""How far something compressed may unpack: a small file can stand for more bytes than any disk has room for."""

from __future__ import annotations

from typing import Protocol

MOST_TIMES = 100
"""Bytes for each that is stored. Layers of real images have two to ten; zeros alone have a thousand with gzip."""
ALWAYS_BYTES = 4 << 30
"""So much is always allowed: it costs seconds, and a file of zeros in a real image is no attack."""


class TooLarge(ValueError):
    """Something unpacks to more than it may."""


def most_bytes(stored_bytes: int) -> int:
    """What so many stored bytes may become."""
    return max(ALWAYS_BYTES, MOST_TIMES * stored_bytes)


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, none at the end."""


class Bounded:
    """A stream that may only give so much; raises `TooLarge` when it has more."""

    def __init__(self, stream: Readable, stored_bytes: int) -> None:
        self._stream, self._stored = stream, stored_bytes
        self._left = most_bytes(stored_bytes)

    def read(self, size: int = -1) -> bytes:
        """As the stream's own."""
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge(f"its {self._stored} bytes unpack to more than {most_bytes(self._stored)}")
        return chunk
