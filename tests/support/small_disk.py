"""A file system of its own that is soon full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.command import run

SECONDS = 10.0


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Mount one at ``place``, in memory, as long as the block lasts."""
    place.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], timeout_seconds=SECONDS)
    try:
        yield place
    finally:
        run(["umount", place], timeout_seconds=SECONDS)
