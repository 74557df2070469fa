"""The executor of real Fargate rounds on the simulated region: the truth comes out, and failures become outcomes."""

from __future__ import annotations

import statistics
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments.executors.protocol import Executor, RoundAborted
from experiments.executors.simulation import SimulatedExecutor, outputs, parameters
from experiments.executors.simulation.failures import ALL, Failure, Kind
from experiments.executors.simulation.stack_outputs import CLUSTER
from experiments.executors.simulation.task import SimulatedTask
from experiments.records.model import (
    Outcome,
    Round,
    RoundObservation,
    RoundStatus,
    TaskObservation,
    TaskTimes,
    round_status,
)
from experiments.records.phases import durations
from infra.outputs import StackOutputs
from kit.errors import AwsError
from tests.contracts.executor import ExecutorContract
from tests.contracts.plans import small_design
from tests.support.simulated import PLATFORM, one_round, run, simulated

NS_PER_MS = 1_000_000
ECS_TIMES = ("created_ns", "connected_ns", "pull_started_ns", "pull_stopped_ns", "started_ns")
BOOT_TIMES = ("boot_started_ns", "boot_finished_ns")


def outcomes(observation: RoundObservation) -> dict[str, int]:
    return dict(Counter(task.outcome.value for task in observation.tasks))


class TestSimulationKeepsTheExecutorContract(ExecutorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def outputs(cls) -> StackOutputs:
        return outputs(small_design(), PLATFORM)

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls, outputs: StackOutputs) -> Executor:
        return SimulatedExecutor(outputs, parameters(small_design()), seed=1, timeout_seconds=300)


def assert_true(task: TaskObservation, true: SimulatedTask) -> None:
    """A booted task's record is the truth: to the millisecond, and to its clock's error bound."""
    assert task.snapshotter == true.snapshotter
    for name in ECS_TIMES:
        assert 0 <= getattr(true, name) - getattr(task.times, name) < NS_PER_MS
    for name in BOOT_TIMES:
        assert task.clock_error_bound_ms is not None
        assert abs(getattr(true, name) - getattr(task.times, name)) <= task.clock_error_bound_ms * NS_PER_MS


@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_what_is_recorded_is_the_truth(form: str) -> None:
    observation, executor = run(30, form=form)
    truth = {task.arn: task for task in executor.region.truth()}
    assert {task.task_id for task in observation.tasks} == truth.keys()
    for task in observation.tasks:
        assert task.outcome is Outcome.BOOTED
        assert_true(task, truth[task.task_id])


@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_of_an_unchanged_image_the_probe_tells_the_truth_and_the_load_balancer_is_not_asked(form: str) -> None:
    observation, executor = run(30, form=form, unchanged=True)
    truth = {task.arn: task for task in executor.region.truth()}
    assert outcomes(observation) == {"booted": 30}
    for task in observation.tasks:
        assert_true(task, truth[task.task_id])
        assert task.times.ready_ns == task.times.boot_finished_ns
    assert observation.requests.balancer_gets == 0


def test_an_unchanged_image_that_is_never_ready_times_out_and_says_what_was_waited_for() -> None:
    observation, _ = run(2, Failure(Kind.NO_REPORT, 1), unchanged=True, timeout_seconds=60)
    assert outcomes(observation) == {"booted": 1, "timeout": 1}
    [reason] = {task.reason for task in observation.tasks if task.reason}
    assert reason == "not ready (port:80) after 60 s: its probe wrote nothing"


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(
    task_count=st.integers(1, 12),
    failures=st.lists(st.builds(Failure, st.sampled_from(Kind), st.integers(1, 5)), max_size=3),
    form=st.sampled_from(["plain", "soci-v2"]),
    seed=st.integers(0, 1000),
    lag_seconds=st.floats(0, 20),
    unlisted_share=st.floats(0, 0.3),
    bad_gateway_share=st.floats(0, 0.5),
)
@example(  # a task dies early and no other is placed: fewer tasks came than wanted
    task_count=2,
    failures=[Failure(Kind.REPLACED), Failure(Kind.NO_CAPACITY)],
    form="soci-v2",
    seed=475,
    lag_seconds=6.0,
    unlisted_share=0.0,
    bad_gateway_share=0.0,
)
@example(  # a task and its replacement both die without a usable report: more came than wanted
    task_count=1,
    failures=[Failure(Kind.REPLACED, 2), Failure(Kind.CUT_REPORT, 2)],
    form="plain",
    seed=0,
    lag_seconds=7.0,
    unlisted_share=0.0,
    bad_gateway_share=0.0,
)
def test_whatever_goes_wrong_only_the_truth_counts_as_booted_and_nothing_stays(
    task_count: int, failures: list[Failure], form: str, seed: int, **late: float
) -> None:
    executor = simulated(*failures, seed=seed, timeout_seconds=120, most_lag_seconds=20.0, **late)
    with executor, suppress(AwsError):
        observation = executor.run_round(one_round(task_count, form), lambda _: None)
        truth = {task.arn: task for task in executor.region.truth()}
        ids = [task.task_id for task in observation.tasks]
        assert len(set(ids)) == len(ids)
        assert set(ids) <= truth.keys()
        for task in observation.tasks:
            if task.outcome is Outcome.BOOTED:
                assert_true(task, truth[task.task_id])
                assert (task.snapshotter == "soci") == (form == "soci-v2")
        assert task_count == len(ids) or round_status(observation.tasks) is not RoundStatus.COMPLETE
    assert executor.region.service(f"movie-{form}").desired == 0
    assert all(task.stopping(executor.clock.now_ns) for task in executor.region.truth())


