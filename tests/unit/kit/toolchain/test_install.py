from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.errors import MachineError
from kit.toolchain import install as installer
from kit.toolchain import toolbox
from kit.toolchain.pins import Tool
from kit.toolchain.source import DebianPackage
from tests.support.programs import script

HERE = Tool("here", ("here",), ("here", "--version"), (1, 0), DebianPackage("no-such-package-here"))
ABSENT = Tool("absent", ("absent",), ("absent",), (1, 0), DebianPackage("absent", extract=("usr/bin/absent",)))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def test_nothing_is_done_or_locked_when_everything_is_on_path(path: Path) -> None:
    script(path / "here", "echo 1.0.1")
    toolbox.tools_dir().mkdir(parents=True)
    with (toolbox.tools_dir() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [found] = installer.install([HERE])
    assert found.folder == path


def test_draft_of_a_killed_installation_is_removed_by_the_next(path: Path) -> None:
    left = toolbox.tools_dir() / ".draft-left" / "bin"
    left.mkdir(parents=True)
    script(path / "apt-get", "exit 1")
    script(path / "dpkg", "exit 1")
    with pytest.raises(Exception, match="failed with exit code 1"):
        installer.install([ABSENT])
    assert list(toolbox.tools_dir().glob(".draft-*")) == []


def test_tool_whose_build_is_too_old_is_not_put_into_the_cache(path: Path, tmp_path: Path) -> None:
    script(path / "apt-get", "touch absent.deb")
    script(path / "dpkg-deb", f"mkdir -p $3/usr/bin; cp {script(tmp_path / 'old', 'echo 0.9')} $3/usr/bin/absent")
    with pytest.raises(MachineError, match=r"absent, made from its source, reports version 0\.9; at least 1\.0"):
        installer.install([ABSENT])
    assert [entry.name for entry in toolbox.tools_dir().iterdir()] == [".lock"]


def test_steps_are_told_with_their_number(path: Path, tmp_path: Path) -> None:
    script(path / "apt-get", "touch absent.deb")
    script(path / "dpkg-deb", f"mkdir -p $3/usr/bin; cp {script(tmp_path / 'new', 'echo 1.4')} $3/usr/bin/absent")
    steps: list[tuple[str, int, int]] = []

    @contextmanager
    def progress(doing: str, step: int, total: int) -> Iterator[None]:
        steps.append((doing, step, total))
        yield

    [found] = installer.install([ABSENT], progress)
    assert steps == [("fetching absent debian", 1, 1)]
    assert found.folder is not None
    assert json.loads((found.folder.parent / "manifest.json").read_text())["version"] == "1.4"


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, apt-get is not even tried")
def test_package_lists_are_updated_only_when_a_package_is_not_found(path: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = script(tmp_path / "program", "echo 1.0")
    script(path / "dpkg", f"echo dpkg $* >> {log}")
    # Fails until the lists were updated, then "installs" the program.
    script(
        path / "apt-get",
        f"""for word; do case $word in update|install) action=$word;; esac; done
echo $action >> {log}
[ $action = update ] && touch {tmp_path}/updated
[ $action = install ] && [ -e {tmp_path}/updated ] && cp {program} {path}/here
[ $action = update ] || [ -e {path}/here ]""",
    )
    installer.install([HERE])
    assert log.read_text().splitlines() == ["install", "dpkg --configure -a", "update", "install"]
