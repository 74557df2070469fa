"""Room that is kept on the data's disk while it is filled, and given back."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from kit import full_disk
from kit.errors import MachineError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "new" / "data"))
    return tmp_path / "new" / "data"


def test_room_is_taken_in_a_folder_that_is_new_and_given_back(data: Path) -> None:
    with full_disk.reserve():
        held = [file for file in Path("/proc/self/fd").iterdir() if file.exists()]
        kept = [file.stat() for file in held if str(data) in str(file.readlink())]
        assert [status.st_blocks * 512 >= full_disk.RESERVE_BYTES for status in kept] == [True]
        assert list(data.iterdir()) == [], "a file that has no name goes with its process"
    assert list(data.iterdir()) == []


def test_without_room_the_block_is_not_begun(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_count: int) -> bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    data.mkdir(parents=True)
    free = shutil.disk_usage(data)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free._replace(free=0) if place == data else free)
    monkeypatch.setattr(os, "urandom", full)
    with pytest.raises(MachineError, match=f"The disk with {data} was full"), full_disk.reserve():
        pytest.fail("begun without room")