def test_the_medians_of_a_round_are_those_of_the_truth() -> None:
    observation, executor = run(100)
    booted = [seconds for task in observation.tasks if (seconds := durations(task).boot_seconds) is not None]
    true = [(task.boot_finished_ns or 0) - task.created_ns for task in executor.region.truth()]
    assert len(booted) == 100
    assert statistics.median(booted) == pytest.approx(statistics.median(true) / 1e9, abs=0.002)


def test_rounds_follow_one_another_on_one_region_and_none_has_the_tasks_of_another() -> None:
    design = small_design(forms=("soci-v2",))
    executor = SimulatedExecutor(outputs(design, PLATFORM), parameters(design), seed=1, timeout_seconds=300)
    with executor:
        seen = [
            executor.run_round(
                Round(block=0, index=index, variant="movie", form="soci-v2", task_count=5), lambda _: None
            )
            for index in range(4)
        ]
    ids = [task.task_id for observation in seen for task in observation.tasks]
    assert len(set(ids)) == len(ids) == 20
    assert {outcome for one in seen for outcome in outcomes(one)} == {"booted"}


def test_throttled_calls_are_sent_again_counted_and_lose_nothing() -> None:
    observation, executor = run(8, Failure(Kind.REFUSED, 6))
    assert outcomes(observation) == {"booted": 8}
    assert observation.requests.api_retries == executor.aws.retries.total() == 6


def test_an_image_that_cannot_be_pulled_ends_the_round_at_once_with_the_reason() -> None:
    observation, executor = run(8, Failure(Kind.CANNOT_PULL, ALL), timeout_seconds=3000)
    assert round_status(observation.tasks) is RoundStatus.FAILED
    assert "CannotPullContainerError" in (observation.tasks[0].reason or "")
    assert executor.clock.monotonic() < 600


def test_without_capacity_the_round_fails_with_the_reason_of_ecs() -> None:
    with pytest.raises(AwsError, match="Capacity is unavailable"):
        run(8, Failure(Kind.NO_CAPACITY, ALL))


def test_capacity_for_some_tasks_is_no_round_of_all() -> None:
    observation, _ = run(8, Failure(Kind.NO_CAPACITY, 3))
    assert round_status(observation.tasks) is RoundStatus.FAILED
    assert "Capacity is unavailable" in (observation.tasks[0].reason or "")
    assert not [task for task in observation.tasks if task.outcome is Outcome.BOOTED]


def test_a_task_that_stops_before_it_is_ready_leaves_its_reason() -> None:
    observation, _ = run(4, Failure(Kind.STOPPED_EARLY))
    reasons = {task.outcome: task.reason or "" for task in observation.tasks}
    assert "Essential container in task exited" in reasons[Outcome.STOPPED]
    assert "exit code 1" in reasons[Outcome.STOPPED]
    assert round_status(observation.tasks) is RoundStatus.CONTAMINATED


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_lists_that_leave_tasks_out_are_asked_again_until_all_are_there(share: float) -> None:
    observation, _ = run(150, unlisted_share=share)
    assert outcomes(observation) == {"booted": 150}


def test_a_round_with_a_task_that_is_never_listed_is_rejected() -> None:
    observation, executor = run(3, Failure(Kind.UNLISTED), timeout_seconds=120)
    assert round_status(observation.tasks) is RoundStatus.FAILED
    assert "only 2 of 3 tasks were ever listed" in (observation.tasks[0].reason or "")
    assert all(task.stop is not None for task in executor.region.truth())


def test_tasks_of_the_round_before_that_are_listed_still_are_not_mixed_in() -> None:
    design = small_design(forms=("plain",))
    late = parameters(design).model_copy(update={"lag_seconds": 10.0, "most_lag_seconds": 60.0})
    executor = SimulatedExecutor(outputs(design, PLATFORM), late, seed=1, timeout_seconds=300)
    with executor:
        for index in range(3):
            round_ = Round(block=0, index=index, variant="movie", form="plain", task_count=4)
            observation = executor.run_round(round_, lambda _: None)
            assert {task.task_id for task in observation.tasks} == {task.arn for task in executor.region.truth()}
            assert outcomes(observation) == {"booted": 4}


