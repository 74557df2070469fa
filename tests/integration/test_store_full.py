"""The disk of the store really runs full: a small file system of its own is filled in the middle of a round."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.records.model import Round
from experiments.store.store import Store
from experiments.sweep import resume, start
from kit.errors import MachineError, StoreError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.support.small_disk import small_disk

pytestmark = pytest.mark.lab

TASKS = 300
"""So many that a round does not fit into the slack of the file system's last pages."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    with small_disk(tmp_path / "small", 8) as place:
        yield place


def fill(place: Path, *, but_bytes: int = 0) -> Path:
    """Take every byte that is left, or all but some."""
    filler = place / "filler"
    with filler.open("ab", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    os.truncate(filler, filler.stat().st_size - but_bytes)
    return filler


def test_the_round_that_met_a_full_disk_is_kept_and_the_sweep_resumes_after_it(disk: Path) -> None:
    outputs, plan = stack_outputs(), small_plan(task_counts=(TASKS,), blocks=2)

    def during(round_: Round) -> None:
        if round_.index == 1:
            fill(disk)

    path = disk / "store.sqlite"
    with (
        Store(path, write=True) as store,
        pytest.raises(StoreError, match=rf"disk with the store {path} is full .* Make room, then run .*--resume"),
    ):
        start(store, FakeExecutor(outputs, during=during), plan, "lab", outputs, lambda _: None)
    (disk / "filler").unlink()
    with Store(path, write=True) as store:
        assert [record.round.index for record in store.rounds(store.sweep().id)] == [0, 1]
        done = resume(store, FakeExecutor(outputs), store.sweep(), outputs, lambda _: None)
        records = store.rounds(done.id)
    assert [(record.round.index, record.attempt) for record in records] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert {len(record.observation.tasks) for record in records} == {TASKS}
    assert not list(disk.glob("*.reserve"))


@pytest.mark.parametrize(
    ("left_bytes", "said"),
    [(0, r"cannot be claimed: .* No space left on device"), (65536, r"has no room for records: .* MB are needed")],
)
def test_a_sweep_does_not_start_on_a_full_disk(disk: Path, left_bytes: int, said: str) -> None:
    outputs = stack_outputs()
    with Store(disk / "store.sqlite", write=True) as store:
        filler = fill(disk, but_bytes=left_bytes)
        with pytest.raises(MachineError, match=said):
            start(store, FakeExecutor(outputs), small_plan(), "lab", outputs, lambda _: None)
        filler.unlink()
        assert store.sweeps() == []
    assert not list(disk.glob("*.reserve"))
