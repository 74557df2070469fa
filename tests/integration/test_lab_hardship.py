"""Real rounds on a machine that runs out of memory, of disk, or of the right time: none is a measurement, each says
why, and the next one works.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, RoundObservation, RoundStatus, round_status
from infra.lab import cluster
from infra.lab.cgroup import TaskGroup, remove_cluster
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs
from kit.machine import mountinfo, processes
from tests.integration.test_lab import lab_of, pids_of, round_of, silent
from tests.support.leftovers import left_on_the_machine
from tests.support.small_disk import small_disk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def lab(tiny_stack: StackOutputs) -> Iterator[LabExecutor]:
    with lab_of(tiny_stack) as executor:
        yield executor
    assert left_on_the_machine() == []


@contextmanager
def little_memory(limit_bytes: int) -> Iterator[TaskGroup]:
    """A group of this test's own, for processes that are to run out of memory."""
    hierarchies = mountinfo.Hierarchies.among(mountinfo.of())
    name = f"{processes.owner_name()}-hardship"  # one without an owner is anybody's to clear
    group = TaskGroup(hierarchies, f"{name}/it")
    group.create(1.0, limit_bytes)
    try:
        yield group
    finally:
        group.remove()
        remove_cluster(hierarchies, name)


def no_measurement(observation: RoundObservation) -> str:
    """The reason of a round that counts for nothing."""
    assert round_status(observation.tasks, 1) in (RoundStatus.FAILED, RoundStatus.CONTAMINATED)
    return observation.tasks[0].reason or ""


@pytest.mark.parametrize(
    ("program", "form", "phase"),
    [("soci-snapshotter-grpc", "soci-v2", "booting"), ("containerd", "plain", "pulling")],
)
def test_a_daemon_that_runs_out_of_memory_fails_the_round_and_not_the_next(
    lab: LabExecutor, program: str, form: str, phase: str
) -> None:
    with little_memory(2 << 20) as group:

        def starve() -> list[int]:
            assert lab._cluster is not None
            victims = pids_of(lab._cluster.processes(), program)
            for pid in victims:
                group.add(pid)
            return []

        def listen(said: str) -> None:
            if phase in said and not group.out_of_memory():
                starve()

        observation = lab.run_round(round_of(form, variant="movie"), listen)
        assert group.out_of_memory(), "nothing ran out of memory"
    assert "was killed while the kernel killed for lack of memory" in no_measurement(observation)
    assert lab.run_round(round_of(form), silent).tasks[0].outcome is Outcome.BOOTED


def test_a_sweep_s_own_process_that_runs_out_of_memory_leaves_nothing_that_is_not_cleared(
    tiny_stack: StackOutputs, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(tiny_stack.model_dump_json())
    script = f"""
        import json
        from experiments.executors.lab import LabExecutor
        from experiments.records.model import Round
        from infra.outputs import StackOutputs
        outputs = StackOutputs.parse(json.load(open({str(outputs)!r})))
        round_ = Round(block=0, index=0, variant="movie", form="soci-v2", task_count=1)
        kept = []
        def listen(said):
            print(said, flush=True)
            if "booting" in said:
                kept.append(b"x" * (256 << 20))
        with LabExecutor(outputs, profile={DEFAULT_PROFILE!r}, timeout_seconds=60) as lab:
            lab.run_round(round_, listen)
    """
    victim = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    next(line for line in victim.stdout if "preparing" in line)
    with little_memory(64 << 20) as group:
        group.add(victim.pid)
        victim.communicate(timeout=30)
        assert group.out_of_memory()
    assert victim.returncode == -signal.SIGKILL
    left = [line for line in left_on_the_machine(victim.pid) if f"{victim.pid}-" in line]
    assert left
    cluster.clear_orphans()
    assert [line for line in left_on_the_machine(victim.pid) if f"{victim.pid}-" in line] == []


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS], ids=["forward", "back"])
def test_a_clock_that_is_set_during_a_round_makes_it_no_measurement(
    lab: LabExecutor, monkeypatch: pytest.MonkeyPatch, step_ns: int
) -> None:
    """The clock of this process jumps; the container's, which is the machine's, cannot be set by a test."""
    true, jumped = time.time_ns, []

    def listen(said: str) -> None:
        if "pulling" in said and not jumped:
            jumped.append(said)
            monkeypatch.setattr(time, "time_ns", lambda: true() + step_ns)
            monkeypatch.setattr(time, "time", lambda: (true() + step_ns) / 1e9)

    observation = lab.run_round(round_of("plain"), listen)
    monkeypatch.undo()
    assert jumped
    assert no_measurement(observation).startswith("This machine's clock was set")
    assert 0 <= observation.finished_ns - observation.started_ns < HOUR_NS
    assert lab.run_round(round_of("plain"), silent).tasks[0].outcome is Outcome.BOOTED


def test_a_host_s_disk_that_runs_full_fails_the_round_names_the_place_and_leaves_nothing(
    tiny_stack: StackOutputs,
) -> None:
    """Its hosts lie on a file system of their own, which has less room than an image."""
    with small_disk(cluster.run_folder(), 64), lab_of(tiny_stack) as lab:
        observation = lab.run_round(round_of("plain", variant="movie"), silent)
        reason = no_measurement(observation)
        assert f"The disk with {cluster.run_folder()}/" in reason
        assert "is full: no space left on device." in reason
        assert lab.run_round(round_of("soci-v2"), silent).tasks[0].outcome is Outcome.BOOTED
