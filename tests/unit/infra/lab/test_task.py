"""A task's life on a fake host: whatever goes wrong is its ending, with the reason, and never a duration."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from infra.lab import task as task_module
from infra.lab.probe import Answer
from infra.lab.protocol import End, Ending, TaskRun
from infra.lab.reasons import ImageAtFault
from infra.lab.snapshotter_log import Loading
from infra.lab.task import TaskLife
from infra.readiness import Ready
from kit.errors import CommandFailed, CommandTimeout, LabError
from kit.machine.clock import Steady
from tests.support.fake_host import FakeHost, FakeLayers, boot_document, lab_task

REFUSED = Answer(False, "connection refused at 10.213.0.2:8080")


@pytest.fixture(autouse=True)
def no_daemon_dies_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "DEATH_SECONDS", 0.0)


def lived(host: FakeHost, **changes: Any) -> TaskRun:
    life = TaskLife(host, lab_task(**changes), {"NAME": "value"})
    life.live(Steady.start())
    return life.run


def test_a_task_that_answers_is_booted_with_every_step_in_order() -> None:
    host = FakeHost()
    run = lived(host)
    assert (run.ending, run.reason) == (Ending.BOOTED, None)
    steps = [run.created_ns, run.connected_ns, run.pull_started_ns, run.pull_stopped_ns, run.started_ns, run.ready_ns]
    assert None not in steps
    assert steps == sorted(step for step in steps if step is not None)
    assert host.report is not None
    assert (run.boot_started_ns, run.boot_finished_ns) == (host.report["started_ns"], host.report["finished_ns"])
    assert (run.snapshotter, run.lazy_layers, run.received_bytes, run.clock_error_bound_ms) == ("soci", 2, 1000, 0.5)
    assert host.environment == {"NAME": "value"}


def test_without_a_boot_report_the_boot_is_from_started_to_ready() -> None:
    run = lived(FakeHost(report=None), has_boot_report=False)
    assert run.ending is Ending.BOOTED
    assert (run.boot_started_ns, run.boot_finished_ns) == (run.started_ns, run.ready_ns)
    assert run.clock_error_bound_ms is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "phase"),
    [
        (FakeHost(reachable=False), "connecting"),
        (FakeHost(answer=REFUSED), "waiting to be ready: connection refused at 10.213.0.2:8080"),
        (FakeHost(report=None, words="It said: loading"), "booting"),
    ],
)
def test_a_task_that_is_late_is_a_timeout_that_says_in_which_phase(host: FakeHost, phase: str) -> None:
    run = lived(host, timeout_seconds=0.1)
    assert run.ending is Ending.TIMEOUT
    assert run.reason == f"Not booted within 0.1 s; it was {phase}. {host.words}"
    assert run.boot_finished_ns is None


def test_a_pull_that_takes_too_long_is_a_timeout() -> None:
    run = lived(FakeHost(pull_error=CommandTimeout("ctr image pull did not end within 10 s.")))
    assert (run.ending, run.pull_stopped_ns) == (Ending.TIMEOUT, None)
    assert run.reason == "while pulling: ctr image pull did not end within 10 s."


@pytest.mark.slow
def test_a_container_that_ends_before_it_answers_has_stopped_with_its_last_words() -> None:
    run = lived(FakeHost(answer=REFUSED, stopped=True, words="It said: no such file"))
    assert run.ending is Ending.STOPPED
    assert run.reason == "The container ended with exit code 1 while it was waiting to be ready. It said: no such file"
    assert run.ready_ns is None


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_lazy_form_with_other_lazy_layers_than_promised_is_not_lazy(layers: int) -> None:
    run = lived(FakeHost(layers=FakeLayers(count=layers)))
    assert run.ending is Ending.NOT_LAZY
    assert run.reason == f"The form promises 2 lazy layers; seen: snapshotter soci, {layers} lazy layers."


def test_the_layers_that_fell_back_are_in_the_reason() -> None:
    told = "The soci-snapshotter left to containerd: sha256:1 (no ztoc)."
    run = lived(FakeHost(layers=FakeLayers(count=1, fallen_back=told)))
    assert (run.reason or "").endswith(f"1 lazy layers. {told}")


def test_a_lazy_form_whose_root_is_no_soci_mount_is_not_lazy() -> None:
    host = FakeHost(layers=FakeLayers("overlayfs"), report=boot_document(snapshotter="overlayfs"))
    assert lived(host).ending is Ending.NOT_LAZY


def test_parts_of_layers_that_were_to_be_fetched_early_and_were_not_make_it_not_lazy() -> None:
    assert lived(FakeHost(layers=FakeLayers(loaded=Loading(prefetched=1))), prefetched_layers=1).ending is Ending.BOOTED
    for promised, seen in ((1, 0), (0, 1)):
        run = lived(FakeHost(layers=FakeLayers(loaded=Loading(prefetched=seen))), prefetched_layers=promised)
        assert run.ending is Ending.NOT_LAZY
        assert f"parts of {promised} layers" in (run.reason or "") and f"did so for {seen}" in (run.reason or "")


@pytest.mark.parametrize(
    ("root", "layers", "in_parallel", "complaint"),
    [
        ("overlayfs", 0, 3, None),
        ("overlayfs", 0, 2, "2 of 3 layers were pulled in parallel"),
        ("overlayfs", 0, 0, "0 of 3 layers were pulled in parallel"),
        ("soci", 3, 3, "must be loaded whole; seen: snapshotter soci, 3 lazy layers"),
    ],
)
def test_a_parallel_pull_is_whole_and_by_the_soci_snapshotter_or_contaminated(
    root: str, layers: int, in_parallel: int, complaint: str | None
) -> None:
    host = FakeHost(layers=FakeLayers(root, layers, Loading(0, in_parallel)), report=boot_document(snapshotter=root))
    run = lived(host, snapshotter="soci", lazy_layers=0, parallel_layers=3)
    assert run.ending is (Ending.BOOTED if complaint is None else Ending.CONTAMINATED)
    assert (complaint or "") in (run.reason or "")


@pytest.mark.parametrize(("snapshotter", "layers"), [("soci", 2), ("overlayfs", 1), (None, 0)])
def test_a_control_that_was_not_loaded_whole_is_contaminated(snapshotter: str | None, layers: int) -> None:
    host = FakeHost(layers=FakeLayers(snapshotter, layers), report=boot_document(snapshotter=snapshotter))
    run = lived(host, snapshotter="overlayfs", lazy_layers=0)
    assert run.ending is Ending.CONTAMINATED
    assert "must be loaded whole" in (run.reason or "")


def test_a_control_that_was_loaded_whole_is_booted() -> None:
    host = FakeHost(layers=FakeLayers("overlayfs", 0), report=boot_document(snapshotter="overlayfs"))
    assert lived(host, snapshotter="overlayfs", lazy_layers=0).ending is Ending.BOOTED


def test_metadata_that_told_another_snapshotter_than_the_mounts_show_contaminates() -> None:
    run = lived(FakeHost(report=boot_document(snapshotter="overlayfs")))
    assert run.ending is Ending.CONTAMINATED
    assert run.reason == "The task's snapshotter changed: its metadata told 'overlayfs', its mounts show 'soci'."


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        (boot_document(task_arn="arn:other"), "names another task, 'arn:other'"),
        (boot_document(started_ns=2, finished_ns=1), "ends (1) before it begins (2)"),
        ({"schema_version": 1}, "cut or not ours: variant"),
    ],
)
def test_a_boot_report_that_cannot_be_this_task_s_fails_it(report: dict[str, Any], complaint: str) -> None:
    run = lived(FakeHost(report=report))
    assert run.ending is Ending.FAILED
    assert (run.reason or "").startswith("while booting: ")
    assert complaint in (run.reason or "")
    assert run.boot_finished_ns is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (FakeHost(pull_error=CommandFailed("not found")), "while pulling: not found"),
        (FakeHost(start_error=LabError("no runc")), "while starting: no runc"),
    ],
)
def test_a_step_that_fails_is_the_reason(host: FakeHost, reason: str) -> None:
    run = lived(host)
    assert (run.ending, run.reason) == (Ending.FAILED, reason)


def test_a_daemon_that_died_is_the_reason_and_not_the_step_that_noticed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "DEATH_SECONDS", 1.0)
    host = FakeHost(pull_error=CommandFailed("connection refused"), dead="containerd ended with exit code -9: killed")
    run = lived(host)
    assert (run.ending, run.reason) == (Ending.FAILED, f"while pulling: {host.dead}")


def test_a_daemon_that_dies_while_the_task_boots_fails_it() -> None:
    run = lived(FakeHost(report=None, dead="soci-snapshotter ended with exit code 1: out of memory"))
    assert run.ending is Ending.FAILED
    assert run.reason == "while booting: soci-snapshotter ended with exit code 1: out of memory"


@pytest.mark.parametrize("host", [FakeHost(answer=REFUSED), FakeHost(pull_hangs=True)])
def test_an_aborted_task_ends_soon_whatever_it_waits_for(host: FakeHost) -> None:
    life = TaskLife(host, lab_task(timeout_seconds=60), {})
    thread = threading.Thread(target=life.live, args=(Steady.start(),))
    thread.start()
    life.abort()
    thread.join(10)
    assert not thread.is_alive()
    assert life.run.ending is Ending.ABORTED
    assert host.killed.is_set()


def test_memory_that_ran_out_is_named_with_the_exit_code() -> None:
    run = lived(FakeHost(answer=REFUSED, stopped=True, ended=End(137, memory_limit=512 << 20)))
    assert run.ending is Ending.STOPPED
    assert (run.reason or "").startswith("The container ran out of memory (limit 512 MiB) and ended with exit code 137")


def test_a_job_is_booted_when_it_ends_with_its_code() -> None:
    run = lived(FakeHost(stopped=True, ended=End(0)), ready=Ready("exit", code=0), has_boot_report=False)
    assert run.ending is Ending.BOOTED
    assert (run.boot_started_ns, run.boot_finished_ns) == (run.started_ns, run.ready_ns)


def test_a_job_of_which_a_process_ran_out_of_memory_is_stopped_though_its_code_is_right() -> None:
    """The counters of the container's group go with it, before anything is judged."""
    ended = End(0, memory_limit=512 << 20)
    run = lived(FakeHost(stopped=True, ended=ended), ready=Ready("exit", code=0), has_boot_report=False)
    assert run.ending is Ending.STOPPED
    assert run.reason == "A process of the container ran out of memory (limit 512 MiB); it booted all the same."


