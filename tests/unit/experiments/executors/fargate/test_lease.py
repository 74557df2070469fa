"""A stack is used by one machine at a time: two users with data folders of their own, on one scripted ECS."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.executors.fargate.lease import SETTLE_SECONDS, TAG, Holder, Lease
from experiments.executors.fargate.orphans import claimed, clear_orphans
from experiments.executors.simulation.clock import SimulatedClock
from infra.outputs import StackOutputs
from kit.errors import StoreError
from tests.contracts.fargate import fargate_outputs
from tests.support.scripted import ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import TIMEOUT_SECONDS, executor_on, round_of


@dataclass
class Shifted:
    """The clock of a machine that is wrong by some seconds."""

    true: SimulatedClock
    seconds: float

    def time_ns(self) -> int:
        return self.true.time_ns() + round(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.true.monotonic()

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)


IN_USE = r"cluster/sociometer is in use by \S+@\S+ process \d+, on another machine .* until .* UTC"


@pytest.fixture
def ecs(outputs: StackOutputs, clock: SimulatedClock) -> ScriptedEcs:
    return ScriptedEcs(outputs, clock)


@pytest.fixture
def other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on, this process is another machine."""
    return lambda: monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "other"))


def lease_on(ecs: ScriptedEcs) -> Holder | None:
    [cluster] = ecs.describe_clusters([fargate_outputs().fargate.cluster])  # type: ignore[union-attr]
    return next((Holder.parse(tag["value"]) for tag in cluster["tags"] if tag["key"] == TAG), None)


def test_another_machine_is_refused_and_stops_nothing(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None]
) -> None:
    with executor_on(ecs, outputs, clock):
        ecs.start_foreign("movie-plain", 60)  # stands for the tasks of a round
        other_machine()
        with pytest.raises(StoreError, match=IN_USE):
            executor_on(ecs, outputs, clock).__enter__()
        with pytest.raises(StoreError, match=IN_USE):
            clear_orphans(outputs, ecs, clock)
        assert ecs.running() == 1


def test_a_stack_is_free_again_when_its_sweep_has_ended(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None]
) -> None:
    with executor_on(ecs, outputs, clock):
        assert lease_on(ecs) is not None
    assert lease_on(ecs) is None
    other_machine()
    with executor_on(ecs, outputs, clock):
        pass


def test_of_two_that_take_it_at_one_moment_one_gets_it(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None]
) -> None:
    """The second one reads before the first one has written, and writes after it."""
    assert outputs.fargate is not None
    first, got = Lease(ecs, clock, outputs.fargate.cluster, 60), []
    other_machine()
    second = Lease(ecs, clock, outputs.fargate.cluster, 60)
    second_writes = second._write

    class Late(SimulatedClock):
        """While the first one waits, the second one writes what it had begun to write before."""

        def sleep(self, seconds: float) -> None:
            tags, ecs._tags = ecs._tags, type(ecs._tags)(dict)  # as the second one has read them
            second_writes()
            ecs._tags = {**tags, **ecs._tags}  # type: ignore[assignment]
            super().sleep(seconds)

    first._clock = Late()
    for lease in (first, second):
        try:
            lease.take()
        except StoreError:
            continue
        got.append(lease)
    assert got == [second]


def test_a_lease_of_a_machine_that_is_gone_runs_out(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None]
) -> None:
    gone = executor_on(ecs, outputs, clock)
    gone.__enter__()
    other_machine()
    with pytest.raises(StoreError, match=IN_USE):
        executor_on(ecs, outputs, clock).__enter__()
    clock.sleep(TIMEOUT_SECONDS + 3600)
    with executor_on(ecs, outputs, clock):
        pass


@pytest.mark.parametrize("ahead", [-300, 300], ids=["behind", "ahead"])
def test_a_clock_that_is_set_as_far_as_aws_still_takes_it_does_not_free_a_stack(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None], ahead: int
) -> None:
    """The one that holds it is five minutes behind AWS, the other one as much ahead, or the other way round."""
    assert outputs.fargate is not None
    cluster = outputs.fargate.cluster
    Lease(ecs, Shifted(clock, -ahead), cluster, 60).take()
    other_machine()
    with pytest.raises(StoreError, match=IN_USE):
        Lease(ecs, Shifted(clock, ahead), cluster, 60).take()
    clock.sleep(60 + 2 * 600)
    Lease(ecs, Shifted(clock, ahead), cluster, 60).take()


def test_a_lease_is_renewed_across_a_step_of_the_clock(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, other_machine: Callable[[], None]
) -> None:
    assert outputs.fargate is not None
    shifted = Shifted(clock, 0)
    lease = Lease(ecs, shifted, outputs.fargate.cluster, 60)
    lease.take()
    for step in (300, -600):
        shifted.seconds += step
        lease.renew()
        assert not lease.is_lost()
    other_machine()
    with pytest.raises(StoreError, match=IN_USE):
        Lease(ecs, clock, outputs.fargate.cluster, 60).take()


def test_a_killed_sweep_s_own_machine_need_not_wait_for_its_lease(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    assert outputs.fargate is not None
    Lease(ecs, clock, outputs.fargate.cluster, 3600).take()  # a kill frees the lock, and leaves this
    began = clock.monotonic()
    with executor_on(ecs, outputs, clock):
        assert clock.monotonic() - began < 10 * SETTLE_SECONDS


def test_a_sweep_renews_its_lease_with_each_round(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock
) -> None:
    with executor_on(ecs, outputs, clock) as executor:
        first = lease_on(ecs)
        executor.run_round(round_of(), lambda _: None)
        executor.run_round(round_of(index=1), lambda _: None)
        last = lease_on(ecs)
    assert first is not None and last is not None and last.until > first.until


def test_a_sweep_that_slept_too_long_stops_none_of_the_tasks_of_its_successor(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with executor_on(ecs, outputs, clock) as sleeper:
        clock.sleep(86_400)
        with monkeypatch.context() as patch:
            patch.setenv("SOCIOMETER_DATA", str(tmp_path / "other"))
            successor = executor_on(ecs, outputs, clock)
            successor.__enter__()
        ecs.start_foreign("movie-soci-v2", 60)
        with pytest.raises(StoreError, match=IN_USE):
            sleeper.run_round(round_of(), lambda _: None)
    assert ecs.running() == 1
    assert lease_on(ecs) is not None


def test_the_claim_of_a_stack_whose_cluster_is_gone_asks_nobody(
    outputs: StackOutputs, ecs: ScriptedEcs, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ecs, "describe_clusters", lambda _: [{"status": "INACTIVE"}])
    with claimed(outputs, ecs, clock):
        pass
    assert not any(ecs._tags.values())


@pytest.mark.parametrize("value", ["", "somebody's own", "0" * 32 + " x until tomorrow"])
def test_a_tag_of_somebody_else_is_no_lease(value: str) -> None:
    assert Holder.parse(value) is None


@given(
    st.uuids().map(lambda value: value.hex),
    st.text(max_size=300),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
)
def test_whatever_a_machine_is_called_its_lease_is_a_tag_that_aws_takes_and_is_read_again(
    machine: str, who: str, until: datetime
) -> None:
    holder = Holder(machine, who, until.replace(microsecond=0, tzinfo=UTC))
    value = str(holder)
    assert len(value) <= 256 and re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]*", value)
    again = Holder.parse(value)
    assert again is not None and (again.id, again.until) == (holder.id, holder.until)
