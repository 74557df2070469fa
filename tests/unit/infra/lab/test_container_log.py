"""What a container printed: its last words, and a line that says it is ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.lab import container_log
from infra.lab.container_log import ContainerLog


def log_of(folder: Path, text: str) -> ContainerLog:
    (folder / "log").write_text(text)
    return ContainerLog(folder / "log")


def test_the_last_three_lines_are_its_last_words(tmp_path: Path) -> None:
    assert log_of(tmp_path, "a\nb\nc\nd\n").last_words() == "It said: b / c / d"
    assert log_of(tmp_path, "").last_words() == "It said nothing."
    assert ContainerLog(tmp_path / "none").last_words() == "It said nothing."


def test_a_line_anywhere_in_the_output_is_found(tmp_path: Path) -> None:
    log = log_of(tmp_path, "starting\nlistening on port 80\nmore\n")
    assert log.look(r"^listening on port \d+$").ready
    refused = log.look("^ready$")
    assert (refused.ready, refused.seen) == (False, "no line of its output matches '^ready$'")
    assert not ContainerLog(tmp_path / "none").look("x").ready


def test_endless_output_is_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_log, "MOST_BYTES", 100)
    log = log_of(tmp_path, "early\n" + "x" * 1000 + "\nlate\n")
    assert log.look("^late$").ready
    assert not log.look("^early$").ready
