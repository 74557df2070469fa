"""Which entry of a tar holds what a name means."""

from __future__ import annotations

from infra.oci.spans import Spans
from infra.oci.ztoc import ZtocEntry, header_starts
from infra.trace.contents import Content, LayerFiles, clean


def entries(*rows: tuple[str, str, int] | tuple[str, str, int, str]) -> list[ZtocEntry]:
    """Entries one behind the other, each with a header of one block."""
    found, place = [], 0
    for name, kind, size, *link in rows:
        found.append(ZtocEntry(name, kind, place + 512, size, link[0] if link else ""))
        place += 512 + -(-size // 512) * 512
    return found


def test_a_header_begins_behind_the_entry_before_it() -> None:
    some = entries(("a", "reg", 600), ("b", "reg", 0), ("c", "dir", 0))
    assert header_starts(some) == [0, 512 + 1024, 512 + 1024 + 512]
    assert header_starts([]) == []


def test_a_name_is_a_path_without_slashes_around_it() -> None:
    assert [clean(name) for name in ("./usr//bin/", "/a", "a/../b", "../../etc", ".")] == [
        "usr/bin",
        "a",
        "b",
        "etc",
        "",
    ]


def test_a_hard_link_means_the_content_of_its_target() -> None:
    files = LayerFiles(1, entries(("a", "reg", 10), ("d/", "dir", 0), ("./d/b", "hardlink", 0, "./a")))
    assert files.named("d/b") == files.named("a") == Content(1, "a", "a", 0, 512, 10)
    assert len(files.contents) == 1


def test_a_link_to_a_name_that_is_replaced_later_keeps_what_it_meant() -> None:
    files = LayerFiles(0, entries(("a", "reg", 10), ("b", "hardlink", 0, "a"), ("a", "reg", 20)))
    one, other = files.named("a"), files.named("b")
    assert one is not None and other is not None
    assert (one.size, other.size) == (20, 10)
    assert [content.size for content in files.contents] == [10, 20]


def test_what_is_no_regular_file_has_no_content() -> None:
    rows = (
        ("a", "reg", 10),
        ("a", "symlink", 0, "b"),
        ("d", "dir", 0),
        ("p", "fifo", 0),
        ("l", "hardlink", 0, "absent"),
    )
    files = LayerFiles(0, entries(*rows))
    assert [files.named(name) for name in ("a", "d", "p", "l", "absent")] == [None] * 5


def test_reading_a_file_needs_its_header_and_the_parts_that_were_read() -> None:
    files = LayerFiles(0, entries(("a", "reg", 4_096), ("b", "reg", 40_960), ("c", "reg", 100)))
    spans = Spans((0, 5_000, 9_000, 20_000, 40_000), 50_000, ((0, 1),) * 5)
    read = files.named("b")
    assert read is not None
    assert (read.header, read.offset) == (4_608, 5_120)
    assert files.needed({read: [(16_384, 20_480)]}, spans) == [0, 1, 3]
    assert files.needed({read: []}, spans) == [0, 1]
    assert files.needed({}, spans) == []
