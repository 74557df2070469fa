"""Which parts of a file are in the kernel's page cache: mincore(2) over a mapping that nothing is read through."""

from __future__ import annotations

import ctypes
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import MachineError

PAGE_BYTES = mmap.PAGESIZE
_ONLY_LOWEST_BIT = bytes(value & 1 for value in range(256))
"""The others are reserved."""
_RUN = re.compile(rb"\x01+")
_MAP_FAILED = ctypes.c_void_p(-1).value


def resident(descriptor: int) -> list[tuple[int, int]]:
    """Start and end in bytes of each run of pages of an open file that is in memory, by place; the last page ends with
    the file. Nothing is read. The file must be the caller's or the caller root: others are told that all is there.
    """
    size = os.fstat(descriptor).st_size
    return [(start, min(end, size)) for start, end in runs(_in_memory(descriptor, size))] if size else []


def runs(pages: bytes) -> Iterator[tuple[int, int]]:
    """Start and end in bytes of each run of pages that are there; a byte for each page, as mincore gives them."""
    for run in _RUN.finditer(pages.translate(_ONLY_LOWEST_BIT)):
        yield run.start() * PAGE_BYTES, run.end() * PAGE_BYTES


@contextmanager
def opened_beneath(folder: Path, path: str) -> Iterator[int]:
    """A file below a folder, opened for reading; no link is followed, so that the path cannot lead out of the folder.

    Raises `OSError` as open(2) does.
    """
    *parents, name = path.split("/")
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        for parent in parents:
            below = os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            os.close(place)
            place = below
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    finally:
        os.close(place)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _in_memory(descriptor: int, size: int) -> bytes:
    libc = _libc()
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address in (None, _MAP_FAILED):
        raise _failed("mapped")
    try:
        pages = ctypes.create_string_buffer(-(-size // PAGE_BYTES))
        if libc.mincore(address, size, pages) != 0:
            raise _failed("asked about")
        return pages.raw
    finally:
        libc.munmap(address, size)


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    whole, size = ctypes.c_void_p, ctypes.c_size_t
    libc.mmap.argtypes = (whole, size, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.mincore.argtypes = (whole, size, ctypes.c_char_p)
    libc.munmap.argtypes = (whole, size)
    return libc


def _failed(what: str) -> MachineError:
    return MachineError(f"A file's pages could not be {what}: {os.strerror(ctypes.get_errno())}.")
