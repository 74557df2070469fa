"""The notebook, run by a real kernel: on a real stack and a real sweep, and where something is missing."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError

import sociometer
from experiments.analysis.findings import Comparison
from experiments.executors.lab import LabExecutor
from experiments.store.store import Store
from experiments.sweep import start
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs
from sociometer.loading import Loaded
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support import notebooks
from tests.support.fake_executor import FakeExecutor

TREATMENT = ("variant", "task_count", "form")
PLAN = small_plan(task_counts=(1,), blocks=3)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def check_figures(found: dict[str, dict[str, list[object]]], loaded: Loaded) -> None:
    """What the notebook computes is what `analyse` says, comparison by comparison and cell by cell."""
    figures = rows(found["figures"])
    wanted = {key(one.model_dump()): bounds(one) for one in loaded.analysis.comparisons}
    assert {key(row) for row in figures} == wanted.keys()
    for row in figures:
        assert [row["blocks"], row["ratio"], row["low"], row["high"]] == pytest.approx(wanted[key(row)], nan_ok=True)
    medians = {key(row): row for row in rows(found["medians"])}
    for cell in loaded.analysis.cells:
        for phase in ("pull", "start", "ready", "boot"):
            median = medians[cell.variant, cell.task_count, cell.form][phase]
            assert median == pytest.approx(cell.phases[phase].median_seconds)


def key(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in (*TREATMENT, "phase") if name in row)


def bounds(one: Comparison) -> list[float]:
    low, high = (one.interval.low, one.interval.high) if one.interval else (math.nan, math.nan)
    return [one.blocks, one.ratio, low, high]


def rows(columns: dict[str, list[object]]) -> list[dict[str, object]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_the_notebook_is_committed_without_outputs() -> None:
    for cell in notebooks.read("experiment").cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.lab
def test_stack_outputs_and_figures_are_those_of_the_stack_and_the_report(
    tiny_stack: StackOutputs, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test-lab-{os.getpid()}"
    with Store(store, write=True) as opened:
        executor = LabExecutor(tiny_stack, profile=DEFAULT_PROFILE, timeout_seconds=60)
        done = start(opened, executor, PLAN, name, tiny_stack, lambda _: None)
    settings = {"SOCIOMETER_STACK": name, "SOCIOMETER_STORE": str(store)}
    notebook = notebooks.run("experiment", settings, tmp_path, monkeypatch)
    assert notebooks.heard(notebook) == ""
    assert f"Stack `{name}` as it is now" in notebooks.shown(notebook, "stack")
    found = notebooks.frames(notebook)
    loaded = sociometer.load(done.id, store)
    assert len(found["figures"]["ratio"]) == 4
    check_figures(found, loaded)
    assert found["deployed"]["image"] == [
        treatment.image_digest[:19]
        for variant in tiny_stack.variants.values()
        for treatment in variant.treatments.values()
    ]
    assert all(found["deployed"]["as measured"])
    assert loaded.analysis.headline in notebooks.shown(notebook, "report")
    assert all("<svg" in notebooks.shown(notebook, plot) for plot in ("rounds-plot", "figures-plot"))


def test_without_the_stack_the_outputs_kept_with_the_sweep_are_shown(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(store, write=True) as opened:
        start(opened, FakeExecutor(stack_outputs()), PLAN, "gone", stack_outputs(), lambda _: None)
    settings = {"SOCIOMETER_STACK": "gone", "SOCIOMETER_STORE": str(store), "SOCIOMETER_DATA": str(tmp_path / "data")}
    notebook = notebooks.run("experiment", settings, tmp_path, monkeypatch)
    assert "These are the outputs stored with the sweep" in notebooks.shown(notebook, "stack")
    check_figures(notebooks.frames(notebook), sociometer.load("last", store))


def test_without_a_store_the_notebook_stops_with_one_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = last_words({"SOCIOMETER_STORE": str(store)}, tmp_path, monkeypatch)
    assert said == f"StoreError: There is no store at {store} yet. `sociometer run` makes one."


def test_without_anything_to_compare_the_notebook_stops_with_one_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = small_plan(forms=("plain",), task_counts=(1,))
    with Store(store, write=True) as opened:
        done = start(opened, FakeExecutor(stack_outputs()), plan, "gone", stack_outputs(), lambda _: None)
    settings = {"SOCIOMETER_STACK": "gone", "SOCIOMETER_STORE": str(store), "SOCIOMETER_DATA": str(tmp_path / "data")}
    said = last_words(settings, tmp_path, monkeypatch)
    assert said.startswith(f"SociometerError: There is nothing to compare in sweep {done.id}. ")


def last_words(settings: dict[str, str], scratch: Path, patch: pytest.MonkeyPatch) -> str:
    """The one line below the cell at which the notebook stops."""
    with pytest.raises(CellExecutionError) as stopped:
        notebooks.run("experiment", settings, scratch, patch)
    [said] = {line for line in stopped.value.traceback.rpartition("------------------")[2].splitlines() if line}
    return said
