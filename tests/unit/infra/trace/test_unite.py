"""Traces of several boots of one image as one."""

from __future__ import annotations

import dataclasses

import pytest

from infra.trace.assemble import assemble
from infra.trace.model import Trace
from infra.trace.summary import summary
from infra.trace.unite import merged, unite
from kit.errors import TraceError
from tests.unit.infra.trace.test_assemble import ABOUT, BEGAN, LAYERS, LOWER, UPPER, made, seen


def other(**about: object) -> Trace:
    """A boot that reads the end of the first file, and another file before it."""
    one, two, main = LOWER.named("usr/lib/a/b/c/one"), LOWER.named("usr/lib/a/d/two"), UPPER.named("main")
    assert one and two and main
    watched = seen(
        first_ns={two: BEGAN + 1_000, one: BEGAN + 2_000, main: BEGAN + 9_000_000},
        read={two: [(0, 4_096)], one: [(4_096, 8_192)], main: [(0, 50)]},
        ready_ns=BEGAN + 4_000_000_000,
    )
    return assemble(dataclasses.replace(ABOUT, **about), LAYERS, watched)  # type: ignore[arg-type]


def test_one_trace_alone_stays_as_it_is() -> None:
    assert unite([made()]) == made()


def test_ranges_are_united_and_each_file_comes_at_its_earliest_rank() -> None:
    both = unite([made(), other()])
    assert [file.path for file in both.files] == ["usr/lib/a/d/two", "empty", "usr/lib/a/b/c/one", "main"]
    by_path = {file.path: file for file in both.files}
    assert by_path["usr/lib/a/b/c/one"].ranges == ((0, 8_192),)
    assert by_path["usr/lib/a/b/c/one"].first_ms == 0.002
    assert (both.ready_ms, both.boots, both.received_bytes) == (4_000, 2, None)
    assert [file.path for file in unite([other(), made()]).files] == [file.path for file in both.files]


def test_what_is_needed_is_what_any_boot_needs_and_figures_are_of_both() -> None:
    both = unite([made(), other()])
    one, two = (trace.layers[0].lazy for trace in (made(), other()))
    lazy = both.layers[0].lazy
    assert lazy and one and two
    assert set(lazy.spans) == {*one.spans, *two.spans}
    assert lazy.fetched_bytes == sum(lazy.span_weights)
    assert max(one.fetched_bytes, two.fetched_bytes) <= lazy.fetched_bytes <= one.fetched_bytes + two.fetched_bytes
    assert lazy.unpacked_bytes == sum(end - start for start, end in lazy.fetched)
    found = summary(both)
    assert (found.read_bytes, both.share) == (8_192 + 4_096 + 50, pytest.approx(found.share))
    assert both.amplification == pytest.approx(found.amplification)
    assert sum(folder.read_bytes for folder in both.folders) == found.read_bytes


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"digest": "sha256:" + "9" * 64}, "Traces of two images cannot be united: one is of web:dev"),
        ({"span_bytes": 1 << 20}, "Trace again with the same --span-size"),
    ],
)
def test_other_images_and_other_spans_are_refused_in_one_line(changed: dict[str, object], said: str) -> None:
    with pytest.raises(TraceError, match=said) as raised:
        unite([made(), other(**changed)])
    assert "\n" not in str(raised.value)


def test_a_trace_that_does_not_weigh_its_spans_is_refused() -> None:
    former = made()
    lazy = former.layers[0].lazy
    assert lazy
    light = former.layers[0].model_copy(update={"lazy": lazy.model_copy(update={"span_weights": ()})})
    with pytest.raises(TraceError, match="Trace again"):
        unite([former.model_copy(update={"layers": (light, *former.layers[1:])}), other()])


def test_ranges_that_touch_or_overlap_are_one() -> None:
    assert merged([(5, 8), (0, 2), (2, 3), (7, 9), (20, 30), (21, 22)]) == [(0, 3), (5, 9), (20, 30)]
