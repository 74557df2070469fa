from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import MachineError
from kit.toolchain import toolbox
from kit.toolchain.pins import Tool
from kit.toolchain.source import DebianPackage
from tests.support.programs import script

PAIR = Tool("pair", ("pair-one", "pair-two"), ("pair-one", "--version"), (2, 1), DebianPackage("pair", ("x",)))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH, beside an empty cache."""
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin"


def in_cache(version: str = "2.2.0") -> Path:
    folder = toolbox.tools_dir() / PAIR.key
    sizes = {name: script(folder / "bin" / name, "true").stat().st_size for name in PAIR.programs}
    (folder / "manifest.json").write_text(json.dumps({"version": version, "sizes": sizes}))
    return folder


def test_tool_on_path_at_a_sufficient_version_is_used(path: Path) -> None:
    script(path / "pair-one", "echo 2.1.0")
    script(path / "pair-two", "true")
    in_cache()
    found = toolbox.locate(PAIR)
    assert (found.folder, found.version, found.origin) == (path, "2.1.0", "path")


def test_too_old_tool_on_path_gives_way_to_the_cache(path: Path) -> None:
    script(path / "pair-one", "echo 2.0.9")
    script(path / "pair-two", "true")
    assert "version 2.0.9, but at least 2.1 is needed" in toolbox.locate(PAIR).note
    folder = in_cache()
    toolbox.forget()
    found = toolbox.locate(PAIR)
    assert (found.folder, found.version, found.origin) == (folder / "bin", "2.2.0", "cache")


def test_family_is_never_taken_from_two_places(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(path / "pair-one", "echo 2.1.0")
    script(tmp_path / "elsewhere" / "pair-two", "true")
    monkeypatch.setenv("PATH", f"{path}:{tmp_path / 'elsewhere'}")
    found = toolbox.locate(PAIR)
    assert found.folder is None
    assert "has no pair-two beside it" in found.note


def test_tool_that_does_not_tell_its_version_is_not_used(path: Path) -> None:
    script(path / "pair-one", "echo unknown")
    script(path / "pair-two", "true")
    assert "does not report its version" in toolbox.locate(PAIR).note


def test_absent_tool_says_so(path: Path) -> None:
    assert toolbox.locate(PAIR).note == "there is no pair-one on PATH"


@pytest.mark.parametrize("damage", ["program cut short", "program missing", "manifest missing", "manifest cut short"])
def test_damaged_cache_is_not_used(path: Path, damage: str) -> None:
    folder = in_cache()
    match damage:
        case "program cut short":
            (folder / "bin" / "pair-two").write_text("")
        case "program missing":
            (folder / "bin" / "pair-two").unlink()
        case "manifest missing":
            (folder / "manifest.json").unlink()
        case "manifest cut short":
            (folder / "manifest.json").write_text('{"sizes')
    found = toolbox.locate(PAIR)
    assert found.folder is None
    assert found.note == f"{folder} is damaged"


def test_missing_tool_is_an_error_that_says_how_to_install_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(path))
    with pytest.raises(MachineError, match=r"^soci is missing: .*`sociometer tools install` installs it\.$"):
        toolbox.tool("soci")
    assert str(path) in toolbox.tools_path()


def test_program_outside_the_table_comes_from_path(path: Path) -> None:
    script(path / "some-program", "true")
    assert toolbox.tool("some-program") == path / "some-program"


def test_program_outside_the_table_that_is_missing_is_an_error(path: Path) -> None:
    with pytest.raises(MachineError, match=r"^no-such-program is not on this machine\."):
        toolbox.tool("no-such-program")


def test_versions_are_those_of_the_tools_that_are_measured(path: Path) -> None:
    for name in ("containerd", "ctr", "containerd-shim-runc-v2", "regctl"):
        script(path / name, "echo 9.8.7")
    versions = toolbox.versions()
    assert versions["containerd"] == "9.8.7"
    assert "regctl" not in versions


def test_programs_for_root_are_found_on_a_sparse_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "SYSTEM_FOLDERS", (str(path / "sbin"),))
    script(path / "sbin" / "some-program", "true")
    assert toolbox.tool("some-program") == path / "sbin" / "some-program"


def test_the_key_of_all_tools_changes_with_any_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for tools in ((PAIR,), (replace(PAIR, source=DebianPackage("pair", ("y",))),), (PAIR, replace(PAIR, name="other"))):
        monkeypatch.setattr(toolbox, "TOOLS", tools)
        keys.add(toolbox.key())
    assert len(keys) == 3
