"""Folders in a cache that are made once: whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from kit import locks
from kit.errors import SociometerError


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
    """Put a whole file in its place at once: a reader, or a kill, never meets half of it."""
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise SociometerError(f"{path} cannot be written: {error.strerror or error}.") from error
