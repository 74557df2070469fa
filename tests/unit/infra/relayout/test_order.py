"""The new order of a layer's entries: each after what it needs; where more depends on the order, none at all."""

from __future__ import annotations

import pytest

from infra.relayout.order import reordered
from infra.relayout.records import Kind, Record, Unmovable


def records(*entries: str) -> list[Record]:
    """``name`` is a file, ``name/`` a folder, ``name=target`` a hard link, ``name>`` a symbolic link."""
    made = []
    for at, text in enumerate(entries):
        name, _, target = text.partition("=")
        kinds: dict[str, Kind] = {"/": "folder", ">": "symlink"}
        kind: Kind = "hard link" if target else kinds.get(text[-1:], "file")
        made.append(Record(at, at + 1, kind, name.rstrip("/>").encode(), target.encode()))
    return made


def names(entries: list[Record], *wanted: str, below: tuple[bytes, ...] = ()) -> list[str]:
    order = reordered(entries, [path.encode() for path in wanted], below)
    assert sorted(order) == list(range(len(entries)))
    return [entries[index].path.decode() for index in order]


def test_without_a_wish_nothing_moves() -> None:
    assert names(records("a/", "a/b", "c")) == ["a", "a/b", "c"]


def test_wanted_files_come_first_in_the_order_of_the_wish() -> None:
    assert names(records("a", "b", "c", "d"), "d", "b", "nowhere") == ["d", "b", "a", "c"]


def test_folders_come_before_what_lies_in_them_outermost_first() -> None:
    assert names(records("/", "x", "a/", "a/b/", "a/b/c"), "a/b/c") == ["", "a", "a/b", "a/b/c", "x"]


def test_a_folder_that_came_late_comes_before_its_children() -> None:
    assert names(records("a/b", "a/"), "a/b") == ["a", "a/b"]


def test_a_link_chain_brings_the_content_and_leaves_the_links() -> None:
    assert names(records("x", "a", "b=a", "c=b", "y"), "c") == ["a", "x", "b", "c", "y"]


def test_a_link_follows_its_target_wherever_it_stood() -> None:
    assert names(records("a", "z", "b=a"), "z") == ["z", "a", "b"]


def test_whiteouts_come_before_everything_behind_their_folders() -> None:
    assert names(records("f", "d/", "d/new", "d/.wh..wh..opq", ".wh.gone"), "f") == [
        "d", "d/.wh..wh..opq", ".wh.gone", "f", "d/new",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (records("b/g", ".wh..wh..opq"), "comes after a folder that it may leave as it was"),
        (records("b/", ".wh..wh..opq"), "comes after a folder that it may leave as it was"),
        (records("d/b/c/g", "d/.wh..wh..opq"), "comes after a folder that it may leave as it was"),
        (records("a", "b", "a"), "two entries 'a'"),
        (records("a", ".wh.a"), "hides something of the same layer"),
        (records("a/b", ".wh.a"), "hides something of the same layer"),
        (records("d/.wh.x", "d/x/"), "hides something of the same layer"),
        (records("a>", "a/b"), "which is no folder"),
        (records("a", "a/b"), "which is no folder"),
        (records("b=a", "a"), "comes before its target"),
        (records("b=a"), "target in another layer"),
        (records("a/", "b=a"), "one to a folder"),
        (records(".wh..wh.plnk/"), "only aufs knows"),
        (records(".wh..wh.aufs"), "only aufs knows"),
        (records("a/.wh."), "only aufs knows"),
        (records("a", ".wh.b=a"), "only aufs knows"),
        (records(".wh.a/b"), "beneath a whiteout"),
        (records(">"), "without a name"),
    ],
)
def test_where_more_depends_on_the_order_nothing_moves(entries: list[Record], reason: str) -> None:
    with pytest.raises(Unmovable, match=reason):
        names(entries)


def test_an_entry_beneath_what_is_no_folder_in_a_lower_layer_does_not_move() -> None:
    for entries in (records("lib/x"), records("lib/x", "lib/")):
        with pytest.raises(Unmovable, match="'lib/x' lies beneath a link or file of a layer below"):
            names(entries, below=(b"lib",))
    assert names(records("a", "lib/", "lib/x"), "lib/x", below=(b"lib",)) == ["lib", "lib/x", "a"]


def test_a_long_chain_of_links_is_followed() -> None:
    chain = ["0", *(f"{number}={number - 1}" for number in range(1, 3000))]
    assert names(records("first", *chain), "2999")[:2] == ["0", "first"]
