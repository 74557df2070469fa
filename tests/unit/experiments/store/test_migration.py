"""A store of version 1 is read as it is; opening it for writing migrates it to the current version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from experiments.records.model import ClockOffset, Requests, RoundRecord, Spent
from experiments.store.schema import ADDED, STORE_SCHEMA, TABLES
from experiments.store.store import APPLICATION_ID, Store
from experiments.store.sweeps import Sweep
from tests.unit.experiments.conftest import StartSweep

SPENT = Spent(
    wire_seconds=2.5,
    unpack_seconds=0.7,
    mount_seconds=0.1,
    span_wait_seconds=0.0,
    cpu_seconds=1.1,
    quota_seconds=0.8,
    containerd_seconds=1.4,
    snapshotter_seconds=0.0,
    started_bytes=316_745_508,
    ready_bytes=316_749_469,
    sample_gap_seconds=0.025,
)


@pytest.fixture
def old(store: Store, sweep: StartSweep, tmp_path: Path) -> tuple[Path, Sweep, list[RoundRecord]]:
    """A store as version 1 wrote it, with the rows of one sweep; that sweep; its records."""
    done = sweep()
    records = store.rounds(done.id)
    path = tmp_path / "old.sqlite"
    added = {(table, name) for columns in ADDED.values() for table, name, _ in columns}
    with sqlite3.connect(path) as connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute("ATTACH ? AS new", (str(store.path),))
        for table in ("sweeps", "rounds", "tasks"):
            names = [row[1] for row in connection.execute(f"PRAGMA new.table_info({table})")]
            kept = ", ".join(name for name in names if (table, name) not in added)
            connection.execute(f"INSERT INTO {table} ({kept}) SELECT {kept} FROM new.{table}")  # noqa: S608
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    return path, done, records


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    number = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return int(number)


def test_an_old_store_is_read_as_it_is(old: tuple[Path, Sweep, list[RoundRecord]]) -> None:
    path, done, records = old
    before = path.read_bytes()
    with Store(path) as reader:
        assert reader.sweep() == done
        assert reader.rounds(done.id) == records
    assert path.read_bytes() == before
    assert version(path) == 1


def test_an_old_store_is_migrated_by_the_first_writer_and_keeps_every_record(
    old: tuple[Path, Sweep, list[RoundRecord]],
) -> None:
    path, done, records = old
    for _ in range(2):
        with Store(path, write=True) as writer:
            assert writer.rounds(done.id) == records
    assert version(path) == STORE_SCHEMA


def test_what_newer_versions_add_comes_back_from_a_migrated_store(old: tuple[Path, Sweep, list[RoundRecord]]) -> None:
    path, done, records = old
    last = records[-1]
    tasks = tuple(
        task.model_copy(update={"task_id": f"new/{task.task_id}", "logged_ns": 5, "stopped_ns": 7, "spent": SPENT})
        for task in last.observation.tasks
    )
    requests = Requests(api_calls=12, api_retries=2, balancer_gets=30, balancer_in_vain=9)
    clock = ClockOffset(offset_ms=-1.5, error_ms=20.0)
    observation = last.observation.model_copy(update={"tasks": tasks, "requests": requests, "clock": clock})
    newer = last.model_copy(update={"attempt": 2, "observation": observation})
    with Store(path, write=True) as writer:
        writer.add_round(newer)
    with Store(path) as reader:
        assert reader.rounds(done.id) == [*records, newer]
