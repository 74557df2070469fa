"""Handles a store that is damaged, out of reach or on a full disk: nothing is overwritten, and the path is named."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from kit.documents import Unreadable
from kit.errors import MachineError, StoreError
from kit.values import first_fault

RESERVE_BYTES = 1 << 20
RESERVE_BYTES_PER_TASK = 2048
"""A task takes about 500 bytes in the write-ahead log, but pages are written whole and may be written twice."""

HEADER = b"SQLite format 3\0"
_SUFFIX = ".sqlite"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn errors about the store at ``path`` and values in it into `StoreError`; copy a damaged file aside first."""
    try:
        yield
    except (ValidationError, Unreadable) as error:
        fault = first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise StoreError(
            f"The store {path} holds what this version of sociometer never writes ({' '.join(fault.split())}). "
            "Nothing was changed. Use the version that wrote it, or choose another place with --store."
        ) from error
    except UnicodeDecodeError as error:  # Python cannot even read what SQLite complains of
        raise StoreError(damaged(path, "its schema is no text")) from error
    except sqlite3.Error as error:
        if _code(error) in _DAMAGED:
            raise StoreError(damaged(path, str(error))) from error
        if is_full(error):
            raise StoreError(
                f"The disk with the store {path} is full ({error}). Every finished round is kept. Make room, "
                "then run `sociometer sweep --resume last`."
            ) from error
        raise StoreError(f"The store {path} cannot be used: {error}.") from error
    except OSError as error:
        raise StoreError(f"The store {path} cannot be used: {error.strerror or error}.") from error


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk is full; some file systems report this as an input/output error."""
    return _code(error) in _NO_ROOM


def damaged(path: Path, reason: str) -> str:
    """Copy a damaged store aside and return a one-line message. The same damage is copied only once.

    What neither begins nor is named as a store is another file, given by mistake: it is left where it is.
    """
    with path.open("rb") as file:
        if path.suffix != _SUFFIX and file.read(len(HEADER)) != HEADER:
            return f"{path} is no record store. Give one that `sociometer run` or `sweep` made, or another place."
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    copy = path.with_name(f"{path.name}.damaged-{digest[:12]}")
    if not copy.exists():
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            shutil.copy2(log, f"{copy}-wal")
        shutil.copy2(path, copy)
    return (
        f"The store {path} is damaged ({' '.join(reason.split())}). It was copied to {copy} and will not be "
        "written to again. Move it away to start a new store."
    )


class Reserve:
    """Disk space reserved for the last commit, so that a round is not lost if the disk fills up during it."""

    def __init__(self, store: Path, task_count: int) -> None:
        self._path = store.with_name(f"{store.name}.reserve")
        self._bytes = RESERVE_BYTES + RESERVE_BYTES_PER_TASK * task_count

    def take(self) -> None:
        """Allocate the reserve; raise `MachineError` if there is no room for it."""
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._bytes)
        except OSError as error:
            self.free()
            raise MachineError(
                f"{self._path.parent} has no room for records: {self._bytes / 1e6:.1f} MB are needed "
                f"({error.strerror}). Make room, or choose another place with --store."
            ) from error

    def free(self) -> None:
        """Release the space; harmless if it was released before."""
        self._path.unlink(missing_ok=True)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; errors of Python's own wrapper have none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF
