"""The probe for real: built, and beside a lab's task, in its host's network, against the lab's metadata endpoint."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Round
from infra import probe_report, readiness
from infra.lab import task
from infra.lab.host import Host
from infra.lab.metadata import CONTAINER_NAME
from infra.lab.profiles import DEFAULT_PROFILE
from infra.lab.protocol import LabTask
from infra.outputs import StackOutputs
from infra.settings.model import machine_platform
from infra.sources import probe, programs
from kit.daemon import Daemon

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
PACE_SECONDS = 0.001
"""Of both here: at their usual 20 ms each sees the moment up to so much later, at moments of their own."""
MOST_APART_NS = 60_000_000
"""On a quiet machine they are within 5 ms of each other. On a busy one a question takes time: the longest that the lab
waited from one to the next is added, since what held up one of them may have held up the other."""
MOST_BYTES = 8 << 20


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def beside(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Daemon, Path, str]]:
    """The probes started so far, one beside each task: process, what it writes, and the readiness it asks for."""
    program = programs.build("probe", machine_platform().removeprefix("linux/"), cache) / "probe"
    started: list[tuple[Daemon, Path, str]] = []
    start = Host.start

    def start_with_probe(host: Host, one: LabTask, environment: dict[str, str]) -> None:
        log = tmp_path / f"{one.container_id}.log"
        env = {
            **environment,
            "READY": str(one.ready),
            "TIMEOUT_SECONDS": "60",
            "PACE_MS": "1",
            "CONTAINER": CONTAINER_NAME,
        }
        started.append((host._sandbox.spawn("probe", [program], log, env), log, str(one.ready)))
        start(host, one, environment)

    received_bytes = Host.received_bytes

    def once_the_probe_has_written(host: Host) -> int:
        """The lab asks for this when the task has booted, and ends it afterwards."""
        started[-1][0].process.wait(10)
        return received_bytes(host)

    monkeypatch.setattr(task, "READY_POLL_SECONDS", PACE_SECONDS)
    monkeypatch.setattr(Host, "start", start_with_probe)
    monkeypatch.setattr(Host, "received_bytes", once_the_probe_has_written)
    return started


@pytest.fixture
def asked_ns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """When the lab asked its task whether it is ready, and got each answer."""
    moments: list[int] = []
    look = Host.look

    def noted(host: Host, one: LabTask) -> Any:
        moments.append(time.time_ns())
        answer = look(host, one)
        moments.append(time.time_ns())
        return answer

    monkeypatch.setattr(Host, "look", noted)
    return moments


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_image_is_small_and_always_the_same(cache: Path, tmp_path: Path, architecture: str) -> None:
    image = probe.prepare(f"linux/{architecture}", cache)
    assert probe.prepare(f"linux/{architecture}", tmp_path).digest == image.digest
    assert sum(path.stat().st_size for path in image.layout.rglob("*") if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize(("form", "snapshotter"), [("plain", "overlayfs"), ("soci-v2", "soci")])
def test_the_probe_sees_what_the_lab_sees(
    tiny_stack: StackOutputs,
    beside: list[tuple[Daemon, Path, str]],
    asked_ns: list[int],
    form: str,
    snapshotter: str,
) -> None:
    with LabExecutor(tiny_stack, profile=DEFAULT_PROFILE, timeout_seconds=60) as lab:
        [seen] = lab.run_round(Round(block=0, index=0, variant="parquet", form=form, task_count=1), print).tasks
    assert (seen.outcome, seen.reason) == (Outcome.BOOTED, None)
    [(_, log, ready)] = beside
    assert readiness.parse(ready).kind in ("http", "tcp", "port")
    *_, last = log.read_text().splitlines()  # before it, what was seen of a task that was not ready yet
    report = probe_report.parse(last, seen.task_id, ready)
    assert (report.seen, report.snapshotter(CONTAINER_NAME)) == ("answered 200", snapshotter)
    assert report.ready_ns is not None
    assert seen.times.ready_ns is not None
    print(f"PROBE minus lab: {(report.ready_ns - seen.times.ready_ns) / 1e6:.2f} ms")
    held_up_ns = max(after - before for before, after in pairwise(asked_ns))
    assert abs(report.ready_ns - seen.times.ready_ns) < MOST_APART_NS + held_up_ns