def test_a_job_that_ends_with_another_code_has_stopped() -> None:
    run = lived(FakeHost(stopped=True, ended=End(3)), ready=Ready("exit", code=0), has_boot_report=False)
    assert run.ending is Ending.STOPPED
    assert run.reason == "The container ended with exit code 3, not with 0. It said nothing."


def test_a_job_that_does_not_end_is_a_timeout_that_says_so() -> None:
    run = lived(FakeHost(), ready=Ready("exit", code=0), has_boot_report=False, timeout_seconds=0.1)
    assert run.ending is Ending.TIMEOUT
    assert run.reason == "Not booted within 0.1 s; it was waiting to be ready: it still runs. It said nothing."


@pytest.mark.parametrize("step", ["pull_error", "start_error"])
def test_an_image_at_fault_has_stopped_which_is_not_tried_again(step: str) -> None:
    error = ImageAtFault("The image's command /nope is not in the image.")
    run = lived(FakeHost(**{step: error}))
    assert (run.ending, run.reason) == (Ending.STOPPED, str(error))


def test_what_dies_of_an_abort_is_aborted_and_has_not_stopped_by_itself() -> None:
    host = FakeHost(answer=REFUSED, ended=End(137))
    life = TaskLife(host, lab_task(timeout_seconds=60), {})

    def dead() -> bool:
        life.abort()  # it comes between two looks
        return True

    host.has_stopped = dead  # type: ignore[method-assign]
    life.live(Steady.start())
    assert (life.run.ending, life.run.reason) == (Ending.ABORTED, "The round was aborted while waiting to be ready.")


