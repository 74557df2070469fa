from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.report import formats
from experiments.store.store import Store
from experiments.sweep import start
from kit.errors import SettingsError
from sociometer.cli import actions
from sociometer.cli.main import app
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """A store with one small sweep."""
    path = tmp_path / "store.sqlite"
    outputs = stack_outputs()
    with Store(path, write=True) as store:
        start(store, FakeExecutor(outputs), small_plan(blocks=3), "lab", outputs, lambda _progress: None)
    return path


def report(store: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["report", "--store", str(store), *options])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "begins"), [("text", "SIMULATED"), ("html", "<!doctype html>"), ("markdown", "**SIMULATED"), ("json", "{")]
)
def test_each_format_goes_to_standard_output_or_a_file(
    store_path: Path, tmp_path: Path, name: str, begins: str
) -> None:
    shown = report(store_path, "--format", name)
    assert shown.exit_code == 0
    assert shown.stdout.startswith(begins)
    written = report(store_path, "--format", name, "--output", str(tmp_path / "out"))
    assert written.exit_code == 0
    assert written.stdout == ""
    assert (tmp_path / "out").read_text() == shown.stdout


@pytest.mark.slow
def test_json_is_short_for_the_format_and_holds_summary_and_analysis(store_path: Path) -> None:
    found = json.loads(report(store_path, "--json").stdout)
    assert found == json.loads(report(store_path, "--format", "json").stdout)
    assert found["rounds_complete"] == found["rounds_planned"] == 12
    assert found["analysis"]["headline"]
    assert found["analysis"]["cells"] == found["cells"]


def test_a_region_without_prices_is_refused_with_those_that_have_them(store_path: Path) -> None:
    done = report(store_path, "--prices", "nowhere")
    assert isinstance(done.exception, SettingsError)
    assert "No prices are known for nowhere" in str(done.exception) and "us-east-1" in str(done.exception)


def test_an_unknown_format_is_named_with_those_that_there_are(store_path: Path) -> None:
    failed = report(store_path, "--format", "pdf")
    assert isinstance(failed.exception, SettingsError)
    assert "'pdf'" in str(failed.exception)
    assert "text, html, markdown, json" in str(failed.exception)


@pytest.mark.slow
def test_the_results_folder_holds_page_markdown_and_text_beside_the_records(store_path: Path, tmp_path: Path) -> None:
    with Store(store_path) as store:
        sweep = store.sweep()
        folder = actions.write_results(tmp_path / "results", formats.read(store, sweep), store.rounds(sweep.id))
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "report.md", "report.txt", "summary.json", "records.json", "records.csv", "averages.csv"),
    }
    assert folder.name == sweep.id
    assert all(path.stat().st_size for path in folder.iterdir())
