"""A layer's bytes in and out: decompressed once into a file, and compressed the same way everywhere.

zlib-ng is deflate at twice the speed of zlib, of nearly the same size. Its output depends on its version, which
`uv.lock` pins, and not on the processor: since 2.2 no processor has a hash function of its own (zlib-ng pull request
1681). The gzip header is ours, because zlib writes the operating system into it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, cast

from zlib_ng import gzip_ng, zlib_ng

from kit.errors import ImageError
from kit.expansion import Bounded, TooLarge

CHUNK = 1 << 20
LEVEL = 6
AT_ONCE = 2
PACKED_TOGETHER = 1 << 20
_WINDOW = 32 << 10
_RAW_DEFLATE = -15
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""No name, no time, unknown operating system (RFC 1952)."""
_DAMAGED = (gzip.BadGzipFile, zlib.error, cast(type[Exception], zlib_ng.error), EOFError, TooLarge)


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, content: bytes, /) -> object:
        """Take all of them."""


class Sha256Writer:
    """Writes bytes on and keeps their digest and number."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, content: bytes, /) -> None:
        """Write all of it."""
        self._sink.write(content)
        self._hash.update(content)
        self.size_bytes += len(content)

    @property
    def digest(self) -> str:
        """Of what was written so far."""
        return f"sha256:{self._hash.hexdigest()}"


class GzipWriter:
    """Compresses what is written to it, always into the same bytes; for as long as its block lasts.

    One deflate stream of blocks that are compressed beside each other, each with the end of the one before as its
    dictionary, as pigz does it (pigz's `pigz.c`). The bytes do not depend on how many are worked on at once.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._waiting = bytearray()
        self._before = b""
        self._packed: deque[Future[bytes]] = deque()
        self._checksum, self._size_bytes = 0, 0

    def __enter__(self) -> GzipWriter:
        self._sink.write(_GZIP_HEADER)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._pool:
            if kind is None:
                self._finish()

    def write(self, content: bytes, /) -> None:
        """Take more content."""
        self._checksum = zlib_ng.crc32(content, self._checksum)
        self._size_bytes += len(content)
        self._waiting += content
        while len(self._waiting) > PACKED_TOGETHER:
            self._pack(bytes(self._waiting[:PACKED_TOGETHER]), zlib_ng.Z_SYNC_FLUSH)
            del self._waiting[:PACKED_TOGETHER]

    def _pack(self, block: bytes, flush: int) -> None:
        self._packed.append(self._pool.submit(_deflated, block, self._before, flush))
        self._before = block[-_WINDOW:]
        if len(self._packed) > 2 * AT_ONCE:
            self._sink.write(self._packed.popleft().result())

    def _finish(self) -> None:
        """Write what is left, checksum and length."""
        self._pack(bytes(self._waiting), zlib_ng.Z_FINISH)
        for packed in self._packed:
            self._sink.write(packed.result())
        for number in (self._checksum, self._size_bytes):
            self._sink.write((number & 0xFFFFFFFF).to_bytes(4, "little"))


def _deflated(block: bytes, before: bytes, flush: int) -> bytes:
    packer = zlib_ng.compressobj(LEVEL, wbits=_RAW_DEFLATE, zdict=before)
    return packer.compress(block) + packer.flush(flush)


@contextmanager
def opened(blob: Path, media_type: str) -> Iterator[BinaryIO]:
    """A layer's tar, decompressed while it is read. Raises `ImageError` for a kind that nobody reads, or damage."""
    try:
        with _stream(blob, media_type) as stream:
            yield cast(BinaryIO, Bounded(stream, blob.stat().st_size))
    except _DAMAGED as error:
        raise ImageError(f"Layer {blob.name} is cut or corrupt: {error}.") from error


def unpack(blob: Path, media_type: str, file: IO[bytes]) -> str:
    """Write a layer's tar into ``file``; gives its digest, the layer's diff id."""
    sink = Sha256Writer(file)
    with opened(blob, media_type) as stream:
        while chunk := stream.read(CHUNK):
            sink.write(chunk)
    file.flush()
    return sink.digest


def _stream(blob: Path, media_type: str) -> BinaryIO:
    if media_type.endswith("gzip"):
        return cast(BinaryIO, cast(Any, gzip_ng).GzipNGFile(blob, "rb"))
    if media_type.endswith("zstd"):
        import pyarrow  # slow to import, and few images have such layers

        return cast(BinaryIO, _Closing(pyarrow.input_stream(str(blob), compression="zstd")))
    if media_type.endswith("tar"):
        return blob.open("rb")
    raise ImageError(f"Layer {blob.name} is of kind {media_type}, which nothing here unpacks.")


class _Closing(io.RawIOBase):
    """pyarrow's stream as one of Python's."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            if error.errno is None:  # of the decompressor, and not of the file
                raise EOFError(str(error)) from error
            raise

    def close(self) -> None:
        self._stream.close()
        super().close()
