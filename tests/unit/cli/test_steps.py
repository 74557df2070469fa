from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from sociometer.cli.steps import Steps


def lines_of(output: io.StringIO) -> list[str]:
    return output.getvalue().splitlines()


def test_log_gets_a_line_at_the_start_and_at_the_end_of_a_step() -> None:
    output = io.StringIO()
    with Steps(Console(file=output))("building soci 0.16.0", 2, 6):
        assert lines_of(output) == ["[2/6] building soci 0.16.0 …"]
    assert lines_of(output)[1:] == ["[2/6] building soci 0.16.0: 0 s"]


def test_long_step_reminds_a_log_that_it_goes_on() -> None:
    output = io.StringIO()
    with Steps(Console(file=output), reminder_seconds=0.01)("building", 1, 1):
        deadline = time.monotonic() + 30
        while "so far" not in output.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert lines_of(output)[1] == "[1/1] building: 0 s so far"


def test_step_that_fails_is_not_called_done() -> None:
    output = io.StringIO()
    with pytest.raises(RuntimeError), Steps(Console(file=output))("building", 1, 1):
        raise RuntimeError
    assert lines_of(output) == ["[1/1] building …"]


def test_terminal_keeps_only_the_finished_line() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=80)
    with Steps(console)("building", 1, 1):
        pass
    assert lines_of(output)[-1].endswith("[1/1] building: 0 s")


def test_waiting_has_no_number() -> None:
    output = io.StringIO()
    with Steps(Console(file=output))("waiting for another installation", 0, 0):
        pass
    assert lines_of(output)[0] == "waiting for another installation …"


def test_what_a_step_notes_last_is_kept() -> None:
    output = io.StringIO()
    with Steps(Console(file=output))("downloading soci", 0, 0) as note:
        note("10 MB")
        note("20 MB")
    assert lines_of(output)[-1] == "downloading soci: 0 s, 20 MB"


def test_terminal_shows_how_far_a_step_is() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=80)
    with Steps(console)("downloading soci", 0, 0) as note:
        note("10 MB")
    assert lines_of(output)[-1].endswith("downloading soci: 0 s, 10 MB")
