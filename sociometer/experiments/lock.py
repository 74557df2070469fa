"""One sweep at a time per store: an advisory lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sociometer.errors import StoreError


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at ``path``; raises `StoreError` that names the holder (process and since when) when it is taken.

    The file stays after the lock is freed: removing it could take it away under a process that just opened it.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{what} is in use by {_holder(path)}. Wait for it, or end it with Ctrl-C.") from error
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield


def _holder(path: Path) -> str:
    return path.read_text().strip() or "another process"
