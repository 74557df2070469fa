"""Tars as they are written in the field: every record is found, and what readers disagree on is not moved."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from infra.relayout.records import Archive, Record, Unmovable, clean, scan
from tests.support.field_images import Tar, noise
from tests.support.odd_layers import OddTar, Packed, tars


def scanned(archive: bytes) -> Archive:
    return scan(io.BytesIO(archive))


def changed(archive: bytes, at: int, new: bytes, *, checksum: bool = True) -> bytes:
    """The archive with other bytes in its first header, whose checksum is made right again."""
    block = bytearray(archive[:512])
    block[at : at + len(new)] = new
    if checksum:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + archive[512:]


def one_file(name: str = "file", dialect: int = tarfile.USTAR_FORMAT) -> bytes:
    tar = OddTar(dialect)
    tar.add(tarfile.TarInfo(name), noise("one", 700))
    return tar.end()


@pytest.mark.parametrize("dialect", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_records_follow_each_other_without_a_gap(dialect: int) -> None:
    tar = OddTar(dialect)
    names = ["a", "deep/" * 12 + "x" * 60, "z"] + (["y" * 230] if dialect != tarfile.USTAR_FORMAT else [])
    for name in names:
        tar.add(tarfile.TarInfo(name), noise(name, 1500))
    found = scanned(tar.end())
    assert [record.path for record in found.records] == [name.encode() for name in names]
    assert [record.start for record in found.records] == [0, *(record.end for record in found.records[:-1])]
    assert found.end == found.records[-1].end


def test_kinds_and_targets_are_read() -> None:
    tar = Tar().folder("./a/").file("a/b", b"x").link("a/hard", "./a//b", hard=True).link("soft", "/etc/x")
    assert [(it.kind, it.path, it.target) for it in scanned(tar.end()).records] == [
        ("folder", b"a", b""),
        ("file", b"a/b", b""),
        ("hard link", b"a/hard", b"a/b"),
        ("symlink", b"soft", b""),
    ]


def test_a_sparse_file_goes_by_its_own_name_and_ends_where_the_next_begins() -> None:
    pax = Tar().sparse("db/holes", {0: b"head" * 128, 1 << 19: b"tail" * 128}, 1 << 20).file("behind", b"x")
    assert [record.path for record in scanned(pax.end()).records] == [b"db/holes", b"behind"]
    old = OddTar(tarfile.GNU_FORMAT)
    old.old_sparse("holes", [noise(str(number), 100) for number in range(60)])
    old.add(tarfile.TarInfo("behind"), b"x")
    assert [record.path for record in scanned(old.end()).records] == [b"holes", b"behind"]


def test_a_size_in_base_256_is_read() -> None:
    assert scanned(changed(one_file(), 124, b"\x80" + (700).to_bytes(11, "big"))).records[0].end == 512 + 1024


def test_an_archive_may_end_without_zeros() -> None:
    assert scanned(one_file()[: 512 + 1024]) == Archive((Record(0, 1536, "file", b"file"),), 1536)
    assert scanned(b"") == Archive((), 0)


def global_header() -> bytes:
    return Tar(header={"comment": "x"}).file("a", b"x").end()


def star() -> bytes:
    return changed(one_file("p/" * 60 + "x"), 508, b"tar\0")


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (global_header, "global PAX header"),
        (star, "readers disagree on"),
        (lambda: changed(one_file(), 257, b"nobody's"), "readers disagree on"),
        (lambda: changed(one_file(), 156, b"M"), "of type 'M'"),
        (lambda: changed(one_file(), 156, b"7"), "of type '7'"),
        (lambda: changed(one_file(), 0, b"gile", checksum=False), "wrong checksum"),
        (lambda: changed(one_file(), 124, b"0000000x274\0"), "a number is none"),
        (lambda: changed(one_file(), 124, b"\xff" * 12), "negative number"),
        (lambda: one_file()[:1000], "cut in the middle of a file"),
        (lambda: one_file()[:200], "cut in the middle of a header"),
        (lambda: one_file()[:1536] + b"\0" * 1024 + b"behind" * 100, "something behind its end"),
        (lambda: one_file("a/../../b"), "climbs out"),
        (lambda: changed(one_file("folder"), 0, b"folder/"), "a folder by name alone"),
        (lambda: one_file("y" * 230, tarfile.PAX_FORMAT)[:1024], "ends with an extended header"),
        (lambda: one_file("y" * 230, tarfile.PAX_FORMAT).replace(b" path=", b" path\0", 1), "cannot be read"),
        (lambda: one_file("y" * 230, tarfile.PAX_FORMAT).replace(b"y" * 230, b"\0" * 230, 1), "zero byte"),
    ],
)
def test_what_cannot_be_sure_is_not_moved(archive: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(Unmovable, match=reason):
        scanned(archive())


def test_a_name_said_twice_is_not_moved() -> None:
    long, pax = (one_file("y" * 230, dialect) for dialect in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with pytest.raises(Unmovable, match="says its path twice"):
        scanned(long[:1024] + pax)


def test_names_are_cleaned_and_nothing_else() -> None:
    assert clean(b"/./a//b/./c/") == b"a/b/c"
    assert clean(b"./") == b""
    assert clean(b"..a/b..") == b"..a/b.."


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(tars())
def test_tarfile_finds_the_same_names_wherever_something_is_found(packed: Packed) -> None:
    try:
        found = scanned(packed.archive)
    except Unmovable:
        return
    with tarfile.open(fileobj=io.BytesIO(packed.archive)) as tar:
        expected = [clean(member.name.encode(errors="surrogateescape")) for member in tar]
    assert [record.path for record in found.records] == expected
