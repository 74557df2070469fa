"""Text of others, shown so that it can do no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ImageError
from kit.visible import MOST_CHARACTERS, is_plain, is_utf8, message, visible


def test_what_cannot_be_seen_is_escaped() -> None:
    assert visible("a\x1b[31m\u202eb\u200bc\td\n") == "a\\u001b[31m\\u202eb\\u200bc\td\n"
    assert visible("movie −46 % × é 漢 🐢") == "movie −46 % × é 漢 🐢"  # noqa: RUF001


def test_a_line_break_in_a_name_cannot_pass_for_a_line_of_ours() -> None:
    assert str(ImageError("x\nerror: all is lost holds no image.")) == "x\\nerror: all is lost holds no image."
    assert str(ImageError("a\tb")) == "a\\tb"
    assert str(ImageError("regctl failed. It said:\n  one\n  two")) == "regctl failed. It said:\n  one\n  two"
    assert str(ImageError("2 things failed:\n- one\n- two")) == "2 things failed:\n- one\n- two"


def test_a_value_of_a_megabyte_leaves_the_beginning_and_what_to_do() -> None:
    told = str(ImageError(f"Setting x: {'9' * 1_000_000} cannot be used: write a number."))
    assert len(told) < MOST_CHARACTERS + 50
    assert told.startswith("Setting x: 999") and told.endswith("999 cannot be used: write a number.")


@pytest.mark.parametrize(
    ("text", "plain", "utf8"), [("é", True, True), ("a\n", False, True), ("\udcff", False, False), ("", True, True)]
)
def test_what_is_plain_and_what_can_be_written(text: str, plain: bool, utf8: bool) -> None:
    assert (is_plain(text), is_utf8(text)) == (plain, utf8)


@given(st.text(st.characters(), max_size=300))
def test_a_message_can_always_be_written_and_stays_as_it_is(text: str) -> None:
    told = message(text)
    assert told.encode().decode() == told
    assert message(told) == told
    assert all(line.startswith(("  ", "- ")) for line in told.split("\n")[1:])
