"""Claims about the stack commands where there is no stack yet, with the real Pulumi."""

from __future__ import annotations

from pathlib import Path

import pytest

from sociometer.experiments import stack

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))


def test_nothing_is_left_where_nothing_was_made() -> None:
    assert stack.left("dev") == []
    assert stack.still_up() == {}


def test_removing_a_stack_that_is_not_there_is_no_error() -> None:
    told: list[str] = []
    stack.down("dev", told.append)
    assert told == []
