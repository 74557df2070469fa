"""Locks take turns, tell whether they are held, and name their holder."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit import locks
from kit.errors import MachineError, StoreError


def test_whoever_comes_second_waits_and_says_so(tmp_path: Path) -> None:
    path, waiting = tmp_path / "lock", threading.Event()
    order: list[str] = []
    told: list[str] = []

    @contextmanager
    def telling(holder: str) -> Iterator[None]:
        told.append(holder)
        waiting.set()
        yield

    def second() -> None:
        with locks.turn(path, telling):
            order.append("second")

    with locks.turn(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert re.fullmatch(rf"process {os.getpid()} since .* UTC", told[0])


def test_a_wait_for_a_lock_has_an_end_that_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locks.turn(path),
        pytest.raises(MachineError, match=rf"lock is held by process {os.getpid()} .* not freed within 0\.1 s"),
        locks.turn(path, seconds=0.1),
    ):
        pass


def test_a_lock_is_held_until_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_held(path)
    with locks.turn(path):
        assert locks.is_held(path)
    assert not locks.is_held(path)


def test_a_taken_claim_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locks.exclusive(path, "The store"),
        pytest.raises(StoreError, match=r"The store is in use by process \d+ since .* UTC"),
        locks.exclusive(path, "The store"),
    ):
        pass
