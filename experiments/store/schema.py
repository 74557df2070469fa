"""The store's tables, and the conversion of sweeps, rounds and tasks to rows and back.

One column per observed value, so that any SQLite tool can read a store without this program. A store of an older
version can be read as it is; opening it for writing migrates it.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import groupby
from typing import Any

from experiments.plan.plan import PLAN_SCHEMA, Plan
from experiments.records.model import (
    ClockOffset,
    HostLoad,
    Requests,
    Round,
    RoundObservation,
    RoundRecord,
    Spent,
    TaskObservation,
    TaskTimes,
)
from experiments.records.reads import Reads
from experiments.store.sweeps import Sweep
from infra.outputs import StackOutputs
from kit.documents import Unreadable, as_model, model_of, of_json
from kit.errors import StoreError

STORE_SCHEMA = 4
"""History (`PRAGMA user_version`): 1 — first version; 2 — columns for Fargate in rounds and tasks (`ADDED`); 3 —
columns for what a task's seconds went into; 4 — what the boots read (`CREATED`)."""

TABLES = (
    """CREATE TABLE sweeps (
        id TEXT PRIMARY KEY, created_ns INTEGER NOT NULL, stack TEXT NOT NULL, status TEXT NOT NULL,
        plan TEXT NOT NULL, plan_digest TEXT NOT NULL, key_metadata TEXT NOT NULL, outputs TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE rounds (
        id INTEGER PRIMARY KEY, sweep_id TEXT NOT NULL REFERENCES sweeps, position INTEGER NOT NULL,
        attempt INTEGER NOT NULL, block INTEGER NOT NULL, variant TEXT NOT NULL, form TEXT NOT NULL,
        task_count INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, started_ns INTEGER NOT NULL,
        finished_ns INTEGER NOT NULL, prepare_seconds REAL NOT NULL, clear_seconds REAL NOT NULL,
        cpu_pressure REAL, steal REAL, UNIQUE (sweep_id, position, attempt)
    ) STRICT""",
    """CREATE TABLE tasks (
        id INTEGER PRIMARY KEY, round_id INTEGER NOT NULL REFERENCES rounds, task_id TEXT NOT NULL UNIQUE,
        image_digest TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT, snapshotter TEXT, lazy_layers INTEGER,
        received_bytes INTEGER, clock_error_bound_ms REAL, created_ns INTEGER NOT NULL, connected_ns INTEGER,
        pull_started_ns INTEGER, pull_stopped_ns INTEGER, started_ns INTEGER, ready_ns INTEGER,
        boot_started_ns INTEGER, boot_finished_ns INTEGER
    ) STRICT""",
    "CREATE INDEX tasks_of_round ON tasks (round_id)",
)

ADDED: dict[int, tuple[tuple[str, str, str], ...]] = {
    2: (
        ("rounds", "api_calls", "INTEGER"),
        ("rounds", "api_retries", "INTEGER"),
        ("rounds", "balancer_gets", "INTEGER"),
        ("rounds", "balancer_in_vain", "INTEGER"),
        ("rounds", "clock_offset_ms", "REAL"),
        ("rounds", "clock_error_ms", "REAL"),
        ("tasks", "logged_ns", "INTEGER"),
        ("tasks", "stopped_ns", "INTEGER"),
    ),
    3: tuple(("tasks", name, "INTEGER" if name.endswith("_bytes") else "REAL") for name in Spent.model_fields),
}
"""Columns (table, name, type) added to the tables of version 1, by version; they are NULL in older rows."""

CREATED = {
    4: (
        """CREATE TABLE reads (
            sweep_id TEXT NOT NULL REFERENCES sweeps, variant TEXT NOT NULL, document TEXT NOT NULL,
            PRIMARY KEY (sweep_id, variant)
        ) STRICT""",
    )
}
"""Tables added to those of version 1, by version."""

