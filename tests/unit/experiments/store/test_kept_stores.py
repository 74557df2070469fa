"""Stores as former versions wrote them, each by a simulated sweep of 24 rounds: they are read for ever after.

Whoever changes the schema of stores, plans or outputs adds the dump of a store of the new version to the fixtures.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import sociometer
from experiments.plan.plan import PLAN_SCHEMA
from experiments.store.schema import STORE_SCHEMA
from experiments.store.store import Store
from infra.outputs import READABLE_VERSIONS, SCHEMA_VERSION

FIXTURES = Path(__file__).parents[3] / "fixtures" / "stores"
NAMES = sorted(path.stem for path in FIXTURES.iterdir())
SECOND = {
    ("plain", 1): 45.059053758,
    ("soci-v2", 1): 30.01149113,
    ("plain", 3): 44.199179743,
    ("soci-v2", 3): 31.130568477,
}
MEDIANS = {
    "store-2-plan-1-outputs-2": {
        ("plain", 1): 43.798719742,
        ("soci-v2", 1): 31.552296488,
        ("plain", 3): 44.760321855,
        ("soci-v2", 3): 32.023255219,
    },
    "store-4-plan-2-outputs-3": SECOND,
    "store-4-plan-3-outputs-4": SECOND,
}
"""What the report of each version gave as median seconds until booted, of `movie`."""


@pytest.fixture(params=NAMES)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """The name of a version's schemas, and its store."""
    path = tmp_path / "kept.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript((FIXTURES / f"{request.param}.sql").read_text())
    connection.close()
    return request.param, path


def test_a_store_of_each_schema_is_kept() -> None:
    assert f"store-{STORE_SCHEMA}-plan-{PLAN_SCHEMA}-outputs-{SCHEMA_VERSION}" in NAMES
    assert SCHEMA_VERSION in READABLE_VERSIONS


def test_its_figures_are_still_those_of_its_own_report(kept: tuple[str, Path]) -> None:
    name, path = kept
    cells = sociometer.load(store=path).analysis.cells
    medians = {
        (cell.form, cell.task_count): cell.phases["boot"].median_seconds for cell in cells if cell.variant == "movie"
    }
    assert medians == pytest.approx(MEDIANS[name])


def test_a_writer_brings_it_up_to_date_and_loses_nothing(kept: tuple[str, Path]) -> None:
    _, path = kept
    with Store(path) as reader:
        sweep = reader.sweep()
        records = reader.rounds(sweep.id)
    with Store(path, write=True) as writer:
        writer.set_status(sweep.id, sweep.status)
    with Store(path) as reader:
        assert (reader.sweep(), reader.rounds(sweep.id)) == (sweep, records)
    assert (len(records), sum(len(record.observation.tasks) for record in records)) == (24, 48)
    assert [record.round for record in records] == list(sweep.plan.rounds)
