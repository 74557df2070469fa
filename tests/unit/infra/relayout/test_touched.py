"""From a trace to spans, whatever order the tar has."""

from __future__ import annotations

import pytest

from infra.oci.spans import Spans
from infra.oci.ztoc import ZtocEntry
from infra.relayout import touched
from infra.relayout.touched import Touched, files_of, touched_spans
from infra.trace.model import Trace, TracedFile

SPANS = Spans((0, 10_000, 20_000, 30_000), 40_000, ((0, 100), (100, 250), (250, 300), (300, 400)))


def entry(name: str, offset: int, size: int = 0, kind: str = "reg", link: str = "") -> ZtocEntry:
    return ZtocEntry(name, kind, offset, size, link)


ENTRIES = (
    entry("a", 512, kind="dir"),
    entry("a/one", 1024, 8000),
    entry("a/two", 10_752, 15_000),
    entry("hard", 26_624, kind="hardlink", link="a/two"),
    entry("three", 31_000, 100),
)


def read(*files: tuple[str, tuple[tuple[int, int], ...]], monkeypatch: pytest.MonkeyPatch) -> Touched:
    monkeypatch.setattr(touched, "read_entries", lambda ztoc: ENTRIES)
    monkeypatch.setattr(touched, "read_spans", lambda ztoc: SPANS)
    traced = [TracedFile(path=path, layer=0, size_bytes=1, ranges=ranges) for path, ranges in files]
    return touched_spans(b"", traced)


def test_pages_of_a_file_touch_the_spans_that_hold_them_and_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(("a/two", ((8192, 12_288),)), monkeypatch=monkeypatch)
    assert found.ranges == ((9216, 10_752), (18_944, 23_040))
    assert found.spans == (0, 1, 2)
    assert found.stored_bytes == 300
    assert (found.span_count, found.bytes_per_span) == (4, 10_000)


def test_pages_beyond_the_end_of_a_file_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(("three", ((0, 4096), (8192, 12_288))), monkeypatch=monkeypatch).ranges[-1] == (31_000, 31_100)


def test_a_hard_link_is_read_where_its_target_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    one = read(("hard", ((0, 4096),)), monkeypatch=monkeypatch)
    assert one == read(("a/two", ((0, 4096),)), monkeypatch=monkeypatch)


def test_what_the_layer_does_not_have_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(("gone", ((0, 10),)), ("a", ((0, 10),)), monkeypatch=monkeypatch)
    assert found.unknown == ("gone", "a")
    assert (found.ranges, found.spans) == ((), ())


def test_files_without_a_byte_read_are_left_out() -> None:
    files = (
        TracedFile(path="b", layer=1, size_bytes=1, ranges=((0, 1),)),
        TracedFile(path="a", layer=0, size_bytes=1),
        TracedFile(path="c", layer=1, size_bytes=1, ranges=((0, 1),)),
        TracedFile(path="d", layer=1, size_bytes=1),
    )
    digest = "sha256:" + "0" * 64
    trace = Trace(image="i", digest=digest, platform="linux/amd64", ready="x", ready_ms=1, layers=(), files=files)
    assert [file.path for file in files_of(trace, 1)] == ["b", "c"]
    assert files_of(trace, 0) == []