_CLOCK = {name: f"clock_{name}" for name in ClockOffset.model_fields}
_SWEEP = ("id", "created_ns", "stack", "status", "plan", "plan_digest", "key_metadata", "outputs")
_ROUND = (
    *("sweep_id", "position", "attempt", "block", "variant", "form", "task_count", "status", "reason"),
    *("started_ns", "finished_ns", "prepare_seconds", "clear_seconds"),
    *HostLoad.model_fields,
    *Requests.model_fields,
    *_CLOCK.values(),
)
_TIMES = tuple(TaskTimes.model_fields)
_SPENT = tuple(Spent.model_fields)
_OBSERVED = tuple(name for name in TaskObservation.model_fields if name not in ("times", "spent"))
_TASK = ("round_id", *_OBSERVED, *_SPENT, *_TIMES)


def migrate(connection: sqlite3.Connection, version: int, wanted: int = STORE_SCHEMA) -> None:
    """Bring the tables from ``version`` up to the ``wanted`` one; existing rows stay as they are."""
    for newer in range(version + 1, wanted + 1):
        for statement in CREATED.get(newer, ()):
            connection.execute(statement)
        for table, name, kind in ADDED.get(newer, ()):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def unknown(connection: sqlite3.Connection, version: int) -> str | None:
    """What of a store's schema the program of that version did not make; None when nothing is.

    A view, a trigger or a virtual table is a program that runs when the store is read, and a table that takes values
    of other types holds what nobody expects.
    """
    found, made = _objects(connection), _made(version)
    return next((name for name in (*sorted(found), *sorted(made)) if found.get(name) != made.get(name)), None)


