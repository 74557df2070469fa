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
from kit.errors import SociometerError

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


def test_none_has_what_its_boots_read_and_the_oldest_not_even_a_table_of_it(kept: tuple[str, Path]) -> None:
    with Store(kept[1]) as reader:
        assert [reader.reads(sweep.id) for sweep in reader.sweeps()] == [[]]


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE sweeps SET plan = json_set(plan, '$.schema_version', 99)", "has a plan of schema version 99, but"),
        ("UPDATE sweeps SET plan = json_remove(plan, '$.design.variants')", "this version of sociometer never writes"),
        ("UPDATE sweeps SET outputs = 'x'", "what this version of sociometer never writes"),
        ("UPDATE sweeps SET outputs = json_set(outputs, '$.schema_version', 99)", "99"),
        ("UPDATE rounds SET status = 'odd' WHERE id = 3", "what this version of sociometer never writes"),
        ("UPDATE rounds SET variant = 'odd' WHERE id = 3", "round 3 of sweep .* is not the one of its plan"),
        ("UPDATE rounds SET position = 1000 WHERE id = 3", "round 1001 of sweep .* is not the one of its plan"),
        ("UPDATE tasks SET outcome = 'odd' WHERE id = 3", "what this version of sociometer never writes"),
    ],
)
def test_what_no_version_wrote_is_refused_in_one_line(tmp_path: Path, change: str, complaint: str) -> None:
    path = tmp_path / "odd.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript((FIXTURES / f"{NAMES[-1]}.sql").read_text())
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(SociometerError, match=complaint) as error, Store(path) as reader:
        reader.rounds(reader.sweep().id)
        assert sociometer.load(store=path).analysis
    assert "\n" not in str(error.value)
