import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from kit.download import download
from kit.errors import ChecksumError, DownloadError
from tests.support.background import answering
from tests.support.file_server import FileServer

CONTENT = random.Random(1).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with answering(FileServer({"/file": CONTENT})) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=5)
    yield
    stamina.set_testing(False)


def fetch(server: FileServer, folder: Path, sha256: str | None = SHA256) -> bytes:
    download(f"{server.url}/file", folder / "file", sha256, lambda _: None)
    return (folder / "file").read_bytes()


def test_whole_file_comes_in_one_request_and_nothing_else_is_left(server: FileServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == CONTENT
    assert server.ranges_asked == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_file_that_is_there_is_not_asked_for(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"there")
    assert fetch(server, tmp_path) == b"there"
    assert server.ranges_asked == []


def test_cut_connection_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    server.bytes_per_answer = 1_100_000
    assert fetch(server, tmp_path) == CONTENT
    assert server.ranges_asked == [None, "bytes=1100000-", "bytes=2200000-"]


def test_later_call_goes_on_where_the_last_gave_up(server: FileServer, tmp_path: Path) -> None:
    server.bytes_per_answer = 500_000
    with pytest.raises(DownloadError, match="What came is kept"):
        fetch(server, tmp_path)
    server.bytes_per_answer = None
    server.asked.clear()
    assert fetch(server, tmp_path) == CONTENT
    assert server.ranges_asked == ["bytes=2500000-"]


def test_server_that_ignores_ranges_sends_it_all_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges, server.bytes_per_answer = False, 1_000_000
    with pytest.raises(DownloadError):
        fetch(server, tmp_path)
    server.bytes_per_answer = None
    assert fetch(server, tmp_path) == CONTENT


def test_file_that_changed_meanwhile_is_never_mixed(server: FileServer, tmp_path: Path) -> None:
    server.bytes_per_answer = 500_000
    with pytest.raises(DownloadError):
        fetch(server, tmp_path)
    server.bytes_per_answer, server.files["/file"], server.etag = None, bytes(reversed(CONTENT)), '"two"'
    assert fetch(server, tmp_path, sha256=None) == server.files["/file"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_file_of_an_uncertain_version_starts_again(server: FileServer, tmp_path: Path, etag: str | None) -> None:
    server.etag, server.bytes_per_answer = etag, 500_000
    with pytest.raises(DownloadError):
        fetch(server, tmp_path)
    server.bytes_per_answer = None
    assert fetch(server, tmp_path, sha256=None) == CONTENT
    assert set(server.ranges_asked) == {None}


def test_process_killed_after_the_last_byte_finds_nothing_missing(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)
    (tmp_path / "file.version").write_text('"one"')
    assert fetch(server, tmp_path) == CONTENT
    assert server.ranges_asked == [f"bytes={len(CONTENT)}-"]


def test_more_bytes_than_the_server_has_are_thrown_away(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    (tmp_path / "file.version").write_text('"one"')
    assert fetch(server, tmp_path) == CONTENT


def test_wrong_bytes_are_named_and_removed(server: FileServer, tmp_path: Path) -> None:
    server.files["/file"] = b"an error page"
    with pytest.raises(ChecksumError, match=f"{hashlib.sha256(b'an error page').hexdigest()} instead of {SHA256}"):
        fetch(server, tmp_path)
    assert not (tmp_path / "file").exists()
    assert not (tmp_path / "file.part").exists()
    server.files["/file"] = CONTENT
    assert fetch(server, tmp_path) == CONTENT


def test_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.statuses = (503, 429)
    assert fetch(server, tmp_path) == CONTENT
    assert len(server.asked) == 3


def test_refusal_is_final_and_says_the_status(server: FileServer, tmp_path: Path) -> None:
    server.statuses = (404,)
    with pytest.raises(DownloadError, match=r"/file cannot be downloaded: the server answers 404 Not Found\."):
        fetch(server, tmp_path)
    assert len(server.asked) == 1


def test_unreachable_server_is_an_error_for_people(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127\.0\.0\.1:1/file cannot be downloaded: .*refused"):
        download("http://127.0.0.1:1/file", tmp_path / "file", None, lambda _: None)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "not a url", "http://[::1"])
def test_address_that_is_none_of_the_web_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="cannot be downloaded"):
        download(url, tmp_path / "file", None, lambda _: None)