@cache
def _made(version: int) -> dict[str, str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in TABLES:
            connection.execute(statement)
        migrate(connection, 1, version)
        return _objects(connection)


def _objects(connection: sqlite3.Connection) -> dict[str, str]:
    """Kind and name of each object with its definition, but for those that SQLite makes by itself."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return {f"{kind} {name}": "".join(str(sql).split()) for kind, name, sql in rows}


def insert_sweep(connection: sqlite3.Connection, sweep: Sweep) -> None:
    """Add a sweep."""
    values = sweep.model_dump(mode="json")
    for name in ("plan", "key_metadata", "outputs"):
        values[name] = json.dumps(values[name], sort_keys=True)
    _insert(connection, "sweeps", _SWEEP, {**values, "plan_digest": sweep.plan.digest})


def read_sweeps(connection: sqlite3.Connection) -> list[Sweep]:
    """Every sweep in the order of their beginnings, which is not that of their times: the clock may have been set."""
    return [_sweep(_values(row)) for row in connection.execute("SELECT * FROM sweeps ORDER BY rowid")]


def insert_round(connection: sqlite3.Connection, record: RoundRecord) -> None:
    """Add one attempt at a round with its tasks."""
    observation = record.observation
    values = {
        **record.round.model_dump(exclude={"index"}),
        **observation.model_dump(exclude={"tasks", "load", "requests", "clock"}),
        **observation.load.model_dump(),
        **observation.requests.model_dump(),
        **{column: getattr(observation.clock, name, None) for name, column in _CLOCK.items()},
        "sweep_id": record.sweep_id,
        "position": record.round.index,
        "attempt": record.attempt,
        "status": record.status.value,
        "reason": record.reason,
    }
    round_id = _insert(connection, "rounds", _ROUND, values)
    for task in observation.tasks:
        columns = task.model_dump(mode="json", exclude={"times", "spent"})
        spent = {name: getattr(task.spent, name, None) for name in _SPENT}
        _insert(connection, "tasks", _TASK, {**columns, **spent, **task.times.model_dump(), "round_id": round_id})


def read_rounds(connection: sqlite3.Connection, sweep_id: str) -> Iterator[RoundRecord]:
    """Every attempt at a round of a sweep with its tasks, in the order of their commits."""
    round_rows = connection.execute("SELECT * FROM rounds WHERE sweep_id = ? ORDER BY id", (sweep_id,)).fetchall()
    query = (
        "SELECT tasks.* FROM tasks JOIN rounds ON rounds.id = round_id WHERE sweep_id = ? ORDER BY round_id, tasks.id"
    )
    tasks = {
        round_id: [_task(_values(row)) for row in group]
        for round_id, group in groupby(connection.execute(query, (sweep_id,)), key=lambda row: row["round_id"])
    }
    return (_round(_values(row), tuple(tasks.get(row["id"], ()))) for row in round_rows)


def _values(row: sqlite3.Row) -> dict[str, Any]:
    """A row's columns; raises `Unreadable` for a number without end, which no version writes."""
    values = dict(row)
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise Unreadable(f"{name} is {value}")
    return values


def insert_reads(connection: sqlite3.Connection, sweep_id: str, reads: Reads) -> None:
    """Add what a variant's boot reads."""
    values = {"sweep_id": sweep_id, "variant": reads.variant, "document": reads.model_dump_json()}
    _insert(connection, "reads", tuple(values), values)


def read_reads(connection: sqlite3.Connection, sweep_id: str) -> list[Reads]:
    """What is known of a sweep's boots; nothing in a store that an older version wrote."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'reads'").fetchone():
        return []
    rows = connection.execute("SELECT document FROM reads WHERE sweep_id = ? ORDER BY rowid", (sweep_id,))
    return [model_of(Reads, row["document"]) for row in rows]


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], values: dict[str, Any]) -> int:
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    row = {name: values[name] for name in columns}
    cursor = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", row)  # noqa: S608 - our own names
    return cursor.lastrowid or 0


def _sweep(row: dict[str, Any]) -> Sweep:
    return Sweep(
        **{name: row[name] for name in ("id", "created_ns", "stack", "status")},
        plan=_plan(row),
        key_metadata=of_json(row["key_metadata"]),
        outputs=StackOutputs.parse(of_json(row["outputs"])),
    )


def _plan(row: dict[str, Any]) -> Plan:
    """The sweep's plan; a newer program's may say what this one does not know, and would be misread."""
    document = of_json(row["plan"])
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > PLAN_SCHEMA:
        raise StoreError(
            f"Sweep {row['id']} has a plan of schema version {version}, but this program reads only up to "
            f"{PLAN_SCHEMA}. Use the version of sociometer that wrote it, or a newer one."
        )
    return as_model(Plan, document)


def _round(row: dict[str, Any], tasks: tuple[TaskObservation, ...]) -> RoundRecord:
    place = {name: row[name] for name in ("block", "variant", "form", "task_count")}
    measured = {name: row[name] for name in ("started_ns", "finished_ns", "prepare_seconds", "clear_seconds")}
    return RoundRecord(
        **{name: row[name] for name in ("sweep_id", "attempt", "status", "reason")},
        round=Round(**place, index=row["position"]),
        observation=RoundObservation(
            **measured,
            tasks=tasks,
            load=HostLoad(**{name: row[name] for name in HostLoad.model_fields}),
            requests=Requests(**{name: row.get(name) for name in Requests.model_fields}),
            clock=_clock(row),
        ),
    )


def _clock(row: dict[str, Any]) -> ClockOffset | None:
    values = {name: row.get(column) for name, column in _CLOCK.items()}
    return None if None in values.values() else ClockOffset.model_validate(values)


def _task(row: dict[str, Any]) -> TaskObservation:
    times = TaskTimes(**{name: row[name] for name in _TIMES})
    return TaskObservation(**{name: row.get(name) for name in _OBSERVED}, times=times, spent=_spent(row))


def _spent(row: dict[str, Any]) -> Spent | None:
    values = {name: row.get(name) for name in _SPENT}
    return None if values["cpu_seconds"] is None else Spent.model_validate(values)
