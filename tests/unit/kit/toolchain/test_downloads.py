"""Releases from a publisher on loopback: right, wrong, cut, slow, gone, moved, and behind a proxy."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import stamina

from kit import download
from kit.errors import ChecksumError, MachineError, SettingsError
from kit.paths import asset
from kit.toolchain import fetch, toolbox
from kit.toolchain import install as installer
from kit.toolchain.outlook import outlook
from kit.toolchain.pins import Tool
from kit.toolchain.releases import PUBLISHER, Release, this_system
from kit.toolchain.source import DebianPackage, GoModule, GoModules
from kit.values import Notify
from tests.support.background import answering
from tests.support.file_server import FileServer
from tests.support.programs import script

PROGRAM = b"#!/bin/sh\necho 1.5\nexit\n"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def archive(*entries: tuple[str, bytes]) -> bytes:
    """A tar of files, or of links for a content that begins with an arrow."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            if content.startswith(b"->"):
                member.type, member.linkname = tarfile.SYMTYPE, content[2:].decode()
            else:
                member.size, member.mode = len(content), 0o755
            file.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def path_of(name: str) -> str:
    return f"/{name}/releases/download/v1.5/{name}.tar.gz"


def tool(name: str, content: bytes, programs: tuple[str, ...] = ()) -> Tool:
    """A tool that is released as this archive, and made out of a package where it cannot be downloaded."""
    url, sha256 = f"{PUBLISHER}{path_of(name)}", hashlib.sha256(content).hexdigest()
    release = Release("1.5", this_system(), url, sha256)
    source = DebianPackage(name, extract=(f"usr/bin/{name}",))
    return Tool(name, programs or (name,), (name, "--version"), (1, 0), source, releases=(release,))


