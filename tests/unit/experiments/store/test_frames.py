from __future__ import annotations

import itertools
import math
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.analysis.cells import in_figures, measured
from experiments.records.columns import COLUMNS
from experiments.records.model import HostLoad, Outcome, RoundRecord
from experiments.report.export import task_rows
from experiments.store import frames
from experiments.store.store import Store
from kit.errors import LabError, StoreError
from tests.contracts.plans import small_plan
from tests.support.made_frames import made
from tests.unit.experiments.conftest import StartSweep

SCRIPT = {0: [Outcome.FAILED], 1: [Outcome.TIMEOUT], 2: [LabError("no registry")], 3: [Outcome.CONTAMINATED]}


def plain(value: object) -> object:
    """A cell of a frame as a Python value; `None` if it is missing."""
    return None if pd.isna(value) else getattr(value, "item", lambda: value)()


@pytest.fixture
def records(store: Store, sweep: StartSweep) -> list[RoundRecord]:
    """A sweep in which much went wrong."""
    return store.rounds(sweep(small_plan(blocks=3), script=SCRIPT).id)


def test_the_tasks_are_those_of_the_records_in_their_order(store: Store, records: list[RoundRecord]) -> None:
    tasks = frames.tasks(store, records[0].sweep_id)
    rows = [{name: plain(value) for name, value in row.items()} for row in tasks.to_dict("records")]
    assert rows == [{name: row[name] for name in COLUMNS} for row in task_rows(records)]


def test_the_rounds_are_those_of_the_records_with_every_attempt(store: Store, records: list[RoundRecord]) -> None:
    rounds = frames.rounds(store, records[0].sweep_id)
    expected = [
        {
            "sweep_id": record.sweep_id,
            "attempt": record.attempt,
            "reason": record.reason,
            **record.round.model_dump(),
            "status": record.status.value,
            **record.observation.model_dump(exclude={"tasks", "load", "requests", "clock"}),
            **record.observation.load.model_dump(),
            **record.observation.requests.model_dump(),
            "clock_offset_ms": None,
            "clock_error_ms": None,
        }
        for record in records
    ]
    assert [{name: plain(value) for name, value in row.items()} for row in rounds.to_dict("records")] == expected


def test_columns_are_typed_whatever_they_hold(store: Store, records: list[RoundRecord]) -> None:
    tasks = frames.tasks(store, records[0].sweep_id)
    empty = frames.tasks(store, "none")
    assert list(empty.columns) == list(COLUMNS)
    assert len(empty) == 0
    for frame in (tasks, empty):
        assert {str(frame[name].dtype) for name in ("created_ns", "block", "round", "task_count")} == {"int64"}
        assert {str(frame[name].dtype) for name in ("ready_ns", "received_bytes", "lazy_layers")} == {"Int64"}
        assert {str(frame[name].dtype) for name in ("boot_seconds", "cpu_pressure")} == {"float64"}
        assert {str(frame[name].dtype) for name in ("variant", "outcome", "round_status")} == {"category"}


def test_frames_that_tests_make_are_typed_as_the_store_s(store: Store, records: list[RoundRecord]) -> None:
    sweep_id = records[0].sweep_id
    sweep = made(small_plan(), lambda *_: 1.0)
    assert sweep.tasks.dtypes.astype("str").to_dict() == frames.tasks(store, sweep_id).dtypes.astype("str").to_dict()
    assert sweep.rounds.dtypes.astype("str").to_dict() == frames.rounds(store, sweep_id).dtypes.astype("str").to_dict()


def test_only_the_wanted_sweep_is_read(store: Store, sweep: StartSweep) -> None:
    first, second = sweep(), sweep(small_plan(blocks=1))
    assert len(frames.tasks(store, first.id)) == 12
    assert set(frames.tasks(store, second.id)["sweep_id"]) == {second.id}
    assert len(frames.rounds(store, second.id)) == 4


def test_what_counts_as_a_measurement_is_the_same_for_frames_and_records(
    store: Store, records: list[RoundRecord]
) -> None:
    tasks = measured(frames.tasks(store, records[0].sweep_id))
    expected = [task.observation.task_id for record in records for task in record.tasks() if in_figures(task)]
    assert list(tasks["task_id"]) == expected
    assert 0 < len(expected) < sum(len(record.tasks()) for record in records)


def test_tasks_that_did_not_boot_have_no_duration(store: Store, records: list[RoundRecord]) -> None:
    tasks = frames.tasks(store, records[0].sweep_id)
    lost = tasks[tasks["outcome"] != "booted"]
    assert len(lost) > 0
    assert all(math.isnan(value) for value in lost["boot_seconds"])


def test_a_load_that_was_not_told_is_missing_and_not_zero(store: Store, sweep: StartSweep) -> None:
    done = sweep(small_plan(blocks=1))
    record = store.rounds(done.id)[0]
    silent = record.model_copy(
        update={
            "attempt": 2,
            "observation": record.observation.model_copy(update={"load": HostLoad(), "tasks": ()}),
        }
    )
    store.add_round(silent)
    assert frames.rounds(store, done.id)["cpu_pressure"].isna().tolist() == [False] * 4 + [True]


def test_chunks_join_into_one_frame(store: Store, records: list[RoundRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = frames.tasks(store, records[0].sweep_id)
    monkeypatch.setattr(frames, "CHUNK_ROWS", 2)
    pd.testing.assert_frame_equal(frames.tasks(store, records[0].sweep_id), whole)


def test_a_column_that_an_older_store_lacks_is_missing_in_every_row(
    store: Store, store_path: Path, records: list[RoundRecord]
) -> None:
    whole = frames.tasks(store, records[0].sweep_id)
    with sqlite3.connect(store_path) as connection:
        connection.execute("ALTER TABLE tasks DROP COLUMN lazy_layers")
    connection.close()
    tasks = frames.tasks(store, records[0].sweep_id)
    assert tasks["lazy_layers"].isna().all()
    assert str(tasks["lazy_layers"].dtype) == "Int64"
    pd.testing.assert_frame_equal(tasks.drop(columns="lazy_layers"), whole.drop(columns="lazy_layers"))


def test_a_round_that_is_committed_while_frames_are_read_does_no_harm(
    store: Store, records: list[RoundRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep writes between the two reads of `tasks`."""
    read, last = frames._read, records[-1]
    times = itertools.count(100)

    def interrupted(*arguments: Any) -> pd.DataFrame:
        frame = read(*arguments)
        attempt = next(times)
        again = [task.model_copy(update={"task_id": f"{task.task_id}/{attempt}"}) for task in last.observation.tasks]
        observation = last.observation.model_copy(update={"tasks": tuple(again)})
        store.add_round(last.model_copy(update={"attempt": attempt, "observation": observation}))
        return frame

    before = frames.tasks(store, last.sweep_id)
    monkeypatch.setattr(frames, "_read", interrupted)
    pd.testing.assert_frame_equal(frames.tasks(store, last.sweep_id), before)


def test_what_sqlite_refuses_is_told_as_the_store_s_error(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be used: no such table: none"), store.cursor() as cursor:
        cursor.execute("SELECT * FROM none")
