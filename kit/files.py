"""Files and folders that are there whole or not at all, and folders of a cache that one process makes at a time."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from kit import locks
from kit.errors import SociometerError


def check_can_be_made(place: Path) -> None:
    """Raise `SociometerError` unless a file or folder can be made at ``place``, with the folders that lead to it.

    For what is written at the end of a long command: asked at its beginning.
    """
    there = next(parent for parent in (place, *place.absolute().parents) if parent.exists())
    if there != place and not there.is_dir():
        raise SociometerError(f"{place} cannot be made: {there} is no folder.")
    if not os.access(there, os.W_OK):
        raise SociometerError(f"{place} cannot be written: {os.strerror(errno.EACCES)}.")


def private_folder(place: Path) -> Path:
    """``place``, made where it is not there, into which nobody else may look: what opens something may lie in it."""
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    return place


def write_private(path: Path, text: str) -> None:
    """Make a file that only its owner can read, and never was for anybody else; one that is there is an error."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def made_once(place: Path, make: Callable[[Path], None]) -> Path:
    """``place``, filled by ``make`` unless it is there already; a second process waits for the first.

    ``make`` gets a folder beside it that becomes ``place`` at the end. The folder may hold what an attempt that
    was killed left behind, which ``make`` overwrites or goes on with.
    """
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with locks.turn(place.with_name(f"{place.name}.lock")):
            if not place.is_dir():
                _make(place, make)
    return place


def _make(place: Path, make: Callable[[Path], None]) -> None:
    partial = place.with_name(f"{place.name}.partial")
    partial.mkdir(exist_ok=True)
    make(partial)
    partial.rename(place)


def write(path: Path, content: str | bytes) -> None:
    """Put a whole file in its place at once: a reader, or a kill, never meets half of it.

    A device or pipe, such as ``/dev/stdout``, is written to and never replaced; a link stays one. Others may read it,
    unless the process's umask says that they may not, and nobody else may write it.
    """
    temporary: Path | None = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            return
        path = path.resolve()
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise SociometerError(f"{path} cannot be written: {error.strerror or error}.") from error
