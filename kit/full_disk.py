"""Finds a full disk behind what failed: tools tell of it in many lines, in other words, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import CommandError, ImageError, MachineError, SociometerError
from kit.paths import cache_dir, data_dir

NO_ROOM = "no space left on device"
FULL_BYTES = 1 << 20
"""With less than this a disk is full for everything that is made here."""
RESERVE_BYTES = 8 << 20
"""A stack's state, as written anew, as it was before, and in the history, takes a fraction of this."""
_PLACES = ((data_dir, "SOCIOMETER_DATA"), (cache_dir, "SOCIOMETER_CACHE"))


def behind(error: BaseException) -> MachineError | None:
    """The error to raise instead if a disk of ours is full, or the error's own words say that one was."""
    if isinstance(error, OSError):
        says_so = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not says_so:
            return None
    elif isinstance(error, CommandError | ImageError):
        says_so = NO_ROOM in str(error).lower()
    else:
        return None
    free_bytes, place, setting = min((_free(each()), str(each()), setting) for each, setting in _PLACES)
    if not says_so and free_bytes > FULL_BYTES:
        return None
    now = "" if free_bytes <= FULL_BYTES else f" ({free_bytes >> 20} MiB are free again)"
    return MachineError(f"The disk with {place} was full{now}. Make room, or move it with {setting}, and try again.")


@contextmanager
def named() -> Iterator[None]:
    """What fails in the block because a disk is full, is a `MachineError` that names the place."""
    try:
        yield
    except (SociometerError, OSError) as error:
        if full := behind(error):
            raise full from error
        raise


def _free(place: Path) -> int:
    try:
        return shutil.disk_usage(place).free
    except FileNotFoundError:  # nothing of ours lies there yet
        return 1 << 62


@contextmanager
def reserve() -> Iterator[None]:
    """Keep room on the data's disk for what is written after the block, however full the block makes it.

    Its file has no name, so that it goes with this process in any case. Raises `MachineError` where there is no room.
    """
    data_dir().mkdir(parents=True, exist_ok=True)  # where the state lies elsewhere, nothing of ours may be here yet
    with tempfile.TemporaryFile(dir=data_dir()) as held:
        with named():
            held.write(os.urandom(RESERVE_BYTES))  # zeros would take no room on some file systems
            held.flush()
        yield


def demand_room(folder: Path) -> None:
    """Raise `MachineError` where a disk has too little room to write a stack's state."""
    if (free_bytes := _free(folder)) < RESERVE_BYTES:
        raise MachineError(
            f"The disk with {folder} is full: {free_bytes >> 20} MiB are free, {RESERVE_BYTES >> 20} MiB are needed. "
            "Make room, and try again."
        )
