"""The lab on real images: every form boots as it promises, and every failure is an outcome that leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.executors.lab import LabExecutor
from experiments.executors.protocol import RoundAborted
from experiments.records.model import Outcome, Round, RoundObservation
from experiments.records.phases import durations
from infra.lab import cluster
from infra.lab.profiles import DEFAULT_PROFILE
from infra.outputs import StackOutputs
from tests.support.leftovers import left_on_the_machine

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def round_of(form: str, *, variant: str = "parquet", tasks: int = 1) -> Round:
    return Round(block=0, index=0, variant=variant, form=form, task_count=tasks)


def lab_of(outputs: StackOutputs, *, timeout_seconds: float = 60, profile: str = DEFAULT_PROFILE) -> LabExecutor:
    return LabExecutor(outputs, profile=profile, timeout_seconds=timeout_seconds)


def silent(_phase: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def lab(tiny_stack: StackOutputs) -> Iterator[LabExecutor]:
    with lab_of(tiny_stack) as executor:
        yield executor
    assert left_on_the_machine() == []


@pytest.mark.parametrize(
    ("form", "snapshotter"),
    [("plain", "overlayfs"), ("plain-again", "overlayfs"), ("soci-v1", "soci"), ("soci-v2", "soci")],
)
@pytest.mark.parametrize("variant", ["movie", "parquet"])
def test_every_form_boots_with_the_snapshotter_that_it_promises(
    lab: LabExecutor, tiny_stack: StackOutputs, variant: str, form: str, snapshotter: str
) -> None:
    [task] = lab.run_round(round_of(form, variant=variant), silent).tasks
    assert (task.outcome, task.reason) == (Outcome.BOOTED, None)
    assert task.snapshotter == snapshotter
    assert task.lazy_layers == len(tiny_stack.variants[variant].treatments[form].ztocs)
    times = task.times
    steps = (times.created_ns, times.connected_ns, times.pull_started_ns, times.pull_stopped_ns, times.started_ns)
    assert list(steps) == sorted(step for step in steps if step is not None)
    assert times.boot_finished_ns is not None and times.pull_stopped_ns is not None
    assert times.boot_finished_ns > times.pull_stopped_ns


def test_lazy_loading_brings_fewer_bytes_where_the_boot_reads_less(lab: LabExecutor) -> None:
    [whole] = lab.run_round(round_of("plain"), silent).tasks
    [lazy] = lab.run_round(round_of("soci-v2"), silent).tasks
    assert whole.received_bytes is not None and lazy.received_bytes is not None
    assert lazy.received_bytes < 0.6 * whole.received_bytes


def test_the_tasks_of_a_round_are_released_at_one_moment_and_are_all_told_apart(lab: LabExecutor) -> None:
    tasks = lab.run_round(round_of("soci-v2", tasks=3), silent).tasks
    assert [task.outcome for task in tasks] == [Outcome.BOOTED] * 3
    assert len({task.times.created_ns for task in tasks}) == 1
    assert len({task.task_id for task in tasks}) == 3


def test_an_image_without_its_index_is_not_lazy_and_keeps_its_times(tiny_stack: StackOutputs) -> None:
    variant = tiny_stack.variants["parquet"]
    promised, plain = variant.treatments["soci-v2"], variant.treatments["plain"]
    broken = promised.model_copy(update={"image": plain.image, "image_digest": plain.image_digest})
    treatments = {**variant.treatments, "soci-v2": broken}
    outputs = tiny_stack.model_copy(
        update={"variants": {"parquet": variant.model_copy(update={"treatments": treatments})}}
    )
    with lab_of(outputs) as lab:
        [task] = lab.run_round(round_of("soci-v2"), silent).tasks
    assert task.outcome is Outcome.NOT_LAZY
    assert "lazy layers" in (task.reason or "")
    assert durations(task).boot_seconds is not None


def test_a_task_that_does_not_boot_in_time_is_a_timeout(tiny_stack: StackOutputs) -> None:
    with lab_of(tiny_stack, timeout_seconds=0.6) as lab:
        [task] = lab.run_round(round_of("plain", variant="movie"), silent).tasks
        left = lab._cluster.leftovers() if lab._cluster else []
    assert task.outcome is Outcome.TIMEOUT
    assert task.times.boot_finished_ns is None
    assert not [line for line in left if "/h0" in line]


def test_a_reference_that_does_not_exist_fails_at_once_with_the_reason(tiny_stack: StackOutputs) -> None:
    variant = tiny_stack.variants["parquet"]
    plain = variant.treatments["plain"]
    elsewhere = f"{tiny_stack.registry}/sociometer/nowhere@{plain.image_digest}"
    missing = plain.model_copy(update={"image": elsewhere})
    outputs = tiny_stack.model_copy(
        update={"variants": {"parquet": variant.model_copy(update={"treatments": {"plain": missing}})}}
    )
    began = time.monotonic()
    with lab_of(outputs) as lab:
        [task] = lab.run_round(round_of("plain"), silent).tasks
    assert task.outcome is Outcome.FAILED
    assert "not found" in (task.reason or "")
    assert time.monotonic() - began < 30


def kill_when(
    lab: LabExecutor, phase: str, victims: Callable[[], list[int]]
) -> tuple[Callable[[str], None], list[int]]:
    """A listener that kills what ``victims`` names as soon as the round reaches the phase."""
    killed: list[int] = []

    def listen(said: str) -> None:
        if phase in said and not killed:
            killed.extend(victims())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    return listen, killed


def pids_of(sandbox_pids: list[int], program: str) -> list[int]:
    return [pid for pid in sandbox_pids if Path(f"/proc/{pid}/comm").read_text().strip() == program[:15]]


def broken_round(
    lab: LabExecutor, phase: str, victims: Callable[[], list[int]], form: str, *, tasks: int = 1
) -> RoundObservation:
    listen, killed = kill_when(lab, phase, victims)
    observation = lab.run_round(round_of(form, variant="movie", tasks=tasks), listen)
    assert killed, "nothing was killed: the round never reached the phase"
    return observation


def test_a_snapshotter_that_dies_under_a_container_fails_the_round_and_not_the_next(lab: LabExecutor) -> None:
    def snapshotter() -> list[int]:
        assert lab._cluster is not None
        return pids_of(lab._cluster.processes(), "soci-snapshotter-grpc")

    [task] = broken_round(lab, "booting", snapshotter, "soci-v2").tasks
    assert task.outcome in (Outcome.FAILED, Outcome.STOPPED)
    assert task.reason
    assert lab.run_round(round_of("soci-v2"), silent).tasks[0].outcome is Outcome.BOOTED


def test_a_registry_that_dies_in_the_middle_fails_the_round_and_not_the_next(lab: LabExecutor) -> None:
    assert lab._cluster is not None

    def registry() -> list[int]:
        assert lab._cluster is not None
        return pids_of(lab._cluster.edge.sandbox.pids(), "docker-registry")

    tasks = broken_round(lab, "pulling", registry, "plain", tasks=3).tasks  # three: one pull might be over by then
    failed = [task for task in tasks if task.outcome is Outcome.FAILED]
    assert failed
    assert all("registry" in (task.reason or "") for task in failed)
    assert lab.run_round(round_of("soci-v2"), silent).tasks[0].outcome is Outcome.BOOTED


def test_ctrl_c_stops_the_tasks_of_the_round_and_tells_what_was_seen(lab: LabExecutor) -> None:
    def interrupt(said: str) -> None:
        if "pulling" in said:
            threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()

    with pytest.raises(RoundAborted) as aborted:
        lab.run_round(round_of("plain", variant="movie", tasks=2), interrupt)
    assert {task.outcome for task in aborted.value.observation.tasks} == {Outcome.ABORTED}
    assert lab.run_round(round_of("plain"), silent).tasks[0].outcome is Outcome.BOOTED


def test_a_killed_lab_leaves_no_process_and_its_rest_is_cleared(tiny_stack: StackOutputs, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(tiny_stack.model_dump_json())
    script = f"""
        import json, sys
        from experiments.executors.lab import LabExecutor
        from experiments.records.model import Round
        from infra.outputs import StackOutputs
        outputs = StackOutputs.parse(json.load(open({str(outputs)!r})))
        round_ = Round(block=0, index=0, variant="movie", form="soci-v2", task_count=2)
        with LabExecutor(outputs, profile={DEFAULT_PROFILE!r}, timeout_seconds=60) as lab:
            lab.run_round(round_, lambda said: print(said, flush=True))
    """
    victim = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    for line in victim.stdout:
        if "booting" in line:
            break
    victim.kill()
    victim.communicate()
    folder = str(cluster.run_folder() / f"{victim.pid}-")
    deadline = time.monotonic() + 10
    while (alive := [line for line in left_on_the_machine(victim.pid) if folder in line and line[0] != "/"]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert alive == []
    cleared = cluster.clear_orphans()
    assert any(f"{victim.pid}-" in line for line in cleared)
    assert not [line for line in left_on_the_machine(victim.pid) if f"{victim.pid}-" in line]
    assert not [line for line in cluster.clear_orphans() if f"{victim.pid}-" in line]
