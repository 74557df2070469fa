"""The loud skip, tried on a real pytest run of its own, on a machine made unable by its environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kit.command import Completed, run
from kit.paths import asset

TESTS = """
import pytest

@pytest.mark.lab
def test_in_the_lab() -> None:
    raise AssertionError

@pytest.mark.browser
def test_in_a_browser() -> None:
    raise AssertionError

def test_elsewhere() -> None:
    pass
"""


def pytest_run(folder: Path, *words: str, **environment: str) -> Completed:
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_some.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  lab: needs the lab\n  browser: needs a browser\n")
    unable = {"SOCIOMETER_DATA": "/proc/none", "PYTHONPATH": str(asset("tests").parent), "PATH": str(folder)}
    argv = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *words, "test_some.py"]
    return run(argv, cwd=folder, env={**unable, **environment}, timeout_seconds=120, check=False)


@pytest.mark.parametrize("words", [(), ("-n", "1")], ids=["alone", "by a worker"])
def test_tests_are_skipped_with_a_line_for_each_reason(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = pytest_run(tmp_path, *words, SOCIOMETER_REQUIRE_LAB="")
    assert done.exit_code == 0
    assert "1 passed, 2 skipped" in done.stdout
    assert "1 lab tests were SKIPPED because of disk for data: 0 GB free at /proc" in done.stdout
    assert "1 browser tests were SKIPPED because of no chromium on PATH" in done.stdout


def test_tests_fail_where_skipping_is_not_allowed(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, SOCIOMETER_REQUIRE_LAB="1")
    assert done.exit_code == 1
    assert "1 passed, 2 errors" in done.stdout
    assert "SOCIOMETER_REQUIRE_LAB=1, and the lab cannot run here" in done.stdout
    assert "SOCIOMETER_REQUIRE_LAB=1, and the browser cannot run here" in done.stdout
