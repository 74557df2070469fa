from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kit.paths import asset
from kit.toolchain.pins import GO, TOOLS, GoModule, GoModules, Tool, module_version, requirement_version
from kit.toolchain.programs import parse_version

BUILT = [tool for tool in TOOLS if isinstance(tool.source, GoModules)]
MODULES = [module for tool in BUILT if isinstance(tool.source, GoModules) for module in tool.source.modules]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.folder.name)
def test_version_of_a_module_is_the_one_its_go_mod_builds(module: GoModule) -> None:
    lines = (module.folder / "go.mod").read_text().splitlines()
    assert any(module.pinned in line and line.split(" //")[0].endswith(f" v{module.version}") for line in lines)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.folder.name)
def test_go_that_is_enough_for_us_is_enough_for_each_module(module: GoModule) -> None:
    [wanted] = re.findall(r"^go (\S+)$", (module.folder / "go.mod").read_text(), re.MULTILINE)
    assert (parse_version(wanted) or ())[:2] <= GO.minimum


def test_every_folder_of_tools_with_a_go_mod_is_in_the_table() -> None:
    assert {module.folder for module in MODULES} == {path.parent for path in asset("tools").glob("*/go.mod")}


@pytest.mark.parametrize("tool", [*BUILT, GO], ids=lambda tool: tool.name)
def test_pinned_version_meets_the_tools_own_minimum(tool: Tool) -> None:
    assert (parse_version(tool.pinned_version) or ()) >= tool.minimum


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
