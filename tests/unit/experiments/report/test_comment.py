"""Claims about the comment on a pull request."""

from __future__ import annotations

import pytest

from experiments.compare.versus import Versus
from experiments.report.comment import LONGEST, body, marker
from kit.errors import SettingsError
from tests.support.changes import change, versus

LIMIT = 0.05
REPORT = "### A headline\n\nAll of it.\n"
SLOWER = versus(change(1.06, 1.2, "slower", could_catch=0.06))
EQUAL = versus(change(0.98, 1.02, "no-difference", could_catch=0.06, margin=0.02))
UNSURE = versus(change(0.9, 1.2, could_catch=0.3))


def first(text: str) -> str:
    return text.partition("\n")[0]


@pytest.mark.parametrize(
    ("compared", "verdict"),
    [
        (SLOWER, "### Starts are slower than allowed"),
        (EQUAL, "### Starts are not slower by 5.0 %"),
        (UNSURE, "### Starts: not certain"),
        (versus(lost=("after plain with 1 task",)), "### A treatment has no figure"),
    ],
)
def test_the_first_line_is_the_verdict_of_the_gate(compared: Versus, verdict: str) -> None:
    assert first(body(compared, REPORT, LIMIT)) == verdict


def test_without_a_limit_there_is_no_verdict() -> None:
    assert first(body(SLOWER, REPORT)) == "### Starts, compared with before"


def test_it_says_what_is_slower_and_what_could_have_been_caught() -> None:
    text = body(SLOWER, REPORT, LIMIT)
    assert r"boot of after plain with 1 task against before +13 % \(+6.0 to +20 %\)" in text
    assert "catches a slow-down of 6.0 % or more in 4 of 5 cases" in text


def test_it_has_the_chart_the_table_the_folded_report_and_the_link_in_this_order() -> None:
    text = body(SLOWER, REPORT, LIMIT, "https://ci.example/run/1")
    parts = ["```text\nafter plain, 1 task, boot", "| after | 1 | plain |", "<summary>The whole report", "(https://ci"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "All of it." in text


def test_warnings_are_seen_at_once_and_explanations_on_demand() -> None:
    text = body(versus(change(1.06, 1.2, "slower"), warnings=("The machine was busy.",)), REPORT, LIMIT)
    assert text.index("- Warning: The machine was busy.") < text.index("<details><summary>How to read it")
    assert text.count("The machine was busy.") == 1
    assert text.index("How to read it") < text.index("- p: t test")


def test_a_simulation_says_so_first() -> None:
    assert first(body(versus(change(1.0, 1.1), simulated=True), REPORT, LIMIT)).startswith("**SIMULATED")


@pytest.mark.parametrize(
    ("report", "variant", "rows"), [("x" * LONGEST, "after", 1), ("x", "n" * 400, 100), ("x", "n" * 30_000, 3)]
)
def test_what_is_too_long_is_left_out_and_it_says_so(report: str, variant: str, rows: int) -> None:
    changes = [change(1.06, 1.2, "slower", variant=variant, task_count=n) for n in range(1, rows + 1)]
    text = body(versus(*changes), report, LIMIT, "https://ci.example/run/1")
    assert len(f"{marker('start-time')}\n{text}") <= LONGEST
    assert first(text) == "### Starts are slower than allowed"
    assert "would be too long" in text or text.endswith("…")


def test_nothing_in_a_name_ends_the_block_or_calls_somebody() -> None:
    text = body(versus(change(1.06, 1.2, "slower", variant="a```\n@team <b>")), REPORT, LIMIT)
    before, chart, after = text.split("````")
    assert "a``` @team <b> plain" in chart  # where it is no markup
    assert "@team" not in before + after
    assert "<b>" not in before + after


@pytest.mark.parametrize("name", ["", "a b", "-->", "x" * 51, "a\nb"])
def test_a_name_that_could_end_the_marker_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be named"):
        marker(name)
