"""The file system that layers make, without a disk: as the specification and containerd have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.relayout import facts
from infra.relayout.facts import Entry, Facts
from infra.relayout.tree import Shown, differences, tree
from kit.errors import ImageError
from tests.support.field_images import Layer, Tar, gzip_layer, noise, zstd_layer

FOLDER = Facts("folder", 0o755, (0, 0), ("0", "", ""))
FILE = Facts("file", 0o644, (0, 0), ("0", "", ""), 1, "digest")


def layer(*entries: str) -> list[Entry]:
    """``name`` is a file whose content is its place, ``name/`` a folder, ``name=target`` a hard link, ``name>target``
    a symbolic one."""
    made = []
    for at, text in enumerate(entries):
        name, _, link = text.partition("=")
        name, _, target = name.partition(">")
        if link:
            made.append(Entry(name, replace(FILE, kind="hard link", content=""), link))
        elif target:
            made.append(Entry(name, replace(FILE, kind="symlink", content="", target=target)))
        else:
            made.append(Entry(name, FOLDER if name.endswith("/") else replace(FILE, content=f"{at}")))
    return made


def names(*layers: list[Entry]) -> list[str]:
    return [path for path in tree(layers) if path]


def test_layers_lie_over_each_other() -> None:
    assert names(layer("a/", "a/b"), layer("a/c", "d")) == ["a", "a/b", "a/c", "d"]


def test_a_whiteout_hides_what_is_below_and_an_opaque_one_all_but_its_own_layers() -> None:
    assert names(layer("a/", "a/b", "a/c/", "a/c/d"), layer("a/.wh.c")) == ["a", "a/b"]
    assert names(layer("a/", "a/b", "a/c/", "a/c/d"), layer("a/c/new", "a/.wh..wh..opq")) == ["a", "a/c", "a/c/new"]


def test_a_file_replaces_a_folder_and_a_folder_keeps_a_folders_content() -> None:
    assert names(layer("a/", "a/b"), layer("a")) == ["a"]
    assert names(layer("a/", "a/b"), layer("a/")) == ["a", "a/b"]
    assert names(layer("a"), layer("a/", "a/c")) == ["a", "a/c"]


def test_names_are_followed_through_links_inside_the_image() -> None:
    assert names(layer("usr/lib/", "lib>usr/lib"), layer("lib/x")) == ["lib", "usr", "usr/lib", "usr/lib/x"]
    assert names(layer("etc/", "out>/../../etc"), layer("out/x")) == ["etc", "etc/x", "out"]
    with pytest.raises(ImageError, match="beneath a loop of links"):
        names(layer("a>b", "b>a", "a/x"))
    with pytest.raises(ImageError, match="beneath something that is no folder"):
        names(layer("a"), layer("a/x"))


def test_hard_links_are_one_file_with_several_names() -> None:
    shown = tree([layer("a", "b=a", "c")])
    assert shown["b"].first_name == shown["a"].first_name == "a"
    assert shown["c"].first_name == "c"
    with pytest.raises(ImageError, match="links 'b' to 'a', which is not there"):
        tree([layer("b=a", "a")])


def test_the_time_of_a_folder_lasts_where_the_last_layer_that_wrote_into_it_describes_it() -> None:
    shown = tree([layer("a/", "a/x", "b/", "c/x"), layer("a/", "a/y", "b/y")])
    assert {path: each.lasting for path, each in shown.items() if each.facts.kind == "folder"} == {
        "": False, "a": True, "b": False, "c": False,
    }  # fmt: skip
    assert not tree([layer("a/", "a/x"), layer("a/.wh.x")])["a"].lasting


def test_every_difference_is_told_with_its_path() -> None:
    before = tree([layer("a", "b", "c=a", "d")])
    after = tree([layer("a", "b", "c", "e")])
    assert differences(before, after) == [
        "/c differs in content, links",
        "/d is missing in the new image",
        "/e is only in the new image",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"mode": 0o600},
        {"owner": (1, 0)},
        {"times": ("1", "", "")},
        {"content": "other"},
        {"size_bytes": 2},
        {"xattrs": (("SCHILY.xattr.user.a", "b"),)},
        {"target": "x"},
        {"device": (1, 3)},
    ],
)
def test_each_fact_counts(change: dict[str, object]) -> None:
    before = {"a": Shown(FILE, "a")}
    assert differences(before, {"a": Shown(replace(FILE, **change), "a")}) == [f"/a differs in {next(iter(change))}"]
    assert differences(before, {"a": Shown(FILE, "a")}) == []


def read(made: Layer, room: Path) -> tuple[Entry, ...]:
    (room / "blob").write_bytes(made.blob)
    return facts.read(room / "blob", made.media_type)


def test_gzip_and_zstd_layers_are_read_alike(tmp_path: Path) -> None:
    tar = Tar().folder("a").file("a/b", noise("b", 3_000_000)).link("a/c", "b")
    other = Tar().folder("a").file("a/b", noise("b", 3_000_000)).link("a/c", "b")
    assert read(gzip_layer(tar), tmp_path) == read(zstd_layer(other), tmp_path)


def test_a_layer_with_damage_in_the_middle_is_not_taken_for_a_shorter_one(tmp_path: Path) -> None:
    archive = bytearray(Tar().file("a", b"x").file("b", b"y").end())
    archive[1024:1030] = b"broken"
    with pytest.raises(ImageError, match="something else where an entry begins"):
        uncompressed(bytes(archive), tmp_path)


def uncompressed(archive: bytes, room: Path) -> tuple[Entry, ...]:
    return read(Layer(archive, "", "application/vnd.oci.image.layer.v1.tar"), room)


def test_a_global_header_says_nothing_wherever_it_stands(tmp_path: Path) -> None:
    """As containerd reads it: git writes one before the first entry, and a commit without files has nothing else."""
    alone = Tar(header={"comment": "of all", "SCHILY.xattr.user.a": "of all", "mtime": "7"}).end()
    header, zeros = alone[:1024], alone[1024:]
    one, plain = Tar().file("a", b"x").end()[:1024], uncompressed(Tar().file("a", b"x").end(), tmp_path)
    for archive in (header, header + zeros, header * 3 + zeros):
        assert uncompressed(archive, tmp_path) == ()
    for archive in (header + one + zeros, one + header + zeros, header + one + header):
        assert uncompressed(archive, tmp_path) == plain
    for broken in (header[:600], header[:512], one + header[:700], header + b"broken" * 300, one + header + b"x" * 512):
        with pytest.raises(ImageError, match="no tar that can be read"):
            uncompressed(broken, tmp_path)


def test_a_layer_of_no_bytes_is_empty(tmp_path: Path) -> None:
    assert uncompressed(b"", tmp_path) == uncompressed(bytes(512), tmp_path) == ()


def test_a_huge_hole_is_not_read(tmp_path: Path) -> None:
    made = gzip_layer(Tar().sparse("holes", {1 << 50: b"end"}, (1 << 50) + 3))
    (entry,) = read(made, tmp_path)
    assert entry.facts.size_bytes == (1 << 50) + 3


def test_an_unknown_kind_of_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"is of kind tar\+brotli, which nothing here unpacks"):
        facts.read(tmp_path / "blob", "tar+brotli")
