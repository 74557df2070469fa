"""Records as data frames: one row per task, or one per attempt at a round, read from the store without a value each.

Faces the statistics, reports, exports and notebooks. A million records would be a million checked values of some
kilobytes in `Store.rounds`; here SQLite's rows become typed columns chunk by chunk. Whole numbers that may be missing
are `Int64`, durations and shares `float64` (missing: NaN), texts from a few values `category`.
`columns` says what each column is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from experiments.records import columns
from experiments.records.columns import COLUMNS, EXTRAS, LOAD, PLACE
from experiments.records.model import Outcome, Requests, TaskTimes
from experiments.records.origin import NOT_MEASURED, target_of
from experiments.records.phases import BOUNDS, NS_PER_SECOND, PHASES
from experiments.store.store import Store

CHUNK_ROWS = 20_000
"""Rows that are Python objects at the same time."""
ROUND_COLUMNS = tuple(column.name for column in columns.ROUNDS)

_CATEGORY = pa.dictionary(pa.int32(), pa.string())
_ROUNDS = pa.schema(
    [
        *(pa.field(name, pa.int64(), nullable=False) for name in ("id", "position", "attempt", "block", "task_count")),
        *(pa.field(name, _CATEGORY) for name in ("sweep_id", "variant", "form", "status")),
        pa.field("reason", pa.string()),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("started_ns", "finished_ns")),
        *(pa.field(name, pa.float64()) for name in ("prepare_seconds", "clear_seconds", *LOAD)),
        *(pa.field(name, pa.int64()) for name in Requests.model_fields),
        *(pa.field(name, pa.float64()) for name in ("clock_offset_ms", "clock_error_ms")),
    ]
)
_TASKS = pa.schema(
    [
        pa.field("round_id", pa.int64(), nullable=False),
        pa.field("task_id", pa.string()),
        *(pa.field(name, _CATEGORY) for name in ("image_digest", "outcome", "reason", "snapshotter")),
        *(pa.field(name, pa.float64() if name.endswith("_ms") else pa.int64()) for name in EXTRAS),
        *(pa.field(name, pa.int64(), nullable=name != "created_ns") for name in TaskTimes.model_fields),
    ]
)
_ROUNDS_OF_SWEEP = "rounds WHERE sweep_id = ? ORDER BY id"
_TASKS_OF_SWEEP = "tasks WHERE round_id IN (SELECT id FROM rounds WHERE sweep_id = ?) ORDER BY round_id, id"
"""As the index on `round_id` has them, so that nothing is sorted."""


def tasks(store: Store, sweep_id: str) -> pd.DataFrame:
    """One row per task of a sweep, in the order in which they were committed; columns as in `columns.COLUMNS`.

    A sweep may write meanwhile: the rounds are read last, for a round is committed together with its tasks.
    """
    seen = _read(store, _TASKS, _TASKS_OF_SWEEP, sweep_id)
    placed = _read(store, _ROUNDS, _ROUNDS_OF_SWEEP, sweep_id)
    own_round = placed["id"].searchsorted(seen["round_id"])
    names = {name: name for name in ("sweep_id", *PLACE, *LOAD)} | {"round": "position", "round_status": "status"}
    of_round = {name: placed[source].take(own_round).reset_index(drop=True) for name, source in names.items()}
    found = {**of_round, **{name: seen[name] for name in seen}, **_origin(seen), **_durations(seen)}
    return pd.DataFrame({name: found[name] for name in COLUMNS}, copy=False)


def rounds(store: Store, sweep_id: str) -> pd.DataFrame:
    """One row per attempt at a round of a sweep, in the order in which they were committed: `ROUND_COLUMNS`."""
    found = _read(store, _ROUNDS, _ROUNDS_OF_SWEEP, sweep_id)
    return found.rename(columns={"position": "index"})[list(ROUND_COLUMNS)]


def _origin(seen: pd.DataFrame) -> dict[str, Any]:
    """`origin` for whole columns; the tasks of a round ran on one target, so the first one's id tells it."""
    first = seen[~seen["round_id"].duplicated()]
    target_by_round = dict(zip(first["round_id"], first["task_id"].map(target_of), strict=True))
    targets = seen["round_id"].map(target_by_round).astype("object")
    return {"target": targets.astype("category"), "simulated": targets.isin(NOT_MEASURED)}


def _durations(seen: pd.DataFrame) -> dict[str, Any]:
    """`phases.durations` for whole columns: NaN where a time is missing, or the task did not boot."""
    booted = (seen["outcome"] == Outcome.BOOTED.value).to_numpy()
    durations = {}
    for phase in PHASES:
        earlier, later = (seen[name] for name in BOUNDS[phase])
        seconds = (later - earlier).to_numpy(dtype="float64", na_value=np.nan) / NS_PER_SECOND
        durations[f"{phase}_seconds"] = np.where(booted, seconds, np.nan)
    return durations


def _read(store: Store, schema: pa.Schema, source: str, sweep_id: str) -> pd.DataFrame:
    """A table's rows as typed columns; one that an older store lacks is NULL in every row."""
    table_name = source.split()[0]
    with store.cursor() as cursor:
        there = {name for (name,) in cursor.execute("SELECT name FROM pragma_table_info(?)", (table_name,))}
        names = ", ".join(name if name in there else "NULL" for name in schema.names)
        cursor.execute(f"SELECT {names} FROM {source}", (sweep_id,))  # noqa: S608 - our own names
        chunks = iter(lambda: cursor.fetchmany(CHUNK_ROWS), [])
        table = pa.Table.from_batches((_batch(rows, schema) for rows in chunks), schema).unify_dictionaries()
    columns = dict(zip(schema.names, table.columns, strict=True))
    del table  # each column's Arrow memory goes as soon as it is a series
    return pd.DataFrame({field.name: _series(columns.pop(field.name), field) for field in schema}, copy=False)


def _batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    transposed = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(transposed, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _series(column: pa.ChunkedArray, field: pa.Field) -> pd.Series:
    nullable = {pa.int64(): pd.Int64Dtype()} if field.nullable else {}
    return column.to_pandas(types_mapper=nullable.get)
