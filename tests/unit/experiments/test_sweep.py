from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from experiments.records.model import Outcome, Round, RoundStatus
from experiments.resuming import check_same_plan
from experiments.store.store import Store
from experiments.sweep import MAX_LOST_ROUNDS, Progress, resume, start
from infra.outputs import StackOutputs
from kit.errors import LabError, MachineError, SettingsError, SweepError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan
from tests.support.fake_executor import FakeExecutor
from tests.unit.experiments.conftest import StartSweep


def statuses(store: Store) -> list[tuple[int, int, str]]:
    """Index, attempt and status of every round of the latest sweep."""
    records = store.rounds(store.sweep().id)
    return [(record.round.index, record.attempt, record.status.value) for record in records]


def test_a_sweep_runs_every_round_in_order_and_ends_finished(store: Store, sweep: StartSweep) -> None:
    assert sweep().status == "finished"
    assert statuses(store) == [(index, 1, "complete") for index in range(8)]


def test_each_round_is_in_the_store_before_the_next_one_starts(store: Store, sweep: StartSweep) -> None:
    counts: list[int] = []
    sweep(during=lambda round_: counts.append(len(store.rounds(store.sweep().id)) - round_.index))
    assert counts == [0] * 8


def test_the_listener_hears_each_round_its_phases_and_less_time_left(sweep: StartSweep, heard: list[Progress]) -> None:
    sweep()
    first = [progress.phase for progress in heard if progress.round.index == 0]
    assert first == ["starting", "preparing", "measuring", "clearing"]
    starts = [progress for progress in heard if progress.phase == "starting"]
    assert [(progress.rounds_done, progress.rounds_total) for progress in starts] == [(n, 8) for n in range(8)]
    assert starts[-1].seconds_left < starts[0].seconds_left / 3


def test_a_failed_round_is_tried_again_and_every_attempt_is_kept(store: Store, sweep: StartSweep) -> None:
    assert sweep(script={1: [Outcome.FAILED, Outcome.FAILED]}).status == "finished"
    assert [entry for entry in statuses(store) if entry[0] == 1] == [
        (1, 1, "failed"),
        (1, 2, "failed"),
        (1, 3, "complete"),
    ]
    failed = store.rounds(store.sweep().id)[1]
    assert failed.reason == "scripted: failed"
    assert len(failed.observation.tasks) == failed.round.task_count


def test_a_round_that_always_fails_is_tried_three_times_and_the_sweep_goes_on(store: Store, sweep: StartSweep) -> None:
    assert sweep(script={1: [Outcome.FAILED] * 9}).status == "finished"
    assert [entry for entry in statuses(store) if entry[0] == 1] == [(1, n, "failed") for n in (1, 2, 3)]
    assert statuses(store)[-1] == (7, 1, "complete")


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.STOPPED, Outcome.NOT_LAZY])
def test_what_a_task_did_by_itself_is_a_result_and_not_tried_again(
    store: Store, sweep: StartSweep, outcome: Outcome
) -> None:
    sweep(script={1: [outcome]})
    assert len(statuses(store)) == 8


def test_a_disturbed_round_is_kept_and_tried_again(store: Store, sweep: StartSweep) -> None:
    sweep(script={1: [Outcome.CONTAMINATED]})
    assert [each for each in statuses(store) if each[0] == 1] == [(1, 1, "contaminated"), (1, 2, "complete")]


def test_a_round_that_could_not_run_is_kept_with_its_reason_and_tried_again(store: Store, sweep: StartSweep) -> None:
    sweep(script={0: [LabError("The registry does not answer.")]})
    record = store.rounds(store.sweep().id)[0]
    assert (record.status, record.reason) == (RoundStatus.FAILED, "The registry does not answer.")
    assert (0, 2, "complete") in statuses(store)


def test_a_block_in_which_nothing_boots_ends_the_sweep_with_the_reason(store: Store, sweep: StartSweep) -> None:
    with pytest.raises(SweepError, match=r"block 1 booted; most often: movie as [a-z0-9-]+: scripted: timeout\. "):
        sweep(script={index: [Outcome.TIMEOUT] for index in range(4)})
    assert statuses(store) == [(index, 1, "complete") for index in range(4)]
    assert store.sweep().status == "failed"


def test_one_boot_in_a_block_lets_the_sweep_go_on(store: Store, sweep: StartSweep) -> None:
    assert sweep(script={index: [Outcome.STOPPED] for index in range(3)}).status == "finished"
    assert len(statuses(store)) == 8


def test_a_target_that_runs_nothing_ends_the_sweep_early(store: Store, sweep: StartSweep) -> None:
    with pytest.raises(SweepError, match=r"^3 rounds in a row .* the last, movie as [a-z0-9-]+: no registry"):
        sweep(script={index: [LabError("no registry")] for index in range(8)})
    assert len(statuses(store)) == MAX_LOST_ROUNDS
    assert store.sweep().status == "failed"