@pytest.mark.parametrize(
    ("host", "ending"),
    [
        (FakeHost(), Ending.CONTAMINATED),
        (FakeHost(layers=FakeLayers("overlayfs", 0)), Ending.NOT_LAZY),
        (FakeHost(pull_error=LabError("The pull broke.")), Ending.FAILED),
        (FakeHost(stopped=True, answer=REFUSED), Ending.STOPPED),
    ],
    ids=["booted", "not lazy", "failed", "stopped"],
)
def test_a_task_that_was_disturbed_is_no_measurement_and_keeps_its_own_reason(host: FakeHost, ending: Ending) -> None:
    life = TaskLife(host, lab_task(), {})
    life.live(Steady.start())
    before = life.run.reason or ""
    life.disturbed("Something happened.")
    booted = ending in (Ending.CONTAMINATED, Ending.NOT_LAZY)
    assert life.run.ending is (Ending.CONTAMINATED if booted else Ending.FAILED)
    assert life.run.reason == f"{before} Something happened.".strip()


def test_a_disturbance_does_not_change_that_a_round_was_aborted() -> None:
    host = FakeHost()
    life = TaskLife(host, lab_task(timeout_seconds=0), {})
    life.abort()
    life.live(Steady.start())
    life.disturbed("Something happened.")
    assert life.run.ending is Ending.ABORTED


def test_a_container_that_runs_out_of_memory_before_it_runs_is_stopped_with_its_limit() -> None:
    run = lived(FakeHost(memory_limit=6 << 20, start_error=LabError("runc was killed.")))
    assert (run.ending, run.reason) == (
        Ending.STOPPED,
        "The container ran out of memory (limit 6 MiB) while starting.",
    )


def test_a_task_of_which_a_process_ran_out_of_memory_is_stopped_though_it_booted() -> None:
    run = lived(FakeHost(memory_limit=512 << 20))
    assert run.ending is Ending.STOPPED
    assert run.reason == "A process of the container ran out of memory (limit 512 MiB); it booted all the same."
