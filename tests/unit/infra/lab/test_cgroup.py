import subprocess
import time
from pathlib import Path

import psutil
import pytest

from infra.lab import cgroup
from kit.errors import MachineError
from kit.machine import mountinfo

V1 = """\
30 24 0:26 / {root}/cpu rw,relatime shared:1 - cgroup cgroup rw,cpu
31 24 0:27 / {root}/memory rw,relatime shared:2 - cgroup cgroup rw,memory
32 24 0:28 / {root}/pids rw,relatime shared:3 - cgroup cgroup rw,pids
33 24 0:29 / {root}/unified rw,relatime shared:4 - cgroup2 cgroup2 rw
"""
V1_JOINED = """\
30 24 0:26 / {root}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
31 24 0:27 / {root}/memory rw - cgroup cgroup rw,memory
"""
V2 = "30 24 0:26 / {root} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


def machine(root: Path, text: str) -> mountinfo.Hierarchies:
    for line in text.format(root=root).splitlines():
        Path(line.split(" ")[4]).mkdir(parents=True, exist_ok=True)
    return mountinfo.Hierarchies.among(mountinfo.parse(text.format(root=root)))


def test_v1_limits_go_to_the_controllers_own_hierarchies(tmp_path: Path) -> None:
    group = cgroup.TaskGroup(machine(tmp_path, V1), "lab/h0")
    group.create(0.25, 512 * 2**20)
    assert (tmp_path / "cpu/sociometer/lab/h0/cpu.cfs_quota_us").read_text() == "25000"
    assert (tmp_path / "cpu/sociometer/lab/h0/cpu.cfs_period_us").read_text() == "100000"
    assert (tmp_path / "memory/sociometer/lab/h0/memory.limit_in_bytes").read_text() == str(512 * 2**20)


def test_v1_with_joined_controllers_is_understood(tmp_path: Path) -> None:
    assert machine(tmp_path, V1_JOINED).cpu == tmp_path / "cpu,cpuacct"


def test_v2_limits_are_handed_down_from_every_group_above(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    group = cgroup.TaskGroup(machine(tmp_path, V2), "lab/h0")
    group.create(0.5, 2**30)
    assert (tmp_path / "sociometer/lab/h0/cpu.max").read_text() == "50000 100000"
    assert (tmp_path / "sociometer/lab/h0/memory.max").read_text() == str(2**30)
    for above in ("", "sociometer", "sociometer/lab"):
        assert (tmp_path / above / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_v2_without_the_cpu_controller_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    with pytest.raises(MachineError, match="cpu and memory"):
        machine(tmp_path, V2)


def test_groups_of_ours_are_found_in_every_hierarchy_and_removed(tmp_path: Path) -> None:
    hierarchies = machine(tmp_path, V1)
    for place in ("cpu/sociometer/lab/h0/task", "pids/sociometer/lab/h0/task", "unified/sociometer/lab/h1"):
        (tmp_path / place).mkdir(parents=True)
    assert cgroup.groups(hierarchies) == ["lab/h0", "lab/h1"]
    for name in cgroup.groups(hierarchies):
        cgroup.TaskGroup(hierarchies, name).remove()
    cgroup.remove_cluster(hierarchies, "lab")
    assert not list(tmp_path.glob("*/sociometer"))


def test_removing_a_cluster_keeps_the_others(tmp_path: Path) -> None:
    hierarchies = machine(tmp_path, V1)
    (tmp_path / "cpu/sociometer/other/h0").mkdir(parents=True)
    (tmp_path / "cpu/sociometer/lab").mkdir(parents=True)
    cgroup.remove_cluster(hierarchies, "lab")
    assert cgroup.groups(hierarchies) == ["other/h0"]


def test_a_container_lives_as_long_as_a_process_of_its_own_and_a_daemon_does_not_count(tmp_path: Path) -> None:
    group = cgroup.TaskGroup(machine(tmp_path, V1), "lab/h0")
    container = tmp_path / "cpu/sociometer/lab/h0/task"
    container.mkdir(parents=True)
    (container.parent / "cgroup.procs").write_text("11\n")
    assert not group.has_container()
    (container / "worker").mkdir()
    (container / "worker/cgroup.procs").write_text("12\n")
    assert group.has_container()


@pytest.mark.parametrize("folder", [".", "task"])
@pytest.mark.parametrize(("version", "file"), [(V1, "memory.oom_control"), (V2, "memory.events")])
def test_memory_that_ran_out_is_seen_in_the_kernel_s_own_count(
    tmp_path: Path, version: str, file: str, folder: str
) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    hierarchies = machine(tmp_path, version)
    group, place = cgroup.TaskGroup(hierarchies, "lab/h0"), hierarchies.memory / "sociometer/lab/h0" / folder
    place.mkdir(parents=True)
    assert not group.out_of_memory()
    (place / file).write_text("under_oom 0\noom_kill 0\n")
    assert not group.out_of_memory()
    (place / file).write_text("under_oom 0\noom_kill 2\n")
    assert group.out_of_memory()


@pytest.mark.parametrize(("name", "met"), [("memory.failcnt", "3"), ("memory.events", "low 0\nmax 2\noom_kill 0")])
def test_memory_that_reached_its_limit_is_noticed_on_both_versions(tmp_path: Path, name: str, met: str) -> None:
    group = cgroup.TaskGroup(machine(tmp_path, V1), "lab/h0")
    group.create(1, 2**30)
    assert not group.met_memory_limit()
    file = tmp_path / "memory/sociometer/lab/h0" / name
    file.write_text(met.replace("3", "0").replace("max 2", "max 0"))
    assert not group.met_memory_limit()
    file.write_text(met)
    assert group.met_memory_limit()


def test_a_frozen_container_stands_still_and_the_hosts_daemons_go_on(tmp_path: Path) -> None:
    group = cgroup.TaskGroup(machine(tmp_path, V1), "lab/h0")
    container, daemon = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        for place, process in (("task", container), ("daemons", daemon)):
            folder = tmp_path / "cpu/sociometer/lab/h0" / place
            folder.mkdir(parents=True)
            (folder / "cgroup.procs").write_text(f"{process.pid}\n4194999\n")  # the second has just ended
        group.freeze()
        until = time.monotonic() + 10
        while psutil.Process(container.pid).status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < until
        assert psutil.Process(daemon.pid).status() != psutil.STATUS_STOPPED
    finally:
        for process in (container, daemon):
            process.kill()
            process.wait()
