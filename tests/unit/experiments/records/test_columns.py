from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

import sociometer
from experiments.records import columns, figure_columns
from experiments.records.columns import NANOSECONDS, Column
from experiments.records.model import Outcome
from experiments.report.export import to_json
from experiments.store import frames
from experiments.store.store import Store
from tests.contracts.plans import small_plan
from tests.unit.experiments.conftest import StartSweep

DATA_PAGE = Path(__file__).parents[4] / "docs" / "data.md"
TABLES = {
    "Tasks": columns.TASKS,
    "Rounds": columns.ROUNDS,
    "Effects": figure_columns.EFFECTS,
    "Effects over all task counts": figure_columns.OVER_COUNTS,
    "The slowest tasks": figure_columns.TAILS,
}
DTYPES = {
    "integer": {"int64", "Int64"},
    "number": {"float64"},
    "boolean": {"bool"},
    "text": {"category", "object", "str"},
}
JSON_TYPES = {"integer": int, "number": (int, float), "boolean": bool, "text": str}
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def documented(section: str) -> list[list[str]]:
    """The table rows of a section of docs/data.md."""
    text = DATA_PAGE.read_text()
    [part] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("section", TABLES)
def test_docs_say_exactly_what_the_code_says(section: str) -> None:
    expected = [[f"`{c.name}`", c.type, c.unit, "yes" if c.missing else "", c.description] for c in TABLES[section]]
    assert documented(section) == expected


@every_table
def test_a_name_ends_as_its_unit_says(table: Sequence[Column]) -> None:
    ends = {"s": "_seconds", NANOSECONDS: "_ns", "ms": "_ms", "bytes": "_bytes"}
    for column in table:
        for unit, end in ends.items():
            assert column.name.endswith(end) == (column.unit == unit), column


def sweep_with_losses(store: Store, sweep: StartSweep) -> str:
    """The id of a sweep in which some tasks have no times."""
    return sweep(small_plan(blocks=3), script={0: [Outcome.FAILED], 1: [Outcome.TIMEOUT]}).id


def test_frames_have_these_columns_with_these_types_whatever_they_hold(store: Store, sweep: StartSweep) -> None:
    for sweep_id in (sweep_with_losses(store, sweep), "none"):
        check(frames.tasks(store, sweep_id), columns.TASKS)
        check(frames.rounds(store, sweep_id), columns.ROUNDS)


@pytest.mark.slow
def test_the_figures_have_their_columns_whatever_was_measured(store: Store, sweep: StartSweep) -> None:
    for done in (sweep(small_plan(blocks=3), script={0: [Outcome.FAILED], 1: [Outcome.TIMEOUT]}), sweep(small_plan())):
        found = sociometer.load(done.id, store.path)
        check(found.effects, figure_columns.EFFECTS)
        check(found.over_counts, figure_columns.OVER_COUNTS)
        check(found.tails, figure_columns.TAILS)


def check(frame: pd.DataFrame, table: Sequence[Column]) -> None:
    assert list(frame.columns) == [column.name for column in table]
    for column in table:
        assert str(frame[column.name].dtype) in DTYPES[column.type], column
        assert column.missing or not frame[column.name].isna().any(), column


def test_json_has_these_columns_with_these_types(store: Store, sweep: StartSweep) -> None:
    rows = json.loads(to_json(store.rounds(sweep_with_losses(store, sweep))))
    for row in rows:
        assert list(row) == [column.name for column in columns.TASKS]
        for column in columns.TASKS:
            value = row[column.name]
            assert (column.missing and value is None) or isinstance(value, JSON_TYPES[column.type]), column
