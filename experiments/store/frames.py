"""Records as data frames: one row per task, or one per attempt at a round, read straight from the store.

For statistics, reports, exports and notebooks. `Store.rounds` would build a million validated objects of a few
kilobytes from a million records; here SQLite's rows become typed columns chunk by chunk. Integers that may be missing
are `Int64`, durations and shares `float64` (missing: NaN), texts with few distinct values `category`.
`columns` describes each column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from experiments.records import columns
from experiments.records.columns import COLUMNS, EXTRAS, LOAD, PLACE, SPENT
from experiments.records.model import Requests, TaskTimes
from experiments.records.origin import NOT_MEASURED, target_of
from experiments.records.phases import NS_PER_SECOND, PHASES, TIMED
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from kit.errors import StoreError

CHUNK_ROWS = 20_000
"""The number of rows held as Python objects at a time."""
MOST_INTEGER = 1 << 62
"""Half of what a column holds."""
ROUND_COLUMNS = tuple(column.name for column in columns.ROUNDS)

_OF_PLAN = ("block", "variant", "form", "task_count")

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
        *(pa.field(name, pa.int64() if name.endswith("_bytes") else pa.float64()) for name in SPENT),
        *(pa.field(name, pa.int64(), nullable=name != "created_ns") for name in TaskTimes.model_fields),
    ]
)
_ROUNDS_OF_SWEEP = "rounds WHERE sweep_id = ? ORDER BY id"
_TASKS_OF_SWEEP = "tasks WHERE round_id IN (SELECT id FROM rounds WHERE sweep_id = ?) ORDER BY round_id, id"
"""In the order of the index on `round_id`, so that nothing is sorted."""


def tasks(store: Store, sweep_id: str) -> pd.DataFrame:
    """One row per task of a sweep, in the order of their commits; columns as in `columns.COLUMNS`.

    A sweep may be writing: rounds are read last because a round is committed together with its tasks.
    """
    task_rows = _read(store, _TASKS, _TASKS_OF_SWEEP, sweep_id)
    round_rows = _read(store, _ROUNDS, _ROUNDS_OF_SWEEP, sweep_id)
    row_of_round = round_rows["id"].searchsorted(task_rows["round_id"])
    names = {name: name for name in ("sweep_id", *PLACE, *LOAD)} | {"round": "position", "round_status": "status"}
    of_round = {name: round_rows[source].take(row_of_round).reset_index(drop=True) for name, source in names.items()}
    series = {**of_round, **dict(task_rows.items()), **_origin(task_rows), **_durations(task_rows)}
    return pd.DataFrame({name: series[name] for name in COLUMNS}, copy=False)


def rounds(store: Store, sweep_id: str) -> pd.DataFrame:
    """One row per attempt at a round of a sweep, in the order of their commits; columns: `ROUND_COLUMNS`."""
    round_rows = _read(store, _ROUNDS, _ROUNDS_OF_SWEEP, sweep_id)
    return round_rows.rename(columns={"position": "index"})[list(ROUND_COLUMNS)]


def of_sweep(store: Store, sweep: Sweep) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `tasks` and `rounds`, to make figures of.

    Raises `StoreError` for a round that the sweep's plan does not have: no figure may come of it.
    """
    task_rows, round_rows = tasks(store, sweep.id), rounds(store, sweep.id)
    _check_against_plan(sweep, round_rows)
    return task_rows, round_rows


def _check_against_plan(sweep: Sweep, round_rows: pd.DataFrame) -> None:
    planned = sweep.plan.rounds
    for position, *place in zip(*(round_rows[name] for name in ("index", *_OF_PLAN)), strict=True):
        of_plan = planned[position] if 0 <= position < len(planned) else None
        if of_plan is None or [getattr(of_plan, name) for name in _OF_PLAN] != place:
            raise StoreError(
                f"The store is damaged: round {position + 1} of sweep {sweep.id} is not the one of its plan "
                f"({', '.join(f'{name} {value}' for name, value in zip(_OF_PLAN, place, strict=True))})."
            )


def _origin(task_rows: pd.DataFrame) -> dict[str, Any]:
    """`origin` for whole columns. The tasks of a round share a target, so the id of the first one is enough."""
    first = task_rows[~task_rows["round_id"].duplicated()]
    target_by_round = dict(zip(first["round_id"], first["task_id"].map(target_of), strict=True))
    targets = task_rows["round_id"].map(target_by_round).astype("object")
    return {"target": targets.astype("category"), "simulated": targets.isin(NOT_MEASURED)}


def _durations(task_rows: pd.DataFrame) -> dict[str, Any]:
    """`phases.durations` for whole columns: NaN if a time is missing or the task did not boot."""
    booted = task_rows["outcome"].isin([outcome.value for outcome in TIMED]).to_numpy()
    durations = {}
    for name, phase in PHASES.items():
        earlier, later = task_rows[phase.begins], task_rows[phase.ends]
        seconds = (later - earlier).to_numpy(dtype="float64", na_value=np.nan) / NS_PER_SECOND
        durations[f"{name}_seconds"] = np.where(booted, seconds, np.nan)
    return durations


def _read(store: Store, schema: pa.Schema, source: str, sweep_id: str) -> pd.DataFrame:
    """A table's rows as typed columns; a column that an older store lacks is NULL in every row."""
    table_name = source.split()[0]
    with store.cursor() as cursor:
        existing = {name for (name,) in cursor.execute("SELECT name FROM pragma_table_info(?)", (table_name,))}
        names = ", ".join(name if name in existing else "NULL" for name in schema.names)
        cursor.execute(f"SELECT {names} FROM {source}", (sweep_id,))  # noqa: S608 - our own names
        chunks = iter(lambda: cursor.fetchmany(CHUNK_ROWS), [])
        table = pa.Table.from_batches((_batch(rows, schema) for rows in chunks), schema).unify_dictionaries()
    _require_sane(table, table_name)
    columns = dict(zip(schema.names, table.columns, strict=True))
    del table  # so that each column's Arrow memory is freed once it is a series
    return pd.DataFrame({field.name: _series(columns.pop(field.name), field) for field in schema}, copy=False)


def _require_sane(table: pa.Table, name: str) -> None:
    """Raise `StoreError` for numbers that no version writes: what is infinite has no mean, and the difference of two
    times near the ends of what 64 bits hold is none."""
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_floating(field.type):
            wrong = pc.any(pc.is_inf(column)).as_py()
        elif pa.types.is_integer(field.type):
            found = pc.min_max(column).as_py()
            wrong = any(end is not None and abs(end) > MOST_INTEGER for end in found.values())
        else:
            continue
        if wrong:
            raise StoreError(f"The store is damaged: {name} has a {field.name} that no version of sociometer writes.")


def _batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    transposed = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(transposed, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _series(column: pa.ChunkedArray, field: pa.Field) -> pd.Series:
    nullable = {pa.int64(): pd.Int64Dtype()} if field.nullable else {}
    return column.to_pandas(types_mapper=nullable.get)
