"""A trace as a picture: drawn in each kind, with nothing of the image's names taken for markup."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.report.plots.trace import Band, description, dots, draw, shares
from infra.trace.assemble import assemble
from infra.trace.model import Trace
from tests.unit.infra.trace.test_assemble import ABOUT, LAYERS, made, seen


def drawn(trace: Trace, folder: Path) -> str:
    draw(trace, folder / "it.svg")
    return (folder / "it.svg").read_text()


def test_the_picture_says_its_layers_and_what_was_read(tmp_path: Path) -> None:
    svg = drawn(made(), tmp_path)
    texts = re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg)
    assert {"layer 0: 14.8 kB", "layer 1: 2.0 kB", "layer 2: loaded whole", "read", "not fetched"} <= set(texts)
    assert description(made()) in svg
    assert "var(" not in svg


def test_every_file_that_was_opened_is_a_dot(tmp_path: Path) -> None:
    def count(trace: Trace) -> int:
        return drawn(trace, tmp_path).partition("mark-symbol role-mark")[2].partition("</g>")[0].count("<path")

    assert (count(made()), count(made(read={}, first_ns={}))) == (3, 0)


@pytest.mark.parametrize(("name", "head"), [("it.png", b"\x89PNG"), ("it.html", b"<!doctype html>")])
def test_the_end_of_the_name_says_the_kind(tmp_path: Path, name: str, head: bytes) -> None:
    draw(made(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(head)


def test_a_page_shows_names_as_text(tmp_path: Path) -> None:
    hostile = assemble(dataclasses.replace(ABOUT, image="<script>x</script>"), LAYERS, seen(strangers=("<b>",)))
    draw(hostile, tmp_path / "it.html")
    page = (tmp_path / "it.html").read_text()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_many_layers_do_not_make_the_picture_endless(tmp_path: Path) -> None:
    svg = drawn(assemble(ABOUT, [LAYERS[1]] * 127, seen(read={}, first_ns={})), tmp_path)
    (height,) = re.findall(r'^<svg [^>]*height="([0-9.]+)"', svg)
    assert 400 < float(height) < 1_100


@given(st.integers(1, 10**6), st.integers(1, 50), st.sets(st.integers(0, 10**6), max_size=12))
def test_areas_of_the_strip_are_bytes(size: int, rows: int, places: set[int]) -> None:
    ends = sorted(min(place, size) for place in places)
    ranges = list(zip(ends[::2], ends[1::2], strict=False))
    found = shares(size, rows, ranges)
    assert len(found) == rows
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in found)
    assert sum(found) * size / rows == pytest.approx(sum(high - low for low, high in ranges), abs=1e-3)


def test_low_layers_are_named_wherever_they_lie(tmp_path: Path) -> None:
    texts = re.findall(r">(layer \d+)", drawn(assemble(ABOUT, [*[LAYERS[0]] * 5, *[LAYERS[1]] * 9], seen()), tmp_path))
    assert texts == [f"layer {number}" for number in range(14)]


def test_a_digest_is_no_wider_than_the_picture(tmp_path: Path) -> None:
    named = dataclasses.replace(ABOUT, image="web@sha256:" + "0123456789ab" + "c" * 52)
    assert "What web@sha256:0123456789ab… reads" in drawn(assemble(named, LAYERS, seen()), tmp_path)


def test_a_dot_lies_where_its_file_is_read() -> None:
    trace = made()
    large = trace.files[0].model_copy(
        update={"layer": 0, "offset": 0, "size_bytes": 10_000, "ranges": ((0, 1000), (2000, 3000))}
    )
    (dot,) = dots(trace.model_copy(update={"files": (large,)}), [Band(0.0, 100.0, 10_000)])
    assert dot["low"] == pytest.approx(15.0)
