from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import sociometer
from experiments.report import figure_frames
from experiments.store.store import Store
from experiments.sweep import start
from kit.errors import SettingsError
from sociometer.cli import main
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A small sweep of twelve tasks in eight rounds."""
    path = tmp_path / "store.sqlite"
    with Store(path, write=True) as opened:
        start(opened, FakeExecutor(stack_outputs()), small_plan(), "lab", stack_outputs(), lambda _: None)
    return path


def export(store: Path, *words: str) -> Result:
    return CliRunner().invoke(main.app, ["export", *words, "--store", str(store)])


@pytest.mark.parametrize(("format_", "rows"), [("parquet", 12), ("rounds-parquet", 8)])
def test_parquet_goes_to_a_file_or_into_a_pipe(store: Path, tmp_path: Path, format_: str, rows: int) -> None:
    path = tmp_path / "out.parquet"
    done = export(store, "--format", format_, "--output", str(path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert len(pd.read_parquet(path)) == rows
    assert export(store, "--format", format_).stdout_bytes == path.read_bytes()


def test_parquet_holds_the_rows_of_csv(store: Path) -> None:
    table = list(csv.DictReader(io.StringIO(export(store, "--format", "csv", "--form", "plain").stdout)))
    frame = pd.read_parquet(io.BytesIO(export(store, "--format", "parquet", "--form", "plain").stdout_bytes))
    assert [row["task_id"] for row in table] == list(frame["task_id"])
    assert [float(row["boot_seconds"]) for row in table] == list(frame["boot_seconds"])


def test_averages_of_several_treatments_are_told_apart_or_warned_about(store: Path) -> None:
    """The published form has a file per treatment, and no column for it."""
    mixed, one = export(store, "--format", "averages-csv"), export(store, "--format", "averages-csv", "--form", "plain")
    told = export(store, "--format", "averages-by-treatment-csv")
    assert "does not say which of 2 treatments a row is of" in mixed.stderr
    assert (one.stderr, told.stderr) == ("", "")
    rows = list(csv.reader(io.StringIO(told.stdout)))
    assert rows[0][:2] == ["variant", "form"]
    assert [row[2:] for row in rows] == list(csv.reader(io.StringIO(mixed.stdout)))
    assert [row[2:] for row in rows if row[1] in ("form", "plain")] == list(csv.reader(io.StringIO(one.stdout)))


def test_no_parquet_is_thrown_at_a_terminal(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "argv", ["sociometer", "export", "--format", "parquet", "--store", str(store)])
    with pytest.raises(SettingsError, match=r"no text for a terminal\. Name a file with --output"):
        main.app(standalone_mode=False)
    assert sys.stdout.getvalue() == ""  # type: ignore[attr-defined]


def test_an_unknown_format_is_refused_with_the_known_ones(store: Path) -> None:
    done = export(store, "--format", "xml")
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception).endswith(
        "Allowed: json, csv, averages-csv, averages-by-treatment-csv, parquet, rounds-parquet, effects-csv, "
        "over-counts-csv, tails-csv."
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", figure_frames.FIGURE_FORMATS)
def test_the_report_s_figures_are_those_of_the_report_and_marked_if_simulated(store: Path, format_: str) -> None:
    done = export(store, "--format", format_, "--form", "soci-v2")
    shown = list(csv.DictReader(io.StringIO(done.stdout)))
    assert all((row["form"], row["simulated"]) == ("soci-v2", "True") for row in shown)
    analysis = sociometer.load(store=store).analysis
    if format_ == "effects-csv":
        assert [float(row["ratio"]) for row in shown] == [each.ratio for each in analysis.comparisons]
    elif format_ == "over-counts-csv":
        assert [float(row["ratio"]) for row in shown] == [each.ratio for each in analysis.pooled]
    else:
        assert [row["of"] for row in shown] == [each.of for each in analysis.tails if each.form == "soci-v2"]
    assert shown
