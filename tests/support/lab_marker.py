"""Tests marked ``lab`` or ``browser`` need what not every machine has: there they are skipped, and the summary says so.

``lab`` needs a machine that can run the lab, ``browser`` a Chromium. With ``SOCIOMETER_REQUIRE_LAB=1`` they fail
instead, so that continuous integration cannot skip them unseen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from kit.machine import doctor
from tests.support import browser

_WORKER = "obstacles"
_COUNTS = pytest.StashKey[dict[str, int]]()
_REASONS = pytest.StashKey[dict[str, list[str]]]()


def _lab_obstacles() -> list[str]:
    return [f"{check.name}: {check.found} ({check.meaning})" for check in doctor.obstacles()]


def _browser_obstacles() -> list[str]:
    return [] if browser.program() else [f"no {browser.PACKAGE} on PATH (apt-get install {browser.PACKAGE})"]


_OBSTACLES: dict[str, Callable[[], list[str]]] = {"lab": _lab_obstacles, "browser": _browser_obstacles}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at the machine once, and only for what some test needs."""
    counts = {marker: sum(item.get_closest_marker(marker) is not None for item in items) for marker in _OBSTACLES}
    config.stash[_COUNTS] = counts
    config.stash[_REASONS] = {marker: _OBSTACLES[marker]() for marker, count in counts.items() if count}
    if (output := getattr(config, "workeroutput", None)) is not None:
        output[_WORKER] = (counts, config.stash[_REASONS])  # a worker of pytest-xdist prints nothing itself


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker of pytest-xdist collects all tests, so any of them knows what to say."""
    if told := getattr(node, "workeroutput", {}).get(_WORKER):
        node.config.stash[_COUNTS], node.config.stash[_REASONS] = told


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test where what it needs is missing, or fail it when skipping is not allowed."""
    for marker, reasons in item.config.stash[_REASONS].items():
        if not reasons or not item.get_closest_marker(marker):
            continue
        if _required():
            pytest.fail(
                f"SOCIOMETER_REQUIRE_LAB=1, and the {marker} cannot run here: {'; '.join(reasons)}", pytrace=False
            )
        pytest.skip(f"the {marker} cannot run here")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it where nobody can miss it."""
    did = "FAILED" if _required() else "were SKIPPED"
    for marker, reasons in config.stash.get(_REASONS, {}).items():
        for reason in reasons:
            count = config.stash[_COUNTS][marker]
            terminalreporter.write_line(f"{count} {marker} tests {did} because of {reason}", red=True, bold=True)


def _required() -> bool:
    return os.environ.get("SOCIOMETER_REQUIRE_LAB") == "1"
