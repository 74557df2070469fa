"""Settings from text: words between commas, of which some stand in parentheses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings.values import parse_size, words_of

WORD = st.text("ab=1 ", max_size=4)
LIST = st.lists(WORD | st.builds("{}({})".format, WORD, st.lists(WORD, max_size=3).map(",".join)), max_size=5)


@given(LIST)
def test_commas_separate_words_but_not_inside_parentheses(words: list[str]) -> None:
    assert words_of(",".join(words)) == [word.strip() for word in words if word.strip()]


@given(st.text("a,() ", max_size=12))
def test_nothing_but_commas_and_spaces_is_lost(text: str) -> None:
    assert re.sub("[, ]", "", "".join(words_of(text))) == re.sub("[, ]", "", text)


def test_a_hundred_thousand_words_are_told_apart_at_once() -> None:
    """The pattern that did it before took time by the square of their number: minutes."""
    assert len(words_of("a," * 200_000)) == 200_000


@pytest.mark.parametrize("text", ["9" * 5000, "٣", "1e3", "-1", "4 MB", "", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a number of bytes"):
        parse_size(text)
