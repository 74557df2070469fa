from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.machine import kernel
from kit.machine.check import complaint

V1 = """\
25 24 0:22 / {0} rw - cgroup cgroup rw,cpu,cpuacct
26 24 0:23 / {1} rw - cgroup cgroup rw,memory
"""


@pytest.fixture
def mountinfo(tmp_path: Path) -> Path:
    return tmp_path / "mountinfo"


def test_missing_fuse_device_says_that_soci_cannot_work_and_what_to_do(tmp_path: Path) -> None:
    check = kernel.fuse(tmp_path / "fuse")
    assert check.state == "failure"
    assert "SOCI images cannot be loaded lazily" in check.meaning
    assert "modprobe fuse" in check.advice


def test_fuse_device_that_cannot_be_opened_is_a_failure(tmp_path: Path) -> None:
    check = kernel.fuse(tmp_path)  # a folder cannot be opened for writing, by root neither
    assert (check.state, check.found) == ("failure", f"{tmp_path}: Is a directory")


def test_fuse_device_that_opens_is_ok(tmp_path: Path) -> None:
    (tmp_path / "fuse").touch()
    assert kernel.fuse(tmp_path / "fuse").state == "ok"


def test_machine_without_controllers_cannot_limit_tasks(mountinfo: Path) -> None:
    mountinfo.write_text("22 1 254:0 / / rw - ext4 /dev/vda rw\n")
    check = kernel.cgroups(mountinfo)
    assert (check.state, check.found) == ("failure", "no cpu and memory controllers")


def test_group_that_cannot_be_made_is_a_failure(mountinfo: Path, tmp_path: Path) -> None:
    mountinfo.write_text(V1.format(tmp_path / "cpu", tmp_path / "memory"))
    check = kernel.cgroups(mountinfo)
    assert check.state == "failure"
    assert "v1" in check.found
    assert "No such file or directory" in check.found


def test_group_without_a_cpu_quota_is_a_failure_and_is_removed(mountinfo: Path, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    mountinfo.write_text(V1.format(tmp_path / "cpu", tmp_path / "memory"))
    check = kernel.cgroups(mountinfo)
    assert check.found == f"v1, {tmp_path / 'cpu'}: a group has no cpu.cfs_quota_us"
    assert list((tmp_path / "cpu").iterdir()) == []


def test_unified_hierarchy_without_memory_is_not_enough(mountinfo: Path, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu io\n")
    mountinfo.write_text(f"25 24 0:22 / {tmp_path} rw - cgroup2 cgroup2 rw\n")
    assert kernel.cgroups(mountinfo).state == "failure"


def test_unified_hierarchy_that_hands_nothing_down_is_a_failure(mountinfo: Path, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu io memory\n")
    mountinfo.write_text(f"25 24 0:22 / {tmp_path} rw - cgroup2 cgroup2 rw\n")
    assert kernel.cgroups(mountinfo).found == f"v2, {tmp_path}: a group has no cpu.max"


def test_data_directory_that_cannot_be_written_is_a_failure() -> None:
    check = kernel.overlayfs(Path("/proc/none/sociometer"))
    assert check.state == "failure"
    assert check.found.startswith("/proc: ")


def test_overlayfs_leaves_nothing_in_the_data_directory(tmp_path: Path) -> None:
    kernel.overlayfs(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_missing_pressure_information_is_only_a_warning(tmp_path: Path) -> None:
    assert kernel.pressure(tmp_path / "cpu").state == "warning"


def test_user_without_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    check = kernel.root()
    assert (check.state, check.found) == ("failure", "no, user id 1000")


def test_complaint_is_the_last_line_of_what_the_program_said() -> None:
    assert complaint(["sh", "-c", "echo first; echo last >&2; exit 1"]) == "last"
    assert complaint(["false"]) == "false failed with exit code 1"
    assert complaint(["true"]) is None
    assert "not installed" in (complaint(["no-such-program"]) or "")
