from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kit.machine import resources
from kit.toolchain.pins import DebianPackage, Tool


@pytest.mark.parametrize(("needed", "state"), [((1, 1), "ok"), ((1, 10**18), "warning"), ((10**18, 10**18), "failure")])
def test_room_is_judged_by_what_the_plans_need(tmp_path: Path, needed: tuple[int, int], state: str) -> None:
    check = resources.room("disk", tmp_path / "not" / "there" / "yet", needed, "SOCIOMETER_DATA")
    assert check.state == state
    assert str(tmp_path) in check.found
    assert ("SOCIOMETER_DATA" in check.advice) == (state != "ok")


@pytest.mark.parametrize(("kilobytes", "state"), [(1_000_000, "failure"), (4_000_000, "warning"), (24_000_000, "ok")])
def test_memory_is_judged_by_what_hosts_need(tmp_path: Path, kilobytes: int, state: str) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal:       99999999 kB\nMemAvailable:   {kilobytes} kB\n")
    assert resources.memory(meminfo).state == state


def test_memory_that_the_kernel_does_not_tell_is_a_warning(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 1 kB\n")
    assert resources.memory(meminfo).state == "warning"


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
