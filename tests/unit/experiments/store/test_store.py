from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from experiments.records.model import Outcome
from experiments.store.store import Store
from kit.errors import MachineError, StoreError
from tests.contracts.plans import small_plan
from tests.unit.experiments.conftest import StartSweep

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


def test_what_was_stored_is_what_is_read(store: Store, sweep: StartSweep) -> None:
    done = sweep(script={0: [Outcome.TIMEOUT]})
    records = store.rounds(done.id)
    with Store(store.path) as reader:
        assert reader.sweep(done.id) == done
        assert reader.rounds(done.id) == records
    assert [record.round for record in records] == list(small_plan().rounds)
    assert {task.outcome for task in records[0].observation.tasks} == {Outcome.TIMEOUT}


def test_commits_are_durable_by_setting(store: Store) -> None:
    connection = store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2, "2 is FULL"


def test_the_latest_sweep_is_the_last_one_started(store: Store, sweep: StartSweep) -> None:
    first, second = sweep(), sweep()
    assert store.sweep().id == second.id != first.id
    assert [each.id for each in store.sweeps()] == [first.id, second.id]


def test_sweeps_of_one_second_never_have_the_same_id(
    store: Store, sweep: StartSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = sweep()
    digits = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: next(digits))
    monkeypatch.setattr("time.time_ns", lambda: 1_800_000_000 * 10**9)
    begun = [store.begin_sweep(done.plan, done.stack, done.key_metadata, done.outputs) for _ in range(2)]
    assert [each.id[-5:] for each in begun] == ["-aaaa", "-bbbb"]


def test_the_order_of_sweeps_survives_a_clock_that_is_set_back(
    store: Store, sweep: StartSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sweep()
    true = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() - 86_400 * 10**9)
    second = sweep()
    assert second.created_ns < first.created_ns
    assert store.sweep().id == second.id
    assert [each.id for each in store.sweeps()] == [first.id, second.id]
    assert all(record.observation.finished_ns >= record.observation.started_ns for record in store.rounds(second.id))


def test_an_unknown_sweep_is_refused_with_those_there_are(store: Store, sweep: StartSweep) -> None:
    done = sweep()
    with pytest.raises(StoreError, match=rf"no sweep 'nope'. The latest are: {done.id}"):
        store.sweep("nope")


def test_a_task_cannot_be_stored_twice(store: Store, sweep: StartSweep) -> None:
    record = store.rounds(sweep().id)[0]
    with pytest.raises(StoreError, match=r"UNIQUE"):
        store.add_round(record.model_copy(update={"attempt": 2}))
    assert len(store.rounds(record.sweep_id)) == 8, "the refused round left something behind"


def test_reading_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no store at .*/none.sqlite yet. `sociometer run`"):
        Store(tmp_path / "none.sqlite")
    assert not list(tmp_path.iterdir())


def test_an_empty_store_says_that_it_holds_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no sweep yet"):
        store.sweep()
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(StoreError, match=r"is empty"):
        Store(tmp_path / "empty.sqlite")


def test_reading_goes_on_while_a_sweep_writes(store: Store, sweep: StartSweep, store_path: Path) -> None:
    counts: list[int] = []

    def read(_: object) -> None:
        with Store(store_path) as reader:
            counts.append(len(reader.rounds(reader.sweep().id)))

    sweep(during=read)
    assert counts == list(range(8))


def test_a_store_of_a_newer_schema_is_refused_with_its_version_and_not_touched(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = store.path.read_bytes()
    for write in (True, False):
        with pytest.raises(StoreError, match=r"schema version 99, but this program reads only up to 4"):
            Store(store.path, write=write)
    assert store.path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    for write in (True, False):
        with pytest.raises(StoreError, match=r"another program's database"):
            Store(path, write=write)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statements", "strange"),
    [
        (f"DROP TABLE reads; CREATE VIEW reads AS {ENDLESS} SELECT x AS document FROM c", "view reads"),  # noqa: S608 - the test writes it
        ("CREATE TRIGGER t AFTER INSERT ON rounds BEGIN DELETE FROM sweeps; END", "trigger t"),
        ("DROP TABLE reads; CREATE VIRTUAL TABLE reads USING fts5(sweep_id, variant, document)", "table reads"),
        ("ALTER TABLE tasks ADD COLUMN g TEXT AS (hex(zeroblob(9)))", "table tasks"),
        ("ALTER TABLE sweeps DROP COLUMN status", "table sweeps"),
        ("DROP TABLE reads", "table reads"),
        ("CREATE INDEX i ON tasks (hex(task_id))", "index i"),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_a_store_whose_schema_is_a_program_is_refused_unread(
    store: Store, sweep: StartSweep, statements: str, strange: str, write: bool
) -> None:
    sweep()
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(statements)
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match=rf"has a {strange}\b.* not as sociometer makes it"):
        Store(store.path, write=write)
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("damage", ["overwritten", "page", "cut"])
def test_a_damaged_store_is_copied_aside_and_refused_and_not_touched(
    store: Store, sweep: StartSweep, damage: str, write: bool
) -> None:
    sweep()
    store.close()
    content = bytearray(store.path.read_bytes())
    damaged = {
        "overwritten": b"not a database at all, but long enough to be one\n" * 100,
        "page": bytes(content[:4096]) + b"\xff" * 8192 + bytes(content[12288:]),
        "cut": bytes(content[: len(content) // 2]),
    }[damage]
    store.path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"is damaged .* copied to"):
            Store(store.path, write=write)
    assert store.path.read_bytes() == damaged
    copies = list(store.path.parent.glob("*.damaged-*"))
    assert [copy.read_bytes() for copy in copies] == [damaged], "the same damage must be copied only once"


def test_a_path_that_cannot_be_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/store.sqlite cannot be used"):
        Store(tmp_path / "file" / "store.sqlite", write=True)


HOLDER = """
import sys
from pathlib import Path
from experiments.store.store import Store
with Store(Path(sys.argv[1]), write=True) as store, store.sweeping(1):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_second_sweep_on_a_store_is_refused_naming_the_first_and_sigkill_frees_it(store_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            Store(store_path, write=True) as store,
            pytest.raises(StoreError, match=rf"in use by process {holder.pid} since 2"),
            store.sweeping(1),
        ):
            pytest.fail("two sweeps ran at once")
        holder.kill()
        holder.wait()
        with Store(store_path, write=True) as store, store.sweeping(1):
            assert f"process {os.getpid()} " in store_path.with_name("store.sqlite.lock").read_text()


def test_the_reserve_is_given_back_after_a_sweep(store: Store, sweep: StartSweep) -> None:
    sweep()
    assert not list(store.path.parent.glob("*.reserve"))


def test_a_store_without_room_for_records_is_refused_before_the_sweep(store: Store) -> None:
    with pytest.raises(MachineError, match=r"has no room for records: .* MB are needed"), store.sweeping(10**12):
        pytest.fail("there cannot be room for that many tasks")
    assert not list(store.path.parent.glob("*.reserve"))


def test_a_file_that_is_no_store_is_refused_and_nothing_is_made_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/bash\n" * 20)
    with pytest.raises(StoreError, match=r"passwd is no record store"):
        Store(path, write=False)
    assert list(tmp_path.iterdir()) == [path]
