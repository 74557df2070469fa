"""Claims about commands that only read: they write nothing below the data folder, and run no program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sociometer.cli import actions
from tests.contracts.fargate import fargate_outputs
from tests.unit.cli.conftest import Sociometer

PLANS = (("plan",), ("plan", "--target", "fargate"), ("plan", "--stack", "dev"), ("plan", "--target", "sim"))


@pytest.fixture(autouse=True)
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(actions, "outputs", lambda _stack: fargate_outputs())


@pytest.mark.parametrize("words", [*PLANS, ("outputs", "--stack", "dev")])
def test_looking_at_a_plan_or_a_stack_makes_no_data_folder(
    sociometer: Sociometer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = sociometer(*words)
    assert done.exit_code == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_report_leaves_the_data_folder_as_it_was(sociometer: Sociometer, tmp_path: Path) -> None:
    assert sociometer("sweep", "--target", "sim", "--counts", "1", "--blocks", "1").exit_code == 0
    before = {path: path.stat().st_size for path in (tmp_path / "data").rglob("*")}
    assert sociometer("report").exit_code == 0
    assert {path: path.stat().st_size for path in (tmp_path / "data").rglob("*")} == before
