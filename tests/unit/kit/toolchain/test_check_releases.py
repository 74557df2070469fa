"""`tools/check_releases.py`, with a publisher on loopback."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kit.paths import asset
from tests.support.background import answering
from tests.support.file_server import FileServer

SUMS = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two")}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with answering(FileServer({})) as server:
        yield server


@pytest.fixture
def program(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, with two pins of one release; the publisher tells the sum of the first, and has both files."""
    spec = importlib.util.spec_from_file_location("check_releases", asset("tools") / "check_releases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files = {f"linux/{name}": {"url": f"{server.url}{path(name)}", "sha256": SUMS[name]} for name in SUMS}
    monkeypatch.setattr(module, "PINS", tmp_path / "releases.json")
    module.PINS.write_text(json.dumps([{"tool": "tool", "files": files}]))
    told = [{"name": "one", "digest": f"sha256:{SUMS['one']}"}, {"name": "two", "digest": None}]
    server.files["/repos/owner/tool/releases/tags/v1"] = json.dumps({"assets": told}).encode()
    server.files |= {path(name): name.encode() for name in SUMS}
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    return module


def path(name: str) -> str:
    return f"/owner/tool/releases/download/v1/{name}"


def test_each_pin_is_compared_with_what_the_publisher_tells_or_has(
    program: ModuleType, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([]) == 0
    assert capsys.readouterr().out == "one, told: ok\ntwo, downloaded: ok\n"
    assert [asked for asked, _ in server.asked] == ["/repos/owner/tool/releases/tags/v1", path("two")]


def test_files_themselves_are_compared_on_request(program: ModuleType, server: FileServer) -> None:
    assert program.main(["--download"]) == 0
    assert [asked for asked, _ in server.asked] == [path("one"), path("two")]


def test_a_pin_that_differs_is_named_with_both_sums(
    program: ModuleType, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files[path("two")] = b"something else"
    assert program.main([]) == 1
    other = hashlib.sha256(b"something else").hexdigest()
    assert f"two, downloaded: WRONG: {other}, but {SUMS['two']} is pinned" in capsys.readouterr().out


def test_a_publisher_out_of_reach_is_no_verdict(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    assert program.main([]) == 3
    assert "The publisher cannot be asked" in capsys.readouterr().err
