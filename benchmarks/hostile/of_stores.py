"""Record stores: SQLite files with damaged pages, values of other kinds, and schemas that are programs of their own."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from random import Random

from benchmarks.hostile import documents, raw
from benchmarks.hostile.parser import Parser
from benchmarks.hostile.words import TEXTS
from experiments.store.store import Store
from sociometer import loading

FIXTURES = Path(__file__).parents[2] / "tests" / "fixtures" / "stores"
SQL, PAGES = b"sql\n", b"raw\n"
PAGE_BYTES = 1024
"""Small, as the samples are: more of a damaged page is something that is read."""
_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
_VALUES = (
    "NULL", "0", "-1", "1e999", "-1e999", "9223372036854775807", "-9223372036854775808", "''", "x''", "x'ff00'",
    "zeroblob(9)",
    "zeroblob(5000000)", "'[' || hex(zeroblob(40000))", "'9e999'", "char(0)", "char(0xD800)", "CAST(x'ff' AS TEXT)",
    "1.5", "'1'",
)  # fmt: skip
_PROGRAMS = (
    f"DROP TABLE reads; CREATE VIEW reads AS {_ENDLESS} SELECT x AS sweep_id, x AS variant, x AS document FROM c",
    f"ALTER TABLE rounds RENAME TO r; CREATE VIEW rounds AS {_ENDLESS} SELECT r.* FROM r, c",
    f"ALTER TABLE sweeps RENAME TO s; CREATE VIEW sweeps AS {_ENDLESS} SELECT s.* FROM s, c",
    "ALTER TABLE tasks RENAME TO t; CREATE VIEW tasks AS SELECT * FROM t",
    "CREATE TRIGGER a AFTER INSERT ON rounds BEGIN DELETE FROM sweeps; END",
    "CREATE TRIGGER a AFTER UPDATE ON sweeps BEGIN DELETE FROM tasks; END",
    "CREATE TRIGGER a BEFORE UPDATE ON sweeps BEGIN SELECT RAISE(IGNORE); END",
    "DROP TABLE reads; CREATE VIRTUAL TABLE reads USING fts5(sweep_id, variant, document)",
    "CREATE VIRTUAL TABLE geo USING rtree(id, a, b)",
    "CREATE TABLE more (x); CREATE INDEX i ON more (x)",
    "CREATE INDEX i ON tasks (randomblob(9))",
    "ALTER TABLE sweeps DROP COLUMN outputs", "ALTER TABLE sweeps DROP COLUMN status",
    "ALTER TABLE rounds DROP COLUMN block",
    "ALTER TABLE tasks DROP COLUMN outcome", "ALTER TABLE tasks ADD COLUMN more", "DROP TABLE tasks",
    "DROP TABLE rounds",
    "DROP TABLE sweeps", "DROP TABLE reads", "DELETE FROM sweeps", "PRAGMA user_version = 3", "PRAGMA user_version = 0",
    "PRAGMA user_version = 1", "PRAGMA user_version = -7", "PRAGMA user_version = 2000000000",
    "PRAGMA application_id = 7",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'x' WHERE name = 'tasks'",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET rootpage = 99 WHERE name = 'tasks'",
    "PRAGMA writable_schema = 1; UPDATE sqlite_master SET type = 'view' WHERE name = 'tasks'",
    "PRAGMA journal_mode = WAL", "PRAGMA encoding = 'UTF-16'", "VACUUM",
    "ALTER TABLE tasks ADD COLUMN g TEXT AS (hex(zeroblob(9)))",
    "ALTER TABLE sweeps RENAME COLUMN plan TO p; ALTER TABLE sweeps ADD COLUMN plan AS (p || p)",
)  # fmt: skip


def parsers() -> Iterator[Parser]:
    """Each of them."""
    yield Parser("store", "store.sqlite, PATH:SWEEP", _store, _read)
    yield Parser("store-frames", "store.sqlite, for figures", _store, _framed)
    yield Parser("store-written", "a store that a sweep goes on with", _store, _written)


@cache
def _bases() -> tuple[bytes, bytes]:
    """A small store as this version writes it, and the same with tables that take values of any kind."""
    script = sorted(FIXTURES.iterdir())[-1].read_text()
    return _made(script), _made(script.replace(") STRICT", ")"))


def _made(script: str) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.executescript(script)
        first = "SELECT id FROM rounds ORDER BY id LIMIT 4"
        connection.executescript(
            f"DELETE FROM tasks WHERE round_id NOT IN ({first}); DELETE FROM rounds WHERE id NOT IN ({first}); VACUUM"
        )
        return bytes(connection.serialize())


@cache
def _columns() -> tuple[tuple[str, str], ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(_bases()[0])
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return tuple((table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})"))


@cache
def _samples() -> tuple[documents.Sample, ...]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(_bases()[0])
        row = connection.execute("SELECT plan, outputs, key_metadata FROM sweeps").fetchone()
        return tuple(documents.sample(json.loads(text)) for text in row)


def _store(random: Random) -> bytes:
    if random.random() < 0.35:
        return PAGES + raw.mutated(random, _bases()[0], _bases())
    statements = [_statement(random) for _ in range(random.choice((1, 1, 2, 3)))]
    return SQL + ";\n".join(statements).encode(errors="surrogatepass")


def _statement(random: Random) -> str:
    chance = random.random()
    if chance < 0.35:
        return random.choice(_PROGRAMS)
    if chance < 0.6:
        column = random.choice((("plan", 0), ("outputs", 1), ("key_metadata", 2)))
        text = documents.changed(random, _samples()[column[1]], _samples())
        return f"UPDATE sweeps SET {column[0]} = {_quoted(text)}"
    table, column_name = random.choice(_columns())
    value = random.choice(_VALUES) if random.random() < 0.6 else _quoted(random.choice(TEXTS))
    which = "" if random.random() < 0.5 else f" WHERE rowid = (SELECT min(rowid) FROM {table})"
    return f"UPDATE {table} SET {column_name} = {value}{which}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _laid(content: bytes) -> Path:
    for old in Path().glob("store.sqlite*"):
        old.unlink()
    path = Path("store.sqlite")
    if content.startswith(PAGES):
        path.write_bytes(content[len(PAGES) :])
        return path
    script = content.removeprefix(SQL).decode(errors="replace")
    base = _bases()[len(content) % 2]
    if "WAL" in script:  # which a database in memory has not
        path.write_bytes(base)
        with closing(sqlite3.connect(path.absolute(), isolation_level=None)) as connection:
            _run(connection, script)
        return path
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(base)
        _run(connection, script)
        path.write_bytes(connection.serialize())
    return path


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        with suppress(sqlite3.Error, ValueError, OverflowError):
            connection.executescript(statement)


def _read(content: bytes) -> None:
    """Reading leaves the file as it was, whatever it holds."""
    path = _laid(content)
    before = path.read_bytes()
    try:
        with Store(path) as store:
            for sweep in store.sweeps():
                assert sweep.plan.digest
                for record in store.rounds(sweep.id):
                    record.tasks()
                store.reads(sweep.id)
    finally:
        assert path.read_bytes() == before, "the store was changed"
        shutil.rmtree("results", ignore_errors=True)


def _framed(content: bytes) -> None:
    """Every figure of a frame is finite, and of the rounds that are there."""
    found = loading.load(store=_laid(content))
    assert set(found.tasks["round"]) <= set(found.rounds["index"])
    seconds = found.tasks["boot_seconds"]
    assert not (seconds.abs() > 1e12).any()


def _written(content: bytes) -> None:
    """What was there stays there."""
    path = _laid(content)
    with Store(path, write=True) as store:
        sweeps = [sweep.id for sweep in store.sweeps()]
        rounds = [len(store.rounds(each)) for each in sweeps]
        for each in sweeps:
            store.set_status(each, "finished")
        assert [sweep.id for sweep in store.sweeps()] == sweeps
        assert [len(store.rounds(each)) for each in sweeps] == rounds
        assert all(sweep.status == "finished" for sweep in store.sweeps())
