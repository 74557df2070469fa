"""The short form of the campaign with hostile input, and that the campaign sees what it looks for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzz
from benchmarks.hostile import campaign, trial
from benchmarks.hostile.parser import Parser
from kit.errors import ImageError

PARSERS = fuzz.all_parsers()
EXAMPLES = 12
"""Of each parser; `benchmarks/fuzz.py` tries as many as it is told."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(number=st.integers(0, 1 << 40))
def test_no_input_ends_with_a_traceback_or_a_line_that_is_not_clear(name: str, home: Path, number: int) -> None:
    content = campaign.input_of(PARSERS[name], 0, number)
    verdict = trial.tried(PARSERS[name], content)
    assert not verdict.is_fault, (verdict, content[:300])


def take_of(action: Callable[[], object]) -> Parser:
    return Parser("bad", "nowhere", lambda random: bytes([random.randrange(256)]) * 9, lambda _: action())


def raises(error: Exception) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


def spin() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (raises(KeyError("x")), "traceback"),
        (raises(AssertionError()), "traceback"),
        (raises(ImageError("")), "unclear"),
        (lambda: bytearray(6 << 30), "traceback"),
        (lambda: Path("../outside/new").write_text("x"), "outside"),
        (lambda: Path("../outside/etc/passwd").unlink(), "outside"),
        (lambda: os.system("true"), "outside"),  # noqa: S605 - is to be caught
        (raises(ImageError("one line")), "refused"),
        (lambda: Path("inside").write_text("x"), "accepted"),
    ],
)
def test_the_campaign_sees_what_a_parser_does(action: Callable[[], object], kind: str) -> None:
    found = campaign.run(take_of(action), seed=1, first=0, inputs=3, minutes=1)
    assert found.counts == {kind: 3}
    assert bool(found.faults) == (kind not in ("refused", "accepted"))


def test_a_parser_that_does_not_end_is_ended() -> None:
    assert trial.tried(take_of(spin), b"", seconds=0.05).kind == "hang"


def test_a_parser_that_takes_the_process_with_it_is_counted_and_the_rest_still_tried() -> None:
    def action() -> None:
        if os.getpid() != here:
            os._exit(7)

    here = os.getpid()
    found = campaign.run(take_of(action), seed=1, first=0, inputs=2, minutes=1)
    assert found.counts["traceback"] == 2 and found.inputs == 2


def test_an_input_follows_from_seed_and_number_and_a_smaller_one_shows_the_same_fault() -> None:
    parser = Parser("eight", "", lambda random: random.randbytes(300), lambda content: content.index(b"\0"))
    content = campaign.input_of(parser, 3, 5)
    assert content == campaign.input_of(parser, 3, 5) != campaign.input_of(parser, 3, 6)
    content = content.replace(b"\0", b"")
    verdict = trial.tried(parser, content)
    assert verdict.kind == "traceback"
    assert trial.smallest(parser, content, verdict) == b""


def test_the_table_has_a_row_for_each_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    row = fuzz.Row(1)
    fuzz._take(row, campaign.run(take_of(raises(KeyError("x"))), 1, 0, 2, 1), None)
    assert "bad                         2" in fuzz.table({"bad": row}).splitlines()[1]
    assert row.faults and time.monotonic() - began < 60
