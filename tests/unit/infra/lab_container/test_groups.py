"""On the machine's real cgroup v2, with a controller that v1 does not use; a folder stands in for what fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lab_container import groups
from kit.machine import mountinfo


def test_on_v1_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert groups.hand_down(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_hands_down_already_keeps_its_processes(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    assert groups.hand_down(tmp_path) is None
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert not (tmp_path / "entry").exists()


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "cgroup.subtree_control").mkdir()  # nobody can write it, root neither
    (tmp_path / "entry").touch()
    assert groups.hand_down(tmp_path) == f"{tmp_path}/entry: File exists"


@pytest.fixture
def container() -> Iterator[tuple[Path, str]]:
    """A group as a container sees it: with a process in it, below one that hands a controller down."""
    unified = next((each.point for each in mountinfo.of() if each.kind == "cgroup2"), None)
    domain = ("hugetlb", "memory", "io")
    found = set((unified / "cgroup.controllers").read_text().split()) if unified else set()
    controller = next((name for name in domain if name in found), None)
    if unified is None or controller is None or not os.access(unified / "cgroup.subtree_control", os.W_OK):
        pytest.skip("this machine has no cgroup v2 with a controller, or this user may not write it")
    handed_down = (unified / "cgroup.subtree_control").read_text().split()
    (unified / "cgroup.subtree_control").write_text(f"+{controller}")
    group = unified / f"test-container-{os.getpid()}"
    group.mkdir()
    with subprocess.Popen(["sleep", "100"]) as process:
        (group / "cgroup.procs").write_text(str(process.pid))
        try:
            yield group, controller
        finally:
            process.kill()
            process.wait()
            for folder in (*group.glob("*/"), group):
                folder.rmdir()
            if controller not in handed_down:
                (unified / "cgroup.subtree_control").write_text(f"-{controller}")


def test_a_group_with_processes_moves_them_and_then_its_children_have_the_controller(
    container: tuple[Path, str],
) -> None:
    group, controller = container
    [process] = (group / "cgroup.procs").read_text().split()
    with pytest.raises(OSError, match="busy"):
        (group / "cgroup.subtree_control").write_text(f"+{controller}")
    assert groups.hand_down(group, (controller,)) is None
    assert (group / "cgroup.procs").read_text() == ""
    assert (group / "entry" / "cgroup.procs").read_text().split() == [process]
    child = group / "task"
    child.mkdir()
    assert controller in (child / "cgroup.controllers").read_text().split()
