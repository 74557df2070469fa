"""Room for large temporary files, beside the caches and not in /tmp, that does not stay for ever after a kill.

Each folder is locked by its user for as long as it lives; whoever opens the next one removes those without a lock.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kit import locks
from kit.paths import cache_dir

LOCK = "in-use"


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """A new empty folder, removed at the end; ``purpose`` is in its name."""
    parent = cache_dir() / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with locks.turn(parent / LOCK):  # so that nobody sees a folder between its making and its locking
            _remove_abandoned(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent))
            held.enter_context(locks.turn(folder / LOCK))
        room = folder / "room"
        try:
            room.mkdir()
            yield room
        finally:
            shutil.rmtree(folder)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and not locks.is_held(folder / LOCK):
            shutil.rmtree(folder)
