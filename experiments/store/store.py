"""The record store: every sweep, round and task ever observed, in one SQLite file that survives any kill.

A round and its tasks are committed in one transaction and are on disk before the next round starts (WAL,
synchronous=FULL). A store with a newer schema is refused. A damaged store is copied aside and refused, and never
written to. The store can be read while a sweep is writing.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from experiments.plan.plan import Plan
from experiments.records.model import RoundRecord
from experiments.records.reads import Reads
from experiments.store import rescue, schema
from experiments.store.schema import STORE_SCHEMA
from experiments.store.sweeps import Sweep
from infra.outputs import StackOutputs
from kit import locks
from kit.errors import StoreError
from kit.paths import data_dir

LATEST = "last"
APPLICATION_ID = 0x50C10001
"""In the file's header, so that another program's database is not mistaken for a store."""


def default_path() -> Path:
    """The default path of the store."""
    return data_dir() / "store.sqlite"


class Store:
    """An open store; close it or use it as a context manager. ``write=False`` opens an existing store for reading."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path.absolute()
        self._reserve: rescue.Reserve | None = None
        with rescue.guarded(self.path):
            self._connection = _writer(self.path) if write else _reader(self.path)

    @staticmethod
    def claim(path: Path) -> AbstractContextManager[None]:
        """Keep sweeps away from the store at ``path``; raise `StoreError` naming the process of a running sweep."""
        return locks.exclusive(path.with_name(f"{path.name}.lock"), f"The store {path}")

    @contextmanager
    def sweeping(self, task_count: int) -> Iterator[None]:
        """Claim the store for one sweep whose rounds have at most ``task_count`` tasks.

        Raise `StoreError` naming the process if another sweep has claimed it, `MachineError` if its disk is full.
        """
        with self.claim(self.path):
            self._reserve = rescue.Reserve(self.path, task_count)
            self._reserve.take()
            try:
                yield
            finally:
                self._reserve.free()

    def begin_sweep(self, plan: Plan, stack: str, key_metadata: dict[str, str], outputs: StackOutputs) -> Sweep:
        """Commit and return a new sweep."""
        now_ns = time.time_ns()
        sweep = Sweep(
            id=self._new_id(now_ns),
            created_ns=now_ns,
            stack=stack,
            status="running",
            plan=plan,
            key_metadata=key_metadata,
            outputs=outputs,
        )
        self._commit(lambda connection: schema.insert_sweep(connection, sweep))
        return sweep

    def _new_id(self, now_ns: int) -> str:
        """The second, and four digits that no sweep of it has yet."""
        moment = f"{datetime.fromtimestamp(now_ns // 10**9, UTC):%Y%m%d-%H%M%S}"
        with self.cursor() as cursor:
            taken = {name for (name,) in cursor.execute("SELECT id FROM sweeps")}
        while (name := f"{moment}-{secrets.token_hex(2)}") in taken:
            pass
        return name

    def set_status(self, sweep_id: str, status: str) -> None:
        """Set a sweep's status: `running`, `finished`, `interrupted` or `failed`."""
        statement = "UPDATE sweeps SET status = ? WHERE id = ?"
        self._commit(lambda connection: connection.execute(statement, (status, sweep_id)))

    def add_round(self, record: RoundRecord) -> None:
        """Commit one attempt at a round with all its tasks; it is on disk when this returns."""
        self._commit(lambda connection: schema.insert_round(connection, record))

    def sweeps(self) -> list[Sweep]:
        """Every sweep, oldest first."""
        with rescue.guarded(self.path):
            return schema.read_sweeps(self._connection)

    def sweep(self, sweep_id: str = LATEST) -> Sweep:
        """The sweep with that id, or the latest; raise `StoreError` naming the latest ids if there is none."""
        sweeps = {sweep.id: sweep for sweep in self.sweeps()}
        if not sweeps:
            raise StoreError(f"The store {self.path} holds no sweep yet. `sociometer run` makes one.")
        if sweep_id == LATEST:
            return list(sweeps.values())[-1]
        if sweep_id not in sweeps:
            latest = ", ".join(list(sweeps)[-5:])
            raise StoreError(f"The store {self.path} holds no sweep {sweep_id!r}. The latest are: {latest}.")
        return sweeps[sweep_id]

    def rounds(self, sweep_id: str) -> list[RoundRecord]:
        """Every attempt at every round of a sweep, in the order of their commits."""
        with rescue.guarded(self.path):
            return list(schema.read_rounds(self._connection, sweep_id))

    def add_reads(self, sweep_id: str, reads: Reads) -> None:
        """Commit what a variant's boot reads."""
        self._commit(lambda connection: schema.insert_reads(connection, sweep_id, reads))

    def reads(self, sweep_id: str) -> list[Reads]:
        """What is known of what the boots of a sweep's variants read."""
        with rescue.guarded(self.path):
            return schema.read_reads(self._connection, sweep_id)

    @contextmanager
    def cursor(self) -> Iterator[sqlite3.Cursor]:
        """A cursor whose rows are plain tuples, for bulk reads (`frames`)."""
        with rescue.guarded(self.path), closing(self._connection.cursor()) as cursor:
            cursor.row_factory = None
            yield cursor

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _commit(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Commit one transaction. On a full disk, free the reserve, try again and raise, so that the sweep ends."""
        with rescue.guarded(self.path):
            try:
                _transact(self._connection, change)
            except sqlite3.Error as error:
                if self._reserve is None or not rescue.is_full(error):
                    raise
                self._reserve.free()
                _transact(self._connection, change)
                raise


def _transact(connection: sqlite3.Connection, change: Callable[[sqlite3.Connection], object]) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        change(connection)


def _writer(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, "rwc")
    try:
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _transact(connection, _bring_up_to_date)
    except BaseException:
        connection.close()
        raise
    return connection


def _reader(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise StoreError(f"There is no store at {path} yet. `sociometer run` makes one.")
    if not path.is_file():
        raise StoreError(f"{path} is a folder or a device, and no store.")
    connection = _connect(path, "ro")
    try:
        _check(connection, path)
        _check_has_tables(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged, belongs to another program or has a newer schema, before writing to it."""
    version = _pragma(connection, "user_version")
    empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not empty and _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is another program's database. Choose another place with --store.")
    if version > STORE_SCHEMA:
        raise StoreError(
            f"The store {path} has schema version {version}, but this program reads only up to {STORE_SCHEMA}. "
            "Use the version of sociometer that wrote it, or a newer one."
        )
    if not empty and (strange := schema.unknown(connection, version)) is not None:
        raise StoreError(
            f"The store {path} has a {strange} that is not as sociometer makes it (schema version {version}). Nothing "
            "was read. If you added it, drop it; else choose another place with --store."
        )
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreError(rescue.damaged(path, str(verdict)))


def _check_has_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "user_version") == 0:
        raise StoreError(f"The store {path} is empty. `sociometer run` fills it.")


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    version = _pragma(connection, "user_version")
    if version == STORE_SCHEMA:
        return
    if version == 0:
        for statement in schema.TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    schema.migrate(connection, max(version, 1))
    connection.execute(f"PRAGMA user_version = {STORE_SCHEMA}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
