"""Claims about changes drawn as lines of text."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from experiments.analysis.findings import Interval
from experiments.compare.versus import Change
from experiments.report.interval_chart import WIDTH, chart, scale
from experiments.wording import MINUS
from tests.support.changes import change

LIMIT = 0.05


def lines(*changes: Change, limit: float | None = LIMIT) -> list[str]:
    return chart(changes, limit).splitlines()


def drawn(line: str, name: str = "after plain, 1 task, boot") -> str:
    assert line.startswith(f"{name}  ")
    return line[len(name) + 2 :][:WIDTH]


def test_a_change_stands_between_the_ends_of_its_interval_and_beside_no_change_and_the_limit() -> None:
    [line, ends, marks] = lines(change(0.98, 1.08))
    row = drawn(line)
    assert [row.index(mark) for mark in "├│●┊┤"] == sorted(row.index(mark) for mark in "├│●┊┤")
    assert line.endswith("  +2.9 %")
    assert ends.split() == [f"{MINUS}2.0", "%", "+8.0", "%"]
    assert "┊ limit +5.0 %" in marks


def test_where_a_mark_stands_is_where_its_value_lies_on_the_scale() -> None:
    each = change(0.9, 1.15, ratio=1.02)
    on = scale([each], LIMIT)
    row = drawn(lines(each)[0])
    for mark, ratio in (("├", 0.9), ("│", 1.0), ("┊", 1.05), ("┤", 1.15), ("●", each.ratio)):
        there = on.low * (on.high / on.low) ** (row.index(mark) / (WIDTH - 1))
        assert abs(math.log(there / ratio)) <= math.log(on.high / on.low) / WIDTH


def test_an_interval_that_is_much_wider_than_the_others_is_cut_and_says_so() -> None:
    narrow, wide = lines(change(0.99, 1.01), change(0.2, 5.0, ratio=1.0))[:2]
    assert drawn(wide)[0] == "◄"
    assert drawn(wide)[-1] == "►"
    assert {"├", "┤"} <= set(narrow)


def test_no_change_and_a_limit_are_both_seen_beside_a_start_that_takes_fifty_times_as_long() -> None:
    row, ends, _ = lines(change(45, 60, "slower"))
    assert "│┊" in drawn(row)
    assert ends.split()[0].startswith(MINUS)
    assert float(ends.split()[0].removeprefix(MINUS)) < 100


def test_a_change_without_an_interval_is_a_point() -> None:
    row = drawn(lines(change(1.0, 1.2).model_copy(update={"interval": None}))[0])
    assert set(row) == {" ", "│", "┊", "●"}


def test_without_a_limit_there_is_none() -> None:
    assert "┊" not in chart([change(0.98, 1.08)])


def test_without_changes_there_is_no_chart() -> None:
    assert chart([]) == ""


@pytest.mark.parametrize("names", [("a", "a-long-name"), ("画像", "x"), ("\u202ex", "y"), ("a\nb\tc", "y")])
def test_all_lines_begin_their_scale_in_the_same_column(names: tuple[str, str]) -> None:
    rows = lines(*(change(0.98, 1.08, variant=name) for name in names))[:2]
    assert len({cell_len(row[: row.index("├")]) for row in rows}) == 1
    assert "\u202e" not in "".join(rows)


def test_equal_values_everywhere_have_a_scale() -> None:
    still = change(1.0, 1.0).model_copy(update={"interval": Interval(low=1.0, high=1.0)})
    assert "●" in lines(still, limit=None)[0]