def test_tasks_of_the_round_before_are_told_apart_from_this_one_s_by_their_arns() -> None:
    executor = simulated()
    executor.region.script[1] = [[Failure(Kind.STALE), Failure(Kind.FOREIGN_ANSWER)]]
    with executor:
        earlier, observation = (
            executor.run_round(one_round(5).model_copy(update={"index": index}), lambda _: None) for index in (0, 1)
        )
        listed = executor.aws.list_tasks(CLUSTER, "movie-soci-v2", "RUNNING", None).items
    assert {item["taskArn"] for item in listed} == {task.task_id for task in earlier.tasks}
    assert {task.task_id for task in observation.tasks} == {task.arn for task in executor.region.truth()}
    assert outcomes(observation) == {"booted": 5}
    assert observation.requests.balancer_in_vain == observation.requests.balancer_gets
    assert {task.times.ready_ns for task in observation.tasks} == {None}


def test_a_task_replaced_during_the_round_contaminates_it() -> None:
    observation, _ = run(30, Failure(Kind.REPLACED))
    assert round_status(observation.tasks) is RoundStatus.CONTAMINATED
    assert not [task for task in observation.tasks if task.outcome is Outcome.BOOTED]


def test_a_task_that_ecs_does_not_know_is_a_gap_with_a_name() -> None:
    observation, _ = run(4, Failure(Kind.MISSING))
    (gap,) = [task for task in observation.tasks if task.outcome is Outcome.FAILED]
    assert "DescribeTasks does not know the task: MISSING" in (gap.reason or "")
    assert outcomes(observation) == {"failed": 1, "booted": 3}


def test_bad_gateways_and_answers_of_other_tasks_are_counted_and_change_nothing() -> None:
    observation, _ = run(4, Failure(Kind.FOREIGN_ANSWER), bad_gateway_share=0.3)
    assert outcomes(observation) == {"booted": 4}
    assert {task.times.ready_ns for task in observation.tasks} == {None}
    assert observation.requests.balancer_in_vain


def test_bad_gateways_alone_only_delay() -> None:
    observation, _ = run(4, bad_gateway_share=0.5)
    assert outcomes(observation) == {"booted": 4}
    assert None not in {task.times.ready_ns for task in observation.tasks}


def test_a_lazy_form_that_is_silently_pulled_whole_is_not_lazy() -> None:
    observation, _ = run(4, Failure(Kind.NOT_LAZY, 3))
    assert outcomes(observation) == {"not-lazy": 3, "booted": 1}
    assert {task.snapshotter for task in observation.tasks if task.outcome is Outcome.NOT_LAZY} == {"overlayfs"}
    assert round_status(observation.tasks) is RoundStatus.COMPLETE


@pytest.mark.parametrize(
    ("kind", "outcome", "reason"),
    [
        (Kind.NO_REPORT, Outcome.TIMEOUT, "no boot report in its log"),
        (Kind.CUT_REPORT, Outcome.FAILED, "cut or not ours"),
        (Kind.FOREIGN_REPORT, Outcome.FAILED, "names another task"),
        (Kind.STUCK, Outcome.TIMEOUT, "no boot report in its log"),
    ],
)
def test_a_report_that_is_missing_cut_or_another_task_s_is_told_as_such(
    kind: Kind, outcome: Outcome, reason: str
) -> None:
    observation, _ = run(4, Failure(kind), timeout_seconds=120)
    (bad,) = [task for task in observation.tasks if task.outcome is not Outcome.BOOTED]
    assert bad.outcome is outcome
    assert reason in (bad.reason or "")
    assert durations(bad).boot_seconds is None


@pytest.mark.parametrize("ahead", [-120.0, 0.0, 120.0])
def test_a_wrong_clock_of_the_machine_that_asks_moves_no_duration(ahead: float) -> None:
    right, _ = run(8)
    observation, executor = run(8, asker_clock_ahead_seconds=ahead)
    assert outcomes(observation) == {"booted": 8}
    boots = [sorted(durations(task).boot_seconds or 0 for task in one.tasks) for one in (right, observation)]
    assert boots[0] == boots[1]
    assert observation.clock is not None
    assert observation.clock.offset_ms == pytest.approx(-ahead * 1000, abs=observation.clock.error_ms)
    truth = {task.arn: task for task in executor.region.truth()}
    for task in observation.tasks:
        assert task.times.ready_ns is not None
        assert task.times.ready_ns >= truth[task.task_id].started_ns  # type: ignore[operator]


def test_an_interrupted_round_leaves_nothing_running() -> None:
    def interrupt(phase: str) -> None:
        if phase.startswith("starting 0/"):
            raise KeyboardInterrupt

    executor = simulated()
    with executor, pytest.raises(RoundAborted):
        executor.run_round(one_round(3), interrupt)
    assert len(executor.region.truth()) == 3
    assert all(task.status(executor.clock.now_ns) == "STOPPED" for task in executor.region.truth())


def test_times_are_complete_and_only_of_the_simulation() -> None:
    observation, _ = run(1)
    (task,) = observation.tasks
    assert None not in TaskTimes.model_validate(task.times).model_dump().values()
    assert ":ecs:sim:000000000000:" in task.task_id
