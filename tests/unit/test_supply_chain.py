"""What is downloaded is what was pinned: every file by its digest, every action by its commit, every licence known."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kit.toolchain.pins import TOOLS
from tests.audit import licences, locks, requirements
from tests.support.environments import ROOT
from tests.support.workflow import examples

TRACKED = tuple(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
)
Check = Callable[[Path], Iterator[str]]
_PACKAGE = '[[package]]\nname = "a"\nversion = "1"\n'
LOCKS: tuple[tuple[str, Check], ...] = (
    ("uv.lock", locks.in_uv_lock),
    ("requirements.txt", locks.in_requirements),
    ("package-lock.json", locks.in_npm_lock),
)


@pytest.mark.parametrize(("name", "check"), LOCKS, ids=[name for name, _ in LOCKS])
def test_every_file_that_a_lock_names_has_its_digest(name: str, check: Check) -> None:
    found = [path for path in TRACKED if path.name == name]
    assert found
    assert [fault for path in found for fault in check(path)] == []


def test_the_module_of_every_program_that_go_builds_has_its_digest() -> None:
    folders = [path.parent for path in TRACKED if path.name == "go.mod" and "require" in path.read_text()]
    assert len(folders) > len([path for path in folders if "tools" in path.parts]) > 0
    assert [fault for folder in folders for fault in locks.in_go_sum(folder)] == []


def test_each_project_s_lock_has_what_the_project_asks_for() -> None:
    for path in (path for path in TRACKED if path.name == "uv.lock"):
        project = tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
        [locked] = [
            package
            for package in tomllib.loads(path.read_text())["package"]
            if package["name"] == canonicalize_name(project["name"])
        ]
        asked = {(entry["name"], entry.get("specifier", "")) for entry in locked["metadata"]["requires-dist"]}
        wanted = map(Requirement, project["dependencies"])
        assert asked == {(each.name, _ordered(str(each.specifier), asked, each.name)) for each in wanted}


def test_the_requirements_for_pulumi_are_those_of_the_lock_which_agrees_with_the_project() -> None:
    assert requirements.FILE.read_text() == requirements.text(), "`make locks` writes it"


def test_what_builds_the_package_has_one_version_each() -> None:
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert "hatchling" in {Requirement(text).name for text in requires}
    assert all(re.fullmatch(r"==[\w.]+", str(Requirement(text).specifier)) for text in requires)


def _ordered(specifier: str, asked: set[tuple[str, str]], name: str) -> str:
    """The specifier as the lock orders its parts."""
    parts = set(specifier.split(","))
    return next((text for other, text in asked if other == name and set(text.split(",")) == parts), specifier)


def test_nothing_switches_a_check_of_downloads_off() -> None:
    here = {Path(locks.__file__), Path(__file__), ROOT / "tests/integration/test_tools.py"}  # which tries them
    texts = (path for path in TRACKED if path not in here and path.suffix not in (".png", ".lock", ".sum", ".sqlite"))
    assert [fault for path in texts if path.is_file() for fault in locks.weakened(path)] == []


@pytest.mark.parametrize(
    ("name", "check", "content"),
    [
        ("uv.lock", locks.in_uv_lock, f'{_PACKAGE}source={{registry="r"}}\nwheels=[{{url="u"}}]'),
        ("uv.lock", locks.in_uv_lock, f'{_PACKAGE}source={{git="https://example.org/a"}}'),
        ("requirements.txt", locks.in_requirements, "a==1 \\\n    --hash=sha256:0\nb==2\n"),
        ("requirements.txt", locks.in_requirements, "a>=1 --hash=sha256:0\n"),
        ("requirements.txt", locks.in_requirements, "--editable .\n"),
        ("package-lock.json", locks.in_npm_lock, '{"packages": {"": {}, "node_modules/a": {"version": "1"}}}'),
        ("Makefile", locks.weakened, "export GOFLAGS=-mod=mod\n"),
        ("Makefile", locks.weakened, "GONOSUMDB=* go build\n"),
    ],
)
def test_what_has_no_digest_is_named(name: str, check: Check, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert len(list(check(tmp_path / name))) == 1


def test_a_module_without_its_digest_is_named(tmp_path: Path) -> None:
    replaced = "replace example.org/a => example.org/b v2.0.0\n"
    (tmp_path / "go.mod").write_text(f"module m\n\ntool example.org/a/cmd/a\nrequire example.org/a v1.0.0\n{replaced}")
    (tmp_path / "go.sum").write_text("example.org/a v1.0.0 h1:x\nexample.org/b v1.9.0 h1:x\n")
    assert [fault.rpartition(": ")[2] for fault in locks.in_go_sum(tmp_path)] == ["example.org/b v2.0.0 has no digest"]


def test_the_list_of_licences_is_that_of_what_is_installed() -> None:
    assert licences.PAGE.read_text() == licences.page(), "`make locks` writes it"


def test_every_program_that_is_started_has_a_licence_in_the_list() -> None:
    assert licences.PROGRAMS.keys() == {tool.name for tool in TOOLS}


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND (BSD-3-Clause)", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only", False),
        ("LicenseRef-own", False),
        ("", False),
    ],
)
def test_a_licence_is_taken_if_all_that_it_asks_for_is_allowed(expression: str, taken: bool) -> None:
    assert licences.allowed(expression) == taken


def test_a_refused_or_unknown_licence_is_named_and_no_list_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"boto3": "AGPL-3.0-only", "httpx": ""}

    def metadata(name: str) -> licences.PackageMetadata:
        package = Message()
        package["License-Expression"] = said.get(name, "MIT")
        return cast("licences.PackageMetadata", package)

    monkeypatch.setattr(licences, "metadata", metadata)
    with pytest.raises(licences.LicenceError) as refused:
        licences.page()
    assert str(refused.value).splitlines() == [
        "boto3: its licence, AGPL-3.0-only, is refused",
        "httpx: its licence, of which it says nothing, is not known here",
    ]


def _ours() -> dict[str, Any]:
    [path] = (ROOT / ".github" / "workflows").glob("*")
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    return parsed


def _of_the_docs() -> dict[str, Any]:
    return dict(examples()[1])


@pytest.mark.parametrize(
    ("read", "may_write"),
    [(_ours, set[str]()), (_of_the_docs, {"pull-requests"})],
    ids=["ours", "the example of docs/ci.md"],
)
def test_a_workflow_asks_for_little_and_pins_what_it_runs(
    read: Callable[[], dict[str, Any]], may_write: set[str]
) -> None:
    parsed = read()
    events = parsed[True]  # YAML 1.1 reads the key `on` as true
    assert {events} if isinstance(events, str) else set(events) <= {"push", "pull_request"}
    assert parsed["permissions"] == {}
    assert parsed["concurrency"]["cancel-in-progress"]
    for job in parsed["jobs"].values():
        assert {what for what, access in job["permissions"].items() if access != "read"} == may_write
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if action := step.get("uses"):
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}|OWNER/sociometer@v[\d.]+", action)
                assert "checkout" not in action or step["with"]["persist-credentials"] is False


def test_no_settings_but_those_of_the_stacks_that_are_described_are_committed() -> None:
    """Every stack that somebody brings up leaves such a file in the checkout."""
    settings = {path.name for path in TRACKED if path.parent == ROOT and path.match("Pulumi*.yaml")}
    assert settings == {"Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.movie.yaml", "Pulumi.parquet.yaml"}