def test_a_machine_that_lacks_something_ends_the_sweep_at_once(store: Store, sweep: StartSweep) -> None:
    with pytest.raises(MachineError, match="disk"):
        sweep(script={2: [MachineError("no disk left")]})
    assert len(statuses(store)) == 2
    assert store.sweep().status == "failed"


def test_an_interrupted_round_is_kept_as_aborted_with_its_tasks(store: Store, sweep: StartSweep) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(script={2: [KeyboardInterrupt()]})
    assert statuses(store) == [(0, 1, "complete"), (1, 1, "complete"), (2, 1, "aborted")]
    assert store.sweep().status == "interrupted"
    aborted = store.rounds(store.sweep().id)[2]
    assert [task.outcome for task in aborted.observation.tasks] == [Outcome.ABORTED] * aborted.round.task_count


def interrupt_in(index: int) -> Callable[[Round], None]:
    """Ctrl-C in the middle of a round, before any task is known."""

    def during(round_: Round) -> None:
        if round_.index == index:
            raise KeyboardInterrupt

    return during


def test_an_interrupt_before_any_task_was_seen_leaves_an_aborted_round_without_tasks(
    store: Store, sweep: StartSweep
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(during=interrupt_in(0))
    assert statuses(store) == [(0, 1, "aborted")]
    assert store.rounds(store.sweep().id)[0].observation.tasks == ()


def test_ctrl_c_while_a_finished_round_is_written_does_not_lose_it(
    store: Store, sweep: StartSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_round, pending = store.add_round, [KeyboardInterrupt()]

    def interrupted_once(record: object) -> None:
        if pending:
            raise pending.pop()
        add_round(record)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add_round", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    assert statuses(store) == [(0, 1, "complete")]


def test_the_executor_is_left_however_the_sweep_ends(store: Store, outputs: StackOutputs) -> None:
    for event in (KeyboardInterrupt(), MachineError("gone"), Outcome.BOOTED):
        executor = FakeExecutor(outputs, script={3: [event]}, during=lambda _: None)
        with contextlib.suppress(KeyboardInterrupt, MachineError):
            start(store, executor, small_plan(), "lab", outputs, lambda _: None)
        assert not executor.entered


def test_a_plan_that_the_stack_cannot_run_starts_no_sweep(store: Store) -> None:
    outputs = stack_outputs(forms=["plain"])
    with pytest.raises(SettingsError, match="'soci-v2'"):
        start(store, FakeExecutor(outputs), small_plan(), "lab", outputs, lambda _: None)
    assert store.sweeps() == []


def test_resuming_goes_on_with_the_aborted_round_and_ends_like_an_uninterrupted_sweep(
    store: Store, sweep: StartSweep, outputs: StackOutputs
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(script={2: [KeyboardInterrupt()]})
    done = resume(store, FakeExecutor(outputs), store.sweep(), outputs, lambda _: None)
    assert done.status == "finished"
    assert statuses(store) == [
        *((0, 1, "complete"), (1, 1, "complete"), (2, 1, "aborted")),
        *((2, 2, "complete"), (3, 1, "complete"), (4, 1, "complete")),
        *((5, 1, "complete"), (6, 1, "complete"), (7, 1, "complete")),
    ]


def test_resuming_a_finished_sweep_runs_nothing(store: Store, sweep: StartSweep, outputs: StackOutputs) -> None:
    done = sweep()
    assert resume(store, FakeExecutor(outputs), done, outputs, lambda _: None) == done
    assert len(statuses(store)) == 8


def test_resuming_on_other_images_is_refused_naming_them(store: Store, sweep: StartSweep) -> None:
    done = sweep()
    rebuilt = stack_outputs(version="2")
    with pytest.raises(SweepError, match=r"image digest of movie as plain: sha256:\w+ then, sha256:\w+ now") as raised:
        resume(store, FakeExecutor(rebuilt), done, rebuilt, lambda _: None)
    assert "parquet" not in str(raised.value), "the plan does not use it"


def test_resuming_with_other_key_metadata_is_refused_naming_it(
    store: Store, sweep: StartSweep, outputs: StackOutputs
) -> None:
    done = sweep(metadata={"tool.soci": "0.15"})
    executor = FakeExecutor(outputs, metadata={"tool.soci": "0.16"})
    with pytest.raises(SweepError, match=r"tool\.soci: 0\.15 then, 0\.16 now"):
        resume(store, executor, done, outputs, lambda _: None)


def test_resuming_with_another_plan_is_refused_naming_the_difference(sweep: StartSweep) -> None:
    done = sweep()
    check_same_plan(done, small_plan())
    with pytest.raises(SweepError, match=r"another plan \(blocks: 2 then, 3 now\)"):
        check_same_plan(done, small_plan(blocks=3))
