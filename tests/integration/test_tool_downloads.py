"""Downloads of tools by processes of their own: killed half-way, interrupted, two at once."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.toolchain.pins import Tool
from kit.toolchain.releases import PUBLISHER, Release, this_system
from kit.toolchain.source import DebianPackage
from tests.support.background import answering
from tests.support.file_server import FileServer

FILE = "/one/releases/download/v1.5/one"
CONTENT = b"#!/bin/sh\necho 1.5\nexit\n" + random.Random(1).randbytes(20_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
INSTALL = """
from kit.toolchain.install import install
from sociometer.cli.steps import Steps
from tests.integration.test_tool_downloads import one
install([one()], Steps())
"""


def one() -> Tool:
    """A program that is released as one file."""
    release = Release("1.5", this_system(), f"{PUBLISHER}{FILE}", SHA256)
    source = DebianPackage("no-such-package", extract=("usr/bin/one",))
    return Tool("one", ("one",), ("one",), (1, 0), source, releases=(release,))


@pytest.fixture
def server() -> Iterator[FileServer]:
    with answering(FileServer({FILE: CONTENT})) as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Path:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOCIOMETER_MIRROR", server.url)
    return tmp_path / "cache" / "tools"


def start() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", INSTALL], stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for_bytes(cache: Path, least: int) -> None:
    deadline = time.monotonic() + 60
    while sum(part.stat().st_size for part in cache.glob(".downloads/*.part")) < least:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_download_that_is_killed_half_way_goes_on_there(server: FileServer, cache: Path, how: signal.Signals) -> None:
    went_on = threading.Event()
    server.stalls_after, server.stall = len(CONTENT) // 2, lambda: went_on.wait(60)
    with start() as child:
        wait_for_bytes(cache, len(CONTENT) // 2)
        began = time.monotonic()
        child.send_signal(how)
        child.communicate(timeout=20)  # it does not wait for a server that has become silent
    assert child.returncode != 0
    assert time.monotonic() - began < 20
    assert [path.name for path in cache.glob("one-*")] == []
    server.stalls_after = None
    went_on.set()
    server.asked.clear()
    with start() as child:
        said = child.communicate()[1]
    assert child.returncode == 0, said
    half = len(CONTENT) // 2
    assert server.ranges_asked == ["bytes=0-0", f"bytes={half}-"]
    [program] = cache.glob("one-*/bin/one")
    assert hashlib.sha256(program.read_bytes()).hexdigest() == SHA256
    assert [path.name for path in cache.glob(".*")] == [".lock"]


def test_two_installations_at_once_download_once(server: FileServer, cache: Path) -> None:
    server.seconds_per_answer = 0.3
    with start() as first, start() as second:
        said = [first.communicate()[1], second.communicate()[1]]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert server.ranges_asked == ["bytes=0-0", None]
    assert "".join(said).count("downloading one …") == 1
