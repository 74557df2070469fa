"""One command at a time boots tasks in this machine's lab: two would measure each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kit import locks
from kit.paths import data_dir


@contextmanager
def alone_in_the_lab() -> Iterator[None]:
    """Hold the lab, whatever stacks and stores others have; raises `StoreError` that names who holds it."""
    folder = data_dir() / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder / "sweep.lock", "This machine's lab"):
        yield
