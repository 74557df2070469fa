from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from kit.machine import resources
from kit.toolchain.packages import APT
from kit.toolchain.pins import Tool
from kit.toolchain.source import DebianPackage


@pytest.mark.parametrize(("needed", "state"), [((1, 1), "ok"), ((1, 10**18), "warning"), ((10**18, 10**18), "failure")])
def test_room_is_judged_by_what_the_plans_need(tmp_path: Path, needed: tuple[int, int], state: str) -> None:
    check = resources.room("disk", tmp_path / "not" / "there" / "yet", needed, "SOCIOMETER_DATA")
    assert check.state == state
    assert str(tmp_path) in check.found
    assert ("SOCIOMETER_DATA" in check.advice) == (state != "ok")


@pytest.mark.parametrize(("megabytes", "state"), [(1_000, "failure"), (4_000, "warning"), (24_000, "ok")])
def test_memory_is_judged_by_what_hosts_need(monkeypatch: pytest.MonkeyPatch, megabytes: int, state: str) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=megabytes * 10**6))
    assert resources.memory().state == state


def test_missing_tool_says_why_and_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    check = resources.tool(Tool("none", ("no-such",), ("no-such",), (1,), DebianPackage("none", ("x",))))
    assert (check.state, check.found) == ("failure", "there is no no-such on PATH")
    assert "sociometer tools install" in check.advice


def test_no_internet_is_never_a_failure() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        check = resources.internet(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert check.state == "ok"
    assert "Debian packages" in check.found


def test_missing_tool_says_what_installing_it_will_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    none = Tool("none", ("no-such",), ("no-such",), (1,), DebianPackage("none", ("x",)))
    monkeypatch.setattr("kit.toolchain.packages.manager", lambda: APT)
    [check] = resources.tools([none], with_outlook=True)
    assert check.found == "there is no no-such on PATH; will be installed with apt-get"
    [check] = resources.tools([none], with_outlook=False)
    assert check.found == "there is no no-such on PATH"
