"""Advisory locks on files, which the kernel frees when their holder dies, however it dies.

The file stays after its lock is freed: removing it could take it away under a process that just opened it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from io import FileIO
from pathlib import Path

from kit.errors import MachineError, StoreError


@contextmanager
def turn(path: Path, waiting: Callable[[], AbstractContextManager[object]] = nullcontext) -> Iterator[None]:
    """Hold the lock at ``path``; while another process holds it, wait inside the block of ``waiting``."""
    with path.open("w") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            with waiting():
                flock(file, LOCK_EX)
        yield


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at ``path`` now."""
    if not path.exists():
        return False
    with path.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at ``path``; raises `StoreError` that names the holder (process and since when) when it is taken,
    `MachineError` when there is no room for it or it may not be written.
    """
    with _opened(path, what) as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{what} is in use by {_holder(path)}. Wait for it, or end it with Ctrl-C.") from error
        _sign(file, path, what)
        yield


def _opened(path: Path, what: str) -> FileIO:
    """Without a buffer: what does not fit on the disk fails where it is written, and not again where it is closed."""
    try:
        return path.open("a+b", buffering=0)
    except OSError as error:
        raise _unusable(path, what, error) from error


def _sign(file: FileIO, path: Path, what: str) -> None:
    """Say who holds it."""
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
    except OSError as error:
        raise _unusable(path, what, error) from error


def _unusable(path: Path, what: str, error: OSError) -> MachineError:
    return MachineError(
        f"{what} cannot be claimed: {path}: {error.strerror}. Make room, or choose another place with --store."
    )


def _holder(path: Path) -> str:
    return path.read_text().strip() or "another process"