def released(name: str, server: FileServer) -> Tool:
    content = archive((f"{name}-1.5/{name}", PROGRAM))
    server.files[path_of(name)] = content
    return tool(name, content)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with answering(FileServer({})) as server:
        yield server


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Path:
    """An empty cache and a mirror; packages hold programs of version 1.2."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SOCIOMETER_MIRROR", server.url)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    script(tmp_path / "bin" / "apt-get", "for name; do :; done; touch $name.deb")
    built = script(tmp_path / "built", "echo 1.2")
    extract = "name=$(basename $2 .deb); mkdir -p $3/usr/bin"
    script(tmp_path / "bin" / "dpkg-deb", f"{extract}; cp {built} $3/usr/bin/$name")
    stamina.set_testing(True, attempts=3)
    yield toolbox.tools_dir()
    stamina.set_testing(False)


class Told:
    """A progress that keeps what was said: each step with its notes."""

    def __init__(self) -> None:
        self.steps: list[list[str]] = []

    @contextmanager
    def __call__(self, doing: str, _step: int, _steps: int) -> Iterator[Notify]:
        lines = [doing]
        self.steps.append(lines)
        yield lines.append

    @property
    def text(self) -> str:
        return "\n".join(line for step in self.steps for line in step)


def versions(*tools: Tool, told: Told | None = None, build: bool | None = None) -> list[str | None]:
    return [found.version for found in installer.install(tools, told or Told(), build=build)]


def test_release_is_downloaded_checked_and_put_into_the_cache_once(server: FileServer, machine: Path) -> None:
    content = archive(("two-1.5/bin/one", PROGRAM), ("two-1.5/README", b"text"), ("two-1.5/bin/two", PROGRAM))
    server.files[path_of("two")] = content
    two = tool("two", content, programs=("two", "one"))
    assert versions(two) == ["1.5"]
    [folder] = [path for path in machine.iterdir() if path.is_dir()]
    assert sorted(path.name for path in (folder / "bin").iterdir()) == ["one", "two"]
    origin = json.loads((folder / "manifest.json").read_text())["origin"]
    assert origin == f"downloaded from {PUBLISHER}{path_of('two')}, sha256:{hashlib.sha256(content).hexdigest()}"
    server.asked.clear()
    assert versions(two) == ["1.5"]
    assert server.asked == []


def test_another_sum_is_an_error_that_names_both_and_nothing_is_built(server: FileServer, machine: Path) -> None:
    one = released("one", server)
    server.files[path_of("one")] = b"something else"
    got, wanted = hashlib.sha256(b"something else").hexdigest(), one.releases[0].sha256
    with pytest.raises(ChecksumError, match=f"{got} instead of {wanted}"):
        versions(one)
    assert toolbox.locate(one).folder is None
    assert list(machine.glob(".downloads/*")) == []


def test_download_that_is_cut_goes_on_where_it_stopped(server: FileServer) -> None:
    one = released("one", server)
    size = len(server.files[path_of("one")])
    server.bytes_per_answer = size // 2 + 1
    assert versions(one) == ["1.5"]
    assert server.ranges_asked == ["bytes=0-0", None, f"bytes={size // 2 + 1}-"]


def test_server_that_falls_silent_is_asked_for_the_rest(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = released("one", server)
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.2)
    silence = threading.Event()
    server.stalls_after, server.stall = 100, lambda: silence.wait(30)
    server.before = lambda _path: setattr(server, "stalls_after", None if len(server.asked) > 2 else 100)
    assert versions(one) == ["1.5"]
    silence.set()
    assert server.ranges_asked == ["bytes=0-0", None, "bytes=100-"]


def test_what_came_of_a_download_that_gave_up_is_kept_and_the_tool_is_built(server: FileServer) -> None:
    one, two = released("one", server), released("two", server)
    server.bytes_per_answer = 10
    told = Told()
    assert versions(one, two, told=told) == ["1.2", "1.2"]
    assert "one.tar.gz cannot be downloaded" in told.text
    assert "one is made from its source instead" in told.text


def test_file_that_the_server_does_not_have_is_built_and_said(server: FileServer) -> None:
    one, two = released("one", server), released("two", server)
    del server.files[path_of("one")]
    told = Told()
    assert versions(one, two, told=told) == ["1.2", "1.5"]
    assert "the server answers 404 Not Found. " in told.text


def test_release_that_moved_is_followed(server: FileServer) -> None:
    one = released("one", server)
    server.files["/elsewhere"] = server.files.pop(path_of("one"))
    server.moved[path_of("one")] = f"{server.url}/elsewhere"
    assert versions(one) == ["1.5"]


def test_place_that_nobody_answers_for_is_asked_once_for_all_and_tools_are_built(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = [released(name, server) for name in ("one", "two", "three")]
    monkeypatch.setattr(fetch, "PROBE_SECONDS", 0.2)
    silence = threading.Event()
    server.before = lambda _path: silence.wait(30)
    told = Told()
    assert versions(*tools, told=told) == ["1.2"] * 3
    silence.set()
    assert [path for path, _ in server.asked] == [path_of("one")]
    assert f"{server.url} did not answer within 0.2 s; tools are built instead" in told.text


def test_where_nothing_is_to_be_built_what_cannot_be_downloaded_is_an_error_that_names_it(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://127.0.0.1:1")
    built = GoModules((GoModule(asset("tools") / "regctl", "github.com/regclient/regclient"),))
    two = replace(released("two", server), source=built)
    told = Told()
    with pytest.raises(MachineError, match=r"two could not be downloaded from http://127\.0\.0\.1:1, and nothing"):
        versions(two, told=told, build=False)
    assert "built instead" not in told.text
    monkeypatch.setenv("SOCIOMETER_MIRROR", server.url)
    assert versions(two, build=False) == ["1.5"]


def test_port_where_nobody_listens_is_out_of_reach(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = released("one", server)
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://127.0.0.1:1")
    told = Told()
    assert versions(one, told=told) == ["1.2"]
    assert "http://127.0.0.1:1 is out of reach: [Errno 111] Connection refused" in told.text


def test_proxy_that_refuses_is_recognised(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = released("one", server)
    monkeypatch.delenv("SOCIOMETER_MIRROR")
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    told = Told()
    assert versions(one, told=told) == ["1.2"]
    assert server.asked == [("github.com:443", None)]
    assert f"the proxy refuses {PUBLISHER}: 403 Forbidden" in told.text


@pytest.mark.parametrize("status", [401, 403, 407, 451])
def test_filter_that_refuses_is_recognised(server: FileServer, status: int) -> None:
    server.statuses = (status,)
    told = Told()
    assert versions(released("one", server), told=told) == ["1.2"]
    assert f"127.0.0.1 answers {status} " in told.text


def test_release_comes_through_a_proxy(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one = released("one", server)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("SOCIOMETER_MIRROR", "http://mirror.invalid")
    assert versions(one) == ["1.5"]


def test_password_of_a_mirror_is_used_and_never_shown(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = released("one", server), released("two", server)
    server.files[path_of("two")] = b"something else"
    monkeypatch.setenv("SOCIOMETER_MIRROR", server.url.replace("://", "://me:secret@"))
    told = Told()
    with pytest.raises(ChecksumError) as raised:
        versions(one, two, told=told)
    assert "secret" not in f"{told.text}{raised.value}"
    assert set(server.authorizations) == {"Basic bWU6c2VjcmV0"}


def test_four_come_at_once(server: FileServer) -> None:
    tools = [released(name, server) for name in ("one", "two", "three", "four", "five")]
    together = threading.Barrier(4)
    paths = {path_of(name) for name in ("one", "two", "three", "four")}

    def wait_for_the_others(path: str) -> None:
        if server.ranges_asked.count(None) and path in paths:
            together.wait(20)  # the file only comes when four have asked

    server.before = wait_for_the_others
    assert versions(*tools) == ["1.5"] * 5


@pytest.mark.slow
def test_how_much_has_come_is_told(server: FileServer) -> None:
    content = archive(("one", PROGRAM + random.Random(1).randbytes(12_000_000)))
    server.files[path_of("one")] = content
    told = Told()
    installer.install([tool("one", content)], told)
    [_, *notes] = next(step for step in told.steps if step[0].startswith("downloading one"))
    so_far = [int(note.removesuffix(" MB")) for note in notes]
    assert so_far == sorted(so_far)
    assert len(so_far) > 2
    assert so_far[-1] == 12


def test_build_asks_nobody(server: FileServer) -> None:
    assert versions(released("one", server), build=True) == ["1.2"]
    assert server.asked == []


def test_mirror_that_is_no_address_is_refused(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_MIRROR", "mirror.example")
    with pytest.raises(SettingsError, match=r"SOCIOMETER_MIRROR=mirror\.example is no address"):
        versions(released("one", server))


@pytest.mark.parametrize("name", ["../../../outside/one", "/outside/one"])
def test_nothing_is_written_outside_the_cache(server: FileServer, machine: Path, tmp_path: Path, name: str) -> None:
    content = archive((name, PROGRAM))
    server.files[path_of("one")] = content
    assert versions(tool("one", content)) == ["1.5"]
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((("one", b"->/bin/sh"),), "one.tar.gz has no program one."),
        ((("README", b"text"),), "one.tar.gz has no program one."),
        ((("one", b"#!/bin/sh\nexit 1\n"),), "one.tar.gz is of no use here: one, downloaded from"),
    ],
)
def test_release_that_is_of_no_use_is_built_and_said(
    server: FileServer, entries: tuple[tuple[str, bytes], ...], said: str
) -> None:
    content = archive(*entries)
    server.files[path_of("one")] = content
    told = Told()
    assert versions(tool("one", content), told=told) == ["1.2"]
    assert said in told.text


def test_damaged_release_in_the_cache_is_downloaded_again(server: FileServer, machine: Path) -> None:
    one = released("one", server)
    versions(one)
    [program] = machine.glob("*/bin/one")
    program.write_bytes(b"")
    assert versions(one) == ["1.5"]
    assert [path.name for path in machine.glob(".*")] == [".lock"]


def test_outlook_names_the_size_of_a_download(server: FileServer) -> None:
    one, two = released("one", server), released("two", server)
    server.files[path_of("one")] = bytes(30_000_000)
    del server.files[path_of("two")]
    found = outlook([one, two])
    assert found.releases == f"{server.url} answers"
    assert found.tools == {"one": "will be downloaded: 30 MB, 2 s at 100 Mbit/s", "two": "will be downloaded"}


def test_release_for_another_system_is_not_this_machines() -> None:
    other = Release("1.5", "plan9/mips", f"{PUBLISHER}/one.tar.gz", "0" * 64)
    one = Tool("one", ("one",), ("one",), (1, 0), DebianPackage("one", ("one",)), releases=(other,))
    assert one.release is None
    assert one.keys == (one.key,)
