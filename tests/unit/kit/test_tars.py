"""Tars that lie about sizes, and files that unpack without end."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from benchmarks.hostile.tars import entry, header, padded, record
from kit import expansion, tars
from kit.expansion import Bounded, TooLarge


def read(content: bytes, most: int = 100) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:", tarinfo=tars.Member) as tar:
        return [member.name for member in tars.members(tar, len(content), most)]


def long_map() -> bytes:
    words = record(b"GNU.sparse.major=1") + record(b"GNU.sparse.minor=0")
    return entry(b"x", words, b"x") + entry(b"a", b"9" * 10 + b"\n" + b"1\n" * tars.MOST_MAP_BYTES)


def old_map() -> bytes:
    head = bytearray(header(b"a", 0, b"S", magic=b"ustar  \0"))
    head[482], head[148:156] = 1, b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    more = (b"00000000001\0" * 42 + b"\1").ljust(512, b"\0")
    return bytes(head) + more * (tars.MOST_MAP_BYTES // 512 + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header(b"a", b"\xff" * 12), id="a negative size"),
        pytest.param(header(b"x", 1 << 32, b"x"), id="an extended header of 4 GiB"),
        pytest.param(header(b"x", b"\x80" + b"\x7f" * 11, b"L"), id="a name of more bytes than there are"),
        pytest.param(entry(b"x", record(b"GNU.sparse.map=0,x"), b"x") + entry(b"a", b"b"), id="a map of no numbers"),
        pytest.param(header(b"a", 8 << 30) + padded(b"a"), id="a file of 8 GiB that is not there"),
        pytest.param(
            header(b"b", 0) + entry(b"x", record(b"size=-1536"), b"x") + header(b"a", 0),
            id="a PAX size that leads back",
        ),
        pytest.param(entry(b"x", record(b"size=" + b"9" * 17), b"x") + header(b"a", 0), id="a PAX size beyond all"),
        pytest.param(entry(b"x", record(b"comment=" + b"1" * 900_000), b"x") + header(b"a", 0), id="a million digits"),
        pytest.param(entry(b"x", b"2 " * 500_000 + b"a=", b"x") + header(b"a", 0), id="half a million short records"),
        pytest.param(header(b"x", 900, b"x") + record(b"path=b"), id="a PAX header that is cut"),
        pytest.param(long_map(), id="a map of holes without end"),
        pytest.param(old_map(), id="an old map of holes without end"),
        pytest.param(entry(b"x", b"path=a\n", b"x") * 2000 + entry(b"a", b""), id="extended headers without end"),
    ],
)
def test_a_header_that_lies_is_refused_before_it_is_acted_on(content: bytes) -> None:
    with pytest.raises(tars.BROKEN):
        read(content + b"\0" * 1024)


def test_an_extended_header_is_read_to_its_end_and_not_into_its_padding() -> None:
    long = header(b"L", 3, b"L") + padded(b"abcdef") + entry(b"z", b"")
    pax = header(b"x", 9, b"x") + padded(b"9 path=b\n9 path=c\n") + entry(b"z", b"")
    assert read(long + pax + b"\0" * 1024) == ["abc", "b"]


@pytest.mark.parametrize(
    "content", [b"4 =\n", b"5 ab\n", b"9 path=b", b"7 path=b\n", b"99 a=b\n", b"x", b"-5 a=b\n", b"0 ", b"6 a=b\n\0"]
)
def test_a_record_that_go_refuses_is_refused(content: bytes) -> None:
    with pytest.raises(tarfile.ReadError, match="a record that cannot be read"):
        list(tars.pax_records(content))
    assert list(tars.pax_records(record(b"a=") + record(b"k=1=\n"))) == [(b"a", b""), (b"k", b"1=\n")]


def test_more_entries_than_an_archive_has_are_refused() -> None:
    with pytest.raises(tarfile.ReadError, match="more than 3 entries"):
        read(entry(b"a", b"") * 4 + b"\0" * 1024, most=3)
    assert read(entry(b"a", b"b") + b"\0" * 1024) == ["a"]


class Endless(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return b"\0" * size


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thousand bytes are allowed at least, instead of gigabytes."""
    monkeypatch.setattr(expansion, "ALWAYS_BYTES", 1000)
    yield


@pytest.mark.usefixtures("little")
def test_a_stream_that_unpacks_without_end_is_given_up() -> None:
    stream = Bounded(Endless(), stored_bytes=20)  # type: ignore[arg-type]
    with pytest.raises(TooLarge, match="its 20 bytes unpack to more than 2000"):
        while stream.read(300):
            pass
    assert expansion.most_bytes(5) == 1000
