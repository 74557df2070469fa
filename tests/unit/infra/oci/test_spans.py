"""Spans from checkpoints, and which of them a range of the tar touches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.oci import spans
from infra.oci.spans import Spans, touched
from infra.oci.ztoc import ZtocEntry, read_entries, read_spans
from kit.errors import ImageError
from tests.support.ztocs import fixed, packed, ztoc

POINTS = ((10, 0, 0), (500, 4_100, 3), (900, 8_300, 0))
"""Compressed, uncompressed, bits."""


def test_spans_begin_where_the_checkpoints_say() -> None:
    found = read_spans(ztoc(packed(POINTS), 3))
    assert found == Spans((0, 4_100, 8_300), 9_000, ((10, 500), (499, 900), (900, 1_000)))
    assert [found.compressed_bytes(number) for number in range(3)] == [490, 401, 100]
    assert found.extent(1) == (4_100, 8_300)
    assert found.extent(2) == (8_300, 9_000)


@pytest.mark.parametrize("size_bytes", [spans.MOST_SPANS + 1, 1 << 60])
def test_spans_without_number_are_refused_before_they_are_counted(size_bytes: int) -> None:
    with pytest.raises(ImageError, match=f"spans of 1 bytes for a layer of {size_bytes}"):
        read_spans(ztoc(fixed(1, size_bytes), 1, algorithm=2))


def test_names_that_a_small_ztoc_shares_a_million_times_are_refused() -> None:
    one = ZtocEntry("n" * 100_000, "reg", 512, 1, "")
    assert len(read_entries(ztoc(packed(POINTS), 3, entries=[one] * 3))) == 3
    assert len(read_entries(ztoc(packed(POINTS), 3, entries=[one] * 10, shared=True))) == 10
    with pytest.raises(ImageError, match="share their names"):
        read_entries(ztoc(packed(POINTS), 3, entries=[one] * 100, shared=True))


def test_an_entry_before_the_beginning_is_refused() -> None:
    with pytest.raises(ImageError, match="lies at -512"):
        read_entries(ztoc(packed(POINTS), 3, entries=[ZtocEntry("a", "reg", -512, 1, "")]))


def test_a_version_1_ztoc_leaves_the_first_checkpoint_out() -> None:
    assert read_spans(ztoc(packed(POINTS[1:], count=3), 3)) == read_spans(ztoc(packed(POINTS), 3))


def test_a_layer_that_is_not_compressed_has_spans_of_one_size() -> None:
    found = read_spans(ztoc(fixed(4_000, 10_240), 3, algorithm=2))
    assert found == Spans((0, 4_000, 8_000), 9_000, ((0, 4_000), (4_000, 8_000), (8_000, 10_240)))
    assert len(read_spans(ztoc(fixed(4_000, 8_000), 2, algorithm=2)).starts) == 2


@pytest.mark.parametrize(
    "content",
    [
        ztoc(b"", 1),
        ztoc(packed(POINTS, count=5), 5),
        ztoc(packed(POINTS)[:-1], 3),
        ztoc(packed(()), 1),
        ztoc(packed(POINTS), 4),
        ztoc(packed((POINTS[0], POINTS[2], POINTS[1])), 3),
        ztoc(fixed(0, 100), 1, algorithm=2),
        ztoc(b"x", 1, algorithm=2),
    ],
)
def test_checkpoints_that_are_none_are_refused(content: bytes) -> None:
    with pytest.raises(ImageError):
        read_spans(content)


@given(st.binary(max_size=300))
def test_any_bytes_have_spans_and_entries_or_are_an_image_error(content: bytes) -> None:
    for read in (read_spans, read_entries):
        try:
            read(content)
        except ImageError:
            continue


def test_entries_are_in_the_order_of_the_tar() -> None:
    folder, file = ZtocEntry("a/", "dir", 512, 0, ""), ZtocEntry("a/b", "reg", 1_024, 100, "")
    link = ZtocEntry("a/c", "hardlink", 2_048, 0, "a/b")
    assert read_entries(ztoc(packed(POINTS), 3, entries=[link, file, folder])) == (folder, file, link)
    assert read_entries(ztoc(packed(POINTS), 3)) == ()


def test_a_range_touches_the_spans_that_hold_it_and_the_one_that_begins_at_its_end() -> None:
    some = read_spans(ztoc(packed(POINTS), 3))
    assert touched(some, [(0, 1)]) == [0]
    assert touched(some, [(4_099, 4_101)]) == [0, 1]
    assert touched(some, [(0, 4_100)]) == [0, 1]
    assert touched(some, [(8_999, 9_000), (10, 20)]) == [0, 2]
    assert touched(some, [(4_100, 4_100)]) == []


@st.composite
def layers(draw: st.DrawFn) -> Spans:
    steps = draw(st.lists(st.tuples(st.integers(1, 50), st.integers(20, 60)), min_size=1, max_size=20))
    into, out, points = 10, 0, []
    for more_out, more_into in steps:
        points.append((into, out, draw(st.integers(0, 7)) if out else 0))
        into, out = into + more_into, out + more_out
    return spans.of_gzip(packed(points), into, out)


RANGE = st.tuples(st.integers(0, 900), st.integers(0, 100)).map(lambda it: (it[0], it[0] + it[1]))
RANGES = st.lists(RANGE, max_size=8)


@given(layers(), RANGES)
def test_every_byte_of_a_range_lies_in_a_touched_span_and_no_span_is_touched_for_nothing(
    layer: Spans, ranges: list[tuple[int, int]]
) -> None:
    ranges = [(start, min(end, layer.uncompressed_bytes)) for start, end in ranges if start < layer.uncompressed_bytes]
    found = touched(layer, ranges)
    extents = [layer.extent(number) for number in range(len(layer.starts))]
    wanted = [
        number
        for number, (start, end) in enumerate(extents)
        if any(low < end and high >= start and low < high for low, high in ranges)
    ]
    assert found == wanted


@given(layers())
def test_all_spans_together_are_the_whole_layer(layer: Spans) -> None:
    extents = [layer.extent(number) for number in range(len(layer.starts))]
    assert [end for _, end in extents] == [*layer.starts[1:], layer.uncompressed_bytes]
    assert touched(layer, [(0, layer.uncompressed_bytes)]) == list(range(len(extents)))
    whole = sum(layer.compressed_bytes(number) for number in range(len(extents)))
    assert 0 <= whole - (layer.stored[-1][1] - layer.stored[0][0]) < len(extents)  # one shared byte at most between two
