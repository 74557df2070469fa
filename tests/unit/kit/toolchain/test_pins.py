from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kit.paths import asset
from kit.toolchain.pins import GO, TOOLS, Tool
from kit.toolchain.programs import parse_version
from kit.toolchain.releases import PUBLISHER
from kit.toolchain.source import GoModule, GoModules, module_version, requirement_version

BUILT = [tool for tool in TOOLS if isinstance(tool.source, GoModules)]
MODULES = [module for tool in BUILT if isinstance(tool.source, GoModules) for module in tool.source.modules]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.folder.name)
def test_version_of_a_module_is_the_one_its_go_mod_builds(module: GoModule) -> None:
    lines = (module.folder / "go.mod").read_text().splitlines()
    assert any(module.pinned in line and line.split(" //")[0].endswith(f" v{module.version}") for line in lines)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.folder.name)
def test_go_that_is_enough_for_us_is_enough_for_each_module(module: GoModule) -> None:
    [wanted] = re.findall(r"^go (\S+)$", (module.folder / "go.mod").read_text(), re.MULTILINE)
    assert (parse_version(wanted) or ()) <= GO.minimum


def test_every_folder_of_tools_with_a_go_mod_is_in_the_table() -> None:
    assert {module.folder for module in MODULES} == {path.parent for path in asset("tools").glob("*/go.mod")}


@pytest.mark.parametrize("tool", [*BUILT, GO], ids=lambda tool: tool.name)
def test_pinned_version_meets_the_tools_own_minimum(tool: Tool) -> None:
    assert (parse_version(tool.pinned_version) or ()) >= tool.minimum


@pytest.mark.parametrize("tool", BUILT, ids=lambda tool: tool.name)
def test_released_and_built_have_one_version(tool: Tool) -> None:
    assert {release.version for release in tool.releases} == {tool.source_version}


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.releases], ids=lambda tool: tool.name)
def test_release_is_a_file_of_its_version_at_the_publisher_with_a_sum_and_its_sources(tool: Tool) -> None:
    assert {"linux/amd64", "linux/arm64"} <= {release.system for release in tool.releases}
    for release in tool.releases:
        assert release.url.startswith(f"{PUBLISHER}/")
        assert f"/v{release.version}/" in release.url
        assert re.fullmatch("[0-9a-f]{64}", release.sha256)
    sums = [release.sha256 for release in tool.releases]
    assert len(sums) == len(set(sums))
    assert tool.release is None or (parse_version(tool.release.version) or ()) >= tool.minimum


def test_every_pinned_release_belongs_to_a_tool_and_names_its_sources() -> None:
    entries = json.loads((asset("tools") / "releases.json").read_text())
    assert {entry["tool"] for entry in entries} == {tool.name for tool in TOOLS if tool.releases}
    assert all(entry["sources"] for entry in entries)


def test_page_about_the_tools_names_every_pin_and_its_sources() -> None:
    page = (Path(__file__).parents[4] / "docs" / "tools.md").read_text()
    for entry in json.loads((asset("tools") / "releases.json").read_text()):
        [row] = re.findall(rf"^\| {entry['tool']} \| {re.escape(entry['version'])} \| .*$", page, re.MULTILINE)
        assert [word for word in (*entry["files"], *entry["sources"]) if word not in row] == []


@pytest.mark.parametrize("name", ["pulumi", "regctl"])
def test_what_fargate_needs_is_released_for_macos_too(name: str) -> None:
    [tool] = [tool for tool in TOOLS if tool.name == name]
    assert {"darwin/amd64", "darwin/arm64"} <= {release.system for release in tool.releases}


def test_scripts_of_the_pulumi_family_have_the_version_of_its_command() -> None:
    [pulumi] = [module for module in MODULES if module.folder.name == "pulumi"]
    go_mod = (pulumi.folder / "go.mod").read_text()
    assert {module_version(go_mod, dependency) for dependency, _ in pulumi.copies} == {pulumi.version}


def test_no_program_belongs_to_two_tools() -> None:
    programs = [program for tool in TOOLS for program in tool.programs]
    assert len(programs) == len(set(programs))


def test_a_changed_go_sum_changes_the_key_of_that_tool_alone(tmp_path: Path) -> None:
    folder = shutil.copytree(asset("tools") / "regctl", tmp_path / "regctl")
    [regctl] = [tool for tool in TOOLS if tool.name == "regctl"]
    copy = replace(regctl, source=GoModules((GoModule(folder, "github.com/regclient/regclient"),)))
    assert copy.key == regctl.key
    (folder / "go.sum").write_text("")
    assert copy.key != regctl.key


def test_a_changed_build_flag_changes_the_key() -> None:
    module = MODULES[0]
    flagged = [replace(BUILT[0], source=GoModules((replace(module, cgo=cgo),))).key for cgo in (True, False)]
    assert len(set(flagged)) == 2


GO_MOD = """module here

replace example.com/local v0.0.0-local => example.com/local v0.16.0

require example.com/single v1.2.3

require (
	example.com/local v0.0.0-local // indirect
	example.com/local/cmd v0.0.0-2026 // indirect
	example.com/block v2.0.1 // indirect
)
"""


@pytest.mark.parametrize(
    ("module", "version"),
    [("example.com/single", "1.2.3"), ("example.com/block", "2.0.1"), ("example.com/local", "0.16.0")],
)
def test_module_version_follows_requirements_and_replacements(module: str, version: str) -> None:
    assert module_version(GO_MOD, module) == version


def test_module_that_is_not_required_has_no_version() -> None:
    with pytest.raises(ValueError, match=r"does not require example\.com/other"):
        module_version(GO_MOD, "example.com/other")


def test_requirements_file_that_pins_nothing_has_no_version() -> None:
    with pytest.raises(ValueError, match="pins no version"):
        requirement_version("# nothing\n")
