"""A sweep in a process of its own, over HTTP, ended by real signals in the middle of a round."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.executors.fargate.boto import Boto
from experiments.executors.fargate.orphans import clear_orphans
from experiments.executors.simulation.clock import EPOCH_NS, SimulatedClock
from experiments.records.model import Outcome, RoundStatus
from experiments.store.store import Store
from experiments.sweep import start
from kit import interrupts
from sociometer.cli.interrupts import handled
from tests.contracts.fargate import REGION, fargate_outputs
from tests.contracts.plans import small_plan
from tests.support.aws_server import AwsServer, serving
from tests.support.scripted import ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import executor_on

SPEED = 400
"""Seconds of the experiment in one of the test."""


class FastClock(SimulatedClock):
    """Real time, but faster, and the same in every process; what is due happens when somebody looks or has slept."""

    def __init__(self) -> None:
        super().__init__(self._real_ns())

    def time_ns(self) -> int:
        self.advance_to(self._real_ns())
        return super().time_ns()

    def monotonic(self) -> float:
        self.advance_to(self._real_ns())
        return super().monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)
        self.advance_to(self._real_ns())

    @staticmethod
    def _real_ns() -> int:
        return EPOCH_NS + time.monotonic_ns() * SPEED


def _sweep(url: str, store: Path) -> None:
    """What the command line does: a sweep whose interrupts are handled, and an exit code."""
    outputs = fargate_outputs(load_balancer=url)
    with handled() as received, Store(store, write=True) as opened, Boto(REGION) as boto:
        try:
            start(opened, executor_on(boto, outputs, FastClock()), small_plan(), "dev", outputs, lambda _: None)
        except KeyboardInterrupt:
            sys.exit(received.exit_code)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsServer]:
    with serving(ScriptedEcs(fargate_outputs(), FastClock())) as running:
        monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running


class Gate:
    """Holds the answer to the second round's first look at its logs until the signal is sent."""

    def __init__(self, ecs: ScriptedEcs) -> None:
        self._ecs = ecs
        self.reached, self.opened = threading.Event(), threading.Event()
        ecs.before = self._hold

    def _hold(self, operation: str) -> None:
        # Each round is scaled up and down: the second one has begun with the third request to scale.
        if operation == "FilterLogEvents" and self._ecs.calls["UpdateService"] == 3 and not self.reached.is_set():
            self.reached.set()
            self.opened.wait()


def end_in_second_round(server: AwsServer, store: Path, number: signal.Signals) -> int | None:
    """Send a signal to a sweep while it waits for its second round's logs; returns its exit code."""
    assert server.ecs is not None
    gate = Gate(server.ecs)
    process = multiprocessing.get_context("spawn").Process(target=_sweep, args=(server.url, store))
    process.start()
    try:
        while not gate.reached.wait(0.1):
            assert process.is_alive(), "the sweep ended before its second round"
        assert process.pid is not None
        os.kill(process.pid, number)
        if number is signal.SIGKILL:
            process.join()
        gate.opened.set()
        process.join()
    finally:
        gate.opened.set()
        process.kill()
        process.join()
    return process.exitcode


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_in_the_middle_of_a_round_leaves_no_task_and_loses_no_record(
    server: AwsServer, tmp_path: Path, number: signal.Signals
) -> None:
    assert end_in_second_round(server, tmp_path / "store.sqlite", number) == 128 + number
    assert server.ecs is not None
    assert server.ecs.running() == 0
    with Store(tmp_path / "store.sqlite") as store:
        assert store.sweep().status == "interrupted"
        first, second = store.rounds(store.sweep().id)
    assert first.status is RoundStatus.COMPLETE
    assert second.status is RoundStatus.ABORTED
    assert {task.outcome for task in second.observation.tasks} <= {Outcome.ABORTED, Outcome.BOOTED}


def test_after_sigkill_clean_finds_what_runs_and_clears_it(server: AwsServer, tmp_path: Path) -> None:
    assert end_in_second_round(server, tmp_path / "store.sqlite", signal.SIGKILL) == -signal.SIGKILL
    assert server.ecs is not None
    assert server.ecs.running() > 0
    with Boto(REGION) as boto:
        cleared = clear_orphans(fargate_outputs(load_balancer=server.url), boto, FastClock())
    assert len(cleared) == 1
    assert server.ecs.running() == 0
    with Store(tmp_path / "store.sqlite") as store:
        assert [record.status for record in store.rounds(store.sweep().id)] == [RoundStatus.COMPLETE]
