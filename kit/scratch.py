"""Room for large temporary files, beside the caches and not in /tmp, that does not stay for ever after a kill.

Each folder is locked by its user for as long as it lives; whoever opens the next one removes those without a lock.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kit import full_disk, interrupts, locks
from kit.paths import cache_dir

LOCK = "in-use"
SHORT = 88
"""Characters of a folder for sockets: of a socket's whole path containerd takes at most 104, and Linux 107."""


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new empty folder of mode 0700, removed at the end; Ctrl-C between its making and the block removes it, too.

    ``parent`` is the machine's folder for temporary files where none is given. The block may rename the folder away.
    """
    with ExitStack() as made:
        with interrupts.held():
            folder = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
            made.enter_context(folder)
        yield Path(folder.name)


@contextmanager
def socket_folder(room: Path) -> Iterator[Path]:
    """``room`` itself, for sockets; where its path is too long for them, a new `temporary_folder` in /tmp."""
    if len(str(room)) <= SHORT:
        yield room
    else:
        with temporary_folder("sociometer-", Path("/tmp")) as folder:  # noqa: S108 - of mode 0700
            yield folder


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """A new empty folder, removed at the end; ``purpose`` is in its name.

    What fails in the block because a disk is full, is a `MachineError` that names the place.
    """
    parent = cache_dir() / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with locks.turn(parent / LOCK):  # so that nobody sees a folder between its making and its locking
            _remove_abandoned(parent)
            with interrupts.held():
                folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent))
                held.enter_context(locks.turn(folder / LOCK))
                held.callback(shutil.rmtree, folder)
        room = folder / "room"
        room.mkdir()
        with full_disk.named():
            yield room


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and not locks.is_held(folder / LOCK):
            shutil.rmtree(folder)
