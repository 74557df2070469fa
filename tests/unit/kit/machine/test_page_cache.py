"""What of a file is in memory, and that looking for it leads nowhere else."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.machine.page_cache import PAGE_BYTES, opened_beneath, resident, runs


def test_a_file_that_was_just_written_is_in_memory_and_its_last_page_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * (3 * PAGE_BYTES + 10))
    with file.open("rb") as opened:
        assert resident(opened.fileno()) == [(0, 3 * PAGE_BYTES + 10)]


def test_only_what_was_asked_for_is_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * (64 * PAGE_BYTES))
    with file.open("rb", buffering=0) as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no reading ahead
        if resident(opened.fileno()):
            pytest.skip("this file system keeps its files in memory")
        os.pread(opened.fileno(), 10, 5 * PAGE_BYTES)
        assert resident(opened.fileno()) == [(5 * PAGE_BYTES, 6 * PAGE_BYTES)]


def test_an_empty_file_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with opened_beneath(tmp_path, "empty") as descriptor:
        assert resident(descriptor) == []


@given(st.binary(max_size=60))
def test_runs_are_the_pages_whose_lowest_bit_is_set(pages: bytes) -> None:
    found = list(runs(pages))
    covered = {page for start, end in found for page in range(start // PAGE_BYTES, end // PAGE_BYTES)}
    assert covered == {number for number, value in enumerate(pages) if value & 1}
    assert all(one[1] < other[0] for one, other in pairwise(found))


def test_no_link_is_followed_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep/file").write_text("y")
    (inside / "folder").symlink_to(tmp_path)
    (inside / "file").symlink_to(tmp_path / "secret")
    with opened_beneath(inside, "deep/file") as descriptor:
        assert os.read(descriptor, 5) == b"y"
    for path in ("folder/secret", "file", "absent", "deep/absent"):
        with pytest.raises(OSError), opened_beneath(inside, path):
            pass
