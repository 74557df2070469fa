"""Advisory locks on files, which the kernel frees when their holder dies, however it dies.

The file stays after its lock is freed: removing it could take it away under a process that just opened it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from io import FileIO
from pathlib import Path

from kit.errors import MachineError, StoreError

TURN_SECONDS = 3600.0
"""The longest wait for another process, which may be building or downloading something large."""
POLL_SECONDS = 0.05


@contextmanager
def turn(
    path: Path,
    waiting: Callable[[str], AbstractContextManager[object]] = nullcontext,
    seconds: float = TURN_SECONDS,
) -> Iterator[None]:
    """Hold the lock at ``path``; while another process holds it, wait inside the block of ``waiting``, which is told
    who that is. Raises `MachineError` that names the holder when it does not end.
    """
    with path.open("a+b", buffering=0) as file:
        if not _taken(file):
            holder = _holder(path)
            with waiting(holder):
                _wait(file, path, holder, seconds)
        with suppress(OSError):  # a full disk hides the name of the holder, and stops nobody
            _sign(file)
        yield


def _wait(file: FileIO, path: Path, holder: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not _taken(file):
        if time.monotonic() > until:
            raise MachineError(f"{path} is held by {holder}, and was not freed within {seconds:g} s. End that process.")
        time.sleep(POLL_SECONDS)


def _taken(file: FileIO) -> bool:
    """Take the lock if it is free; whether it is ours now."""
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at ``path`` now."""
    if not path.exists():
        return False
    with path.open("rb", buffering=0) as file:
        return not _taken(file)


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at ``path``; raises `StoreError` that names the holder (process and since when) when it is taken,
    `MachineError` when there is no room for it or it may not be written.
    """
    with _opened(path, what) as file:
        if not _taken(file):
            raise StoreError(f"{what} is in use by {_holder(path)}. Wait for it, or end it with Ctrl-C.")
        try:
            _sign(file)
        except OSError as error:
            raise _unusable(path, what, error) from error
        yield


def _opened(path: Path, what: str) -> FileIO:
    """Without a buffer: what does not fit on the disk fails where it is written, and not again where it is closed."""
    try:
        return path.open("a+b", buffering=0)
    except OSError as error:
        raise _unusable(path, what, error) from error


def _sign(file: FileIO) -> None:
    """Say who holds it."""
    file.truncate(0)
    file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())


def _unusable(path: Path, what: str, error: OSError) -> MachineError:
    return MachineError(
        f"{what} cannot be claimed: {path}: {error.strerror}. Make room, or choose another place with --store."
    )


def _holder(path: Path) -> str:
    return path.read_text(errors="replace").strip() or "another process"
