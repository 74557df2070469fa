"""Tests marked ``lab`` need a machine that can run the lab: elsewhere they are skipped, and the summary says so.

With ``SOCIOMETER_REQUIRE_LAB=1`` they fail instead, so that continuous integration cannot skip them unseen.
"""

from __future__ import annotations

import os

import pytest

from sociometer.machine import doctor

_COUNT = pytest.StashKey[int]()
_REASONS = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at the machine once, and only when there is a test that needs it."""
    marked = [item for item in items if item.get_closest_marker("lab")]
    obstacles = doctor.obstacles() if marked else []
    config.stash[_COUNT] = len(marked)
    config.stash[_REASONS] = [f"{check.name}: {check.found} ({check.meaning})" for check in obstacles]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a lab test where the lab cannot run, or fail it when skipping is not allowed."""
    reasons = item.config.stash[_REASONS]
    if not reasons or not item.get_closest_marker("lab"):
        return
    if _required():
        pytest.fail(f"SOCIOMETER_REQUIRE_LAB=1, and the lab cannot run here: {'; '.join(reasons)}", pytrace=False)
    pytest.skip("the lab cannot run here")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it where nobody can miss it."""
    did = "FAILED" if _required() else "were SKIPPED"
    for reason in config.stash.get(_REASONS, []):
        count = config.stash[_COUNT]
        terminalreporter.write_line(f"{count} lab tests {did} because of {reason}", red=True, bold=True)


def _required() -> bool:
    return os.environ.get("SOCIOMETER_REQUIRE_LAB") == "1"
