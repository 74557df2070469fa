"""Documents from elsewhere: what is read, and what is refused in one line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from kit import documents
from kit.documents import (
    LEAST_INTEGER,
    MOST_DEPTH,
    MOST_INTEGER,
    Unreadable,
    checked,
    model_of,
    object_of,
    of_json,
    of_yaml,
)

LEVELS = MOST_DEPTH + 1
TEXT = st.text(st.characters(codec="utf-8"))
NUMBER = st.integers(-(1 << 63), MOST_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(JSON, st.booleans())
def test_every_json_document_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert of_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
    assert checked(value) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "NaN is no JSON number"),
        ('{"a":-Infinity}', "-Infinity is no JSON number"),
        ("1e999", "too large a number"),
        (str(MOST_INTEGER + 1), "more than 64 bits"),
        ("9" * 10_000, "more than 64 bits"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * LEVELS + "]" * LEVELS, "more than 100 levels"),
        (r'"\ud800"', "half a surrogate pair"),
        (b"\xff", "not UTF-8: invalid start byte at byte 0"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{", "not JSON: Expecting property name"),
        ("", "not JSON"),
    ],
)
def test_what_is_no_json_or_cannot_be_counted_on_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        of_json(text)


def test_brackets_in_texts_are_no_nesting() -> None:
    value = {"a": "[{" * 500, "b\\": '"[' * 500}
    assert of_json(json.dumps(value)) == value


def test_an_object_is_wanted_and_a_model_has_its_first_fault_named() -> None:
    class Point(BaseModel):
        x: int

    with pytest.raises(Unreadable, match="it is no JSON object"):
        object_of("[]")
    with pytest.raises(Unreadable, match="x: Field required"):
        model_of(Point, "{}")
    assert model_of(Point, '{"x": 3}').x == 3


@pytest.mark.parametrize("place", ["alone", "or_none", "several", "named", "inside"])
@pytest.mark.parametrize("number", [MOST_INTEGER + 1, LEAST_INTEGER - 1, 10**40])
def test_a_text_that_stands_for_a_number_beyond_64_bits_is_refused_wherever_it_is(place: str, number: int) -> None:
    class Inner(BaseModel):
        x: int = 0

    class Outer(BaseModel):
        alone: int = 0
        or_none: int | None = None
        several: frozenset[int] = frozenset()
        named: dict[str, tuple[int, int]] = Field(default={})
        inside: Inner | None = None

    text = str(number)
    values = {"several": [text], "named": {"a": ["1", text]}, "inside": {"x": text}}
    with pytest.raises(Unreadable, match=f"{text[:40]} needs more than 64 bits"):
        model_of(Outer, json.dumps({place: values.get(place, text)}))
    ends = {"alone": str(LEAST_INTEGER), "several": [str(MOST_INTEGER)]}
    assert model_of(Outer, json.dumps(ends)) == Outer(alone=LEAST_INTEGER, several=frozenset([MOST_INTEGER]))


@pytest.mark.parametrize("text", ["[" * 500_000, "{" * 500_000, "[{" * 250_000])
def test_yaml_that_is_nested_without_end_is_given_up_early(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable, match="nested too deeply"):
        of_yaml(text)
    assert time.process_time() - began < 0.4


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (laughs(12), "aliases stand for more than"),
        ("a: &a [*a]", "contains itself"),
        ("a: 2027-13-45", "month must be in"),
        ("!!int x-1", "not YAML: invalid literal"),
        ("? [a]\n: b", "not YAML"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("[" * 5_000, "nested too deeply"),
        ("a: .inf", "inf is no number"),
        ("a: " + "9" * 400, "more than 64 bits"),
        (b"a: \xff", "not YAML"),
        ('a: "\\uD800"', "half a surrogate pair"),
        (b"#" * (2 << 20), "more than"),
    ],
)
def test_yaml_that_is_none_or_stands_for_more_than_it_has_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        of_yaml(text)


def test_aliases_that_stand_for_little_are_read() -> None:
    assert of_yaml("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}
    assert len(of_yaml(laughs(3))) == 3


def test_a_document_without_end_is_not_waited_for() -> None:
    with pytest.raises(Unreadable, match="more than 1000 bytes"):
        documents.read(Path("/dev/zero"), 1000)
