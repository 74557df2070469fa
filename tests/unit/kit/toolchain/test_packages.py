from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.errors import MachineError
from kit.toolchain import needs, packages
from kit.toolchain.pins import TOOLS
from kit.toolchain.source import DebianPackage, GoModules
from tests.support.programs import script

ALL = [
    name
    for tool in TOOLS
    for name in (
        [tool.source.package]
        if isinstance(tool.source, DebianPackage)
        else tool.source.packages
        if isinstance(tool.source, GoModules)
        else []
    )
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what a test puts there; its package managers write down how they are called."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def manager(path: Path, name: str) -> Path:
    return script(path / name, f'echo {name} "$@" >> {path}/log')


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (
            "apt-get",
            "apt-get install -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root --yes --no-install-recommends "
            "iproute2 fuse3 zlib1g-dev",
        ),
        ("dnf", "dnf install --assumeyes --setopt=install_weak_deps=False iproute iproute-tc fuse3 zlib-devel"),
        ("apk", "apk add --no-cache iproute2 fuse3 zlib-dev"),
    ],
)
def test_each_manager_is_called_in_its_own_words(path: Path, name: str, called: str) -> None:
    manager(path, name)
    packages.require_able(["iproute2", "fuse3", "zlib1g-dev"])
    packages.install(["iproute2", "fuse3", "zlib1g-dev"])
    assert (path / "log").read_text() == f"{called}\n"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("apt-get", "sudo apt-get install iproute2 fuse3"),
        ("dnf", "sudo dnf install iproute iproute-tc fuse3"),
        ("apk", "sudo apk add iproute2 fuse3"),
    ],
)
def test_without_root_the_command_to_type_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: str
) -> None:
    manager(path, name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=rf"needs root\. Run `{command}`"):
        packages.require_able(["iproute2", "fuse3"])


def test_what_a_distribution_does_not_have_is_named(path: Path) -> None:
    manager(path, "apk")
    with pytest.raises(MachineError, match=r"The packages of apk have no docker-registry\. Put the program on PATH"):
        packages.require_able(["fuse3", "docker-registry"])


def test_a_machine_without_a_manager_that_we_know_names_the_packages(path: Path) -> None:
    with pytest.raises(MachineError, match=r"no apt-get, dnf or apk here: fuse3 runc\."):
        packages.require_able(["fuse3", "runc"])


def test_stale_lists_are_refreshed_once(path: Path) -> None:
    fresh = path / "fresh"
    script(path / "dnf", f'echo "$1" >> {path}/log; [ "$1" = makecache ] && : > {fresh}; [ -e {fresh} ]')
    packages.install(["fuse3"])
    assert (path / "log").read_text().split() == ["install", "makecache", "install"]


@pytest.mark.parametrize("known", packages.MANAGERS, ids=lambda known: known.program)
def test_every_name_that_is_translated_is_one_that_we_use(known: packages.Manager) -> None:
    assert known.names.keys() <= set(ALL)


def test_purposes_need_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "manager", lambda: packages.APT)
    assert needs.tools_for("lab") == TOOLS
    assert [tool.name for tool in needs.tools_for("fargate")] == ["go", "regctl", "soci", "pulumi"]
    with_buildkit = {tool.name for tool in needs.tools_for("fargate", with_buildkit=True)}
    assert with_buildkit == {"go", "regctl", "soci", "pulumi", "runc", "buildkit"}
    assert needs.tools_for("read") == ()


def test_what_fargate_needs_is_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in needs.tools_for("fargate"):
        assert not isinstance(tool.source, DebianPackage)


def test_machine_without_apt_makes_no_base_out_of_debian_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "manager", lambda: packages.DNF)
    assert {tool.name for tool in TOOLS} - {tool.name for tool in needs.tools_for("lab")} == {"mmdebstrap"}


def test_macos_has_no_soci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert [tool.name for tool in needs.tools_for("fargate")] == ["go", "regctl", "pulumi"]
