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


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header(b"a", b"\xff" * 12), id="a negative size"),
        pytest.param(header(b"x", 1 << 32, b"x"), id="an extended header of 4 GiB"),
        pytest.param(header(b"x", b"\x80" + b"\x7f" * 11, b"L"), id="a name of more bytes than there are"),
        pytest.param(entry(b"x", record(b"GNU.sparse.map=0,x"), b"x") + entry(b"a", b"b"), id="a map of no numbers"),
        pytest.param(header(b"a", 8 << 30) + padded(b"a"), id="a file of 8 GiB that is not there"),
        pytest.param(entry(b"x", b"path=a\n", b"x") * 2000 + entry(b"a", b""), id="extended headers without end"),
    ],
)
def test_a_header_that_lies_is_refused_before_it_is_acted_on(content: bytes) -> None:
    with pytest.raises(tars.BROKEN):
        read(content + b"\0" * 1024)


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
