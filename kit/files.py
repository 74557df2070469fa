"""Folders in a cache that are made once: whole or not at all, by one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path


def made_once(place: Path, make: Callable[[Path], None]) -> Path:
    """``place``, filled by ``make`` unless it is there already; a second process waits for the first.

    ``make`` gets a folder beside it that becomes ``place`` at the end. The folder may hold what an attempt that
    was killed left behind, which ``make`` overwrites or goes on with.
    """
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.with_name(f"{place.name}.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            if not place.is_dir():
                _make(place, make)
    return place


def _make(place: Path, make: Callable[[Path], None]) -> None:
    partial = place.with_name(f"{place.name}.partial")
    partial.mkdir(exist_ok=True)
    make(partial)
    partial.rename(place)
