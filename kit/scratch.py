"""Room for large temporary files, beside the caches and not in /tmp, that a killed process does not leave for ever.

Each folder is locked by its user for as long as it lives; whoever opens the next one removes those without a lock.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from kit.paths import cache_dir

LOCK = "in-use"


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """A new empty folder, removed at the end; ``purpose`` is in its name."""
    parent = cache_dir() / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / LOCK).open("w") as making:
        flock(making, LOCK_EX)  # so that nobody sees a folder between its making and its locking
        _remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent))
        held = (folder / LOCK).open("w")
        flock(held, LOCK_EX)
    room = folder / "room"
    try:
        room.mkdir()
        yield room
    finally:
        shutil.rmtree(folder)
        held.close()


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and not _in_use(folder):
            shutil.rmtree(folder)


def _in_use(folder: Path) -> bool:
    lock = folder / LOCK
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
    return False
