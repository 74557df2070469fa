"""Where the seconds of a real boot go: an image that reads what is known, works as long as is known, and ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments import reads
from experiments.executors.lab import LabExecutor
from experiments.records.model import Outcome, Spent, TaskObservation
from experiments.records.phases import durations
from experiments.report.formats import Report, read
from experiments.store.store import Store
from experiments.sweep import start
from infra.automation import stack
from infra.lab.profiles import PROFILES
from infra.outputs import StackOutputs
from tests.contracts.plans import small_plan
from tests.support.field_images import Tar, gzip_layer, image, noise
from tests.support.traced import python_root

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]
KNOWN_BYTES = 24 << 20
WORK_SECONDS = 1.0
PROFILE = PROFILES["fargate-256-512"]
"""A quarter of a CPU: each second of work is followed by three of waiting for the quota."""
PROGRAM = f"""
import time
open("/data/known", "rb").read()
end = time.process_time() + {WORK_SECONDS}
while time.process_time() < end:
    pass
"""
Reported = tuple[Report, list[TaskObservation]]
START_SECONDS = 0.6
"""CPU time of runc in the container's group, of the interpreter's start, and of reading 24 MB, at most."""
PERIOD_SECONDS = 0.1
"""The quota is given out for each of these; the last one may end the work early."""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = Tar().folder("data").file("data/main.py", PROGRAM.encode())
    data.file("data/known", noise("known", KNOWN_BYTES)).file("data/not", noise("not", KNOWN_BYTES))
    layers = [python_root(), gzip_layer(data)]
    made = image(layers, config={"Cmd": ["/usr/bin/python3", "/data/main.py"]})
    return made.write(tmp_path_factory.mktemp("why") / "image")


@pytest.fixture(scope="module")
def outputs(own_data: Path, layout: Path) -> Iterator[StackOutputs]:
    name = f"test-why-{os.getpid()}"
    own = {"it": {"image": f"oci:{layout}", "ready": "exit:0"}}
    settings = {"variants": [], "minLayerSize": 0, "forms": ["plain", "soci-v2"], "images": own}
    try:
        yield stack.up(name, settings, lambda _line: None)
    finally:
        stack.down(name, lambda _line: None)


@pytest.fixture(scope="module")
def report(outputs: StackOutputs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """A sweep with its trace, and the tasks that ran, by form."""
    plan = small_plan(variants=("it",), task_counts=(1,), blocks=1)
    with Store(tmp_path_factory.mktemp("store") / "store.sqlite", write=True) as store:
        lab = LabExecutor(outputs, profile=PROFILE.name, timeout_seconds=100)
        swept = start(store, lab, plan, "why", outputs, lambda _: None)
        said: list[str] = []
        reads.add_missing(store, swept, 100, said.append)
        assert "it: trace: booting" in said, "the first sweep of an image traces it"
        again = start(store, lab, plan, "why", outputs, lambda _: None)
        reads.add_missing(store, again, 100, pytest.fail)
        assert store.reads(again.id) == store.reads(swept.id), "the second takes the trace that is kept"
        by_form = {each.round.form: each.observation.tasks[0] for each in store.rounds(swept.id)}
        yield read(store, swept), [by_form["plain"], by_form["soci-v2"]]


def spent(task: TaskObservation) -> Spent:
    assert (task.outcome, task.reason) == (Outcome.BOOTED, None)
    assert task.spent is not None
    return task.spent


def test_cpu_time_and_the_wait_for_the_quota_are_the_programs(report: Reported) -> None:
    for task in report[1]:
        found = spent(task)
        assert WORK_SECONDS <= found.cpu_seconds <= WORK_SECONDS + START_SECONDS
        expected = found.cpu_seconds * (1 / PROFILE.vcpu - 1)
        assert expected / 2 <= found.quota_seconds <= expected + PERIOD_SECONDS


def test_the_wire_carries_what_the_layers_are_and_the_pull_is_divided_without_rest(
    report: Reported, outputs: StackOutputs
) -> None:
    plain, lazy = report[1]
    pull = durations(plain).pull_seconds
    whole, some = spent(plain), spent(lazy)
    assert whole.wire_seconds is not None and pull is not None
    assert whole.wire_seconds + whole.unpack_seconds == pytest.approx(pull, abs=0.01)
    size, rate = outputs.variants["it"].image_bytes, PROFILE.rate_bits_per_second or 0
    assert size <= whole.started_bytes <= 1.05 * size, "frames have headers, and a manifest comes with the layers"
    assert whole.wire_seconds == pytest.approx(whole.started_bytes * 8 / rate, rel=0.05)
    assert whole.ready_bytes < whole.started_bytes + 100_000, "a program that reads local files receives nothing"
    assert some.started_bytes < size / 4
    assert some.ready_bytes > some.started_bytes + KNOWN_BYTES * 0.9


def test_only_a_lazy_form_waits_for_spans(report: Reported) -> None:
    plain, lazy = map(spent, report[1])
    assert plain.span_wait_seconds == 0
    at_rate = KNOWN_BYTES * 8 / (PROFILE.rate_bits_per_second or 1)
    assert lazy.span_wait_seconds > at_rate / 2, "while a span is fetched the program can do nothing"
    assert lazy.unpack_seconds == 0
    # The snapshotter runs beside plain, too, and the kernel counts its idle work now and then as a tick of 0.01 s.
    assert plain.snapshotter_seconds < lazy.snapshotter_seconds / 4


def test_the_report_has_the_parts_the_floor_and_what_was_read(report: Reported) -> None:
    analysis = report[0].contents.analysis
    [known] = analysis.reads
    assert known.figures is not None
    assert KNOWN_BYTES <= known.figures.read_bytes <= KNOWN_BYTES * 1.5, "and what Python reads to start"
    assert known.figures.unseen_bytes == 0
    assert analysis.explanations[0].startswith("it: boot reads ")
    for why in analysis.why:
        assert sum(why.parts.values()) == pytest.approx(why.seconds)
        assert why.parts["other"] < why.seconds / 4, "most of it is explained"
        assert why.floor is not None and why.floor.by == "cpu"
        assert why.seconds > why.floor.seconds >= WORK_SECONDS / PROFILE.vcpu
