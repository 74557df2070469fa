"""Whole rounds on a scripted simulation of ECS: what is observed, and what every mishap becomes."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest

from experiments.executors.fargate.aws import Answer
from experiments.executors.protocol import RoundAborted
from experiments.executors.simulation import documents
from experiments.executors.simulation.clock import EPOCH_NS, SimulatedClock
from experiments.executors.simulation.documents import boot_report
from experiments.records.model import Outcome, RoundObservation, RoundStatus, round_status
from experiments.records.phases import durations
from infra.outputs import StackOutputs
from kit.errors import AwsError, CredentialsError
from tests.support.scripted import Fate, Life, ScriptedEcs
from tests.unit.experiments.executors.fargate.conftest import Observe, executor_on, round_of

CANNOT_PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"
LIFE = Life()


def outcomes(observation: RoundObservation) -> Counter[Outcome]:
    return Counter(task.outcome for task in observation.tasks)


def reasons(observation: RoundObservation) -> set[str]:
    return {task.reason for task in observation.tasks if task.reason}


@pytest.mark.parametrize("task_count", [1, 8, 101])
@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_every_task_is_recorded_once_with_the_durations_that_it_had(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, task_count: int, form: str
) -> None:
    observation = observe(ScriptedEcs(outputs, clock), round_of(task_count, form))
    assert outcomes(observation) == {Outcome.BOOTED: task_count}
    assert len({task.task_id for task in observation.tasks}) == task_count
    for task in observation.tasks:
        took = durations(task)
        assert took.connect_seconds == pytest.approx(LIFE.connect, abs=0.002)
        assert took.pull_seconds == pytest.approx(LIFE.pull, abs=0.002)
        assert took.boot_seconds == pytest.approx(LIFE.connect + LIFE.pull + LIFE.start + LIFE.boot, abs=0.002)
        assert task.logged_ns is not None
        assert task.stopped_ns is not None
        assert task.clock_error_bound_ms == 0.5


def test_ready_is_the_first_answer_within_the_error_that_stands_beside_it(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    observation = observe(ScriptedEcs(outputs, clock), round_of(1))
    ready = durations(observation.tasks[0]).ready_seconds
    assert observation.clock is not None
    assert ready is not None
    first_answer = LIFE.connect + LIFE.pull + LIFE.start + LIFE.boot
    waited = 2 * 0.02 * first_answer
    assert first_answer - observation.clock.error_ms / 1000 <= ready
    assert ready <= first_answer + waited + observation.clock.error_ms / 1000


@pytest.mark.parametrize("skew_seconds", [-240.0, -1.5, 2.0, 240.0])
def test_a_skewed_clock_changes_no_duration_and_its_offset_is_recorded(
    outputs: StackOutputs, observe: Observe, skew_seconds: float
) -> None:
    behind = SimulatedClock(ahead_ns=round(-skew_seconds * 10**9))
    observation = observe(ScriptedEcs(outputs, behind), round_of(8))
    assert outcomes(observation) == {Outcome.BOOTED: 8}
    assert observation.clock is not None
    assert abs(observation.clock.offset_ms - skew_seconds * 1000) <= observation.clock.error_ms + 1
    for task in observation.tasks:
        took = durations(task)
        assert took.boot_seconds == pytest.approx(LIFE.connect + LIFE.pull + LIFE.start + LIFE.boot, abs=0.002)
        assert took.ready_seconds is not None
        assert took.ready_seconds >= took.start_seconds  # type: ignore[operator]


def test_without_dated_answers_ready_is_left_out_and_not_guessed(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock, life=Life(launch=9.0))
    ecs.dated = False
    observation = observe(ecs, round_of(1))
    assert outcomes(observation) == {Outcome.BOOTED: 1}
    assert observation.tasks[0].times.ready_ns is None
    assert observation.clock is not None
    assert observation.clock.error_ms > 1000


def test_a_clock_that_is_set_during_the_round_moves_nothing(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = clock.time_ns
    monkeypatch.setattr(clock, "time_ns", lambda: honest() - (3_600 * 10**9 if clock.monotonic() > 20 else 0))
    observation = observe(ScriptedEcs(outputs, clock), round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 2}
    assert None not in {durations(task).ready_seconds for task in observation.tasks}


def test_tasks_of_an_earlier_sweep_are_never_mixed_in(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock)
    earlier = observe(ecs, round_of(3))
    later = observe(ecs, round_of(3))
    assert not {task.task_id for task in earlier.tasks} & {task.task_id for task in later.tasks}
    assert outcomes(later) == {Outcome.BOOTED: 3}


def test_rounds_of_one_executor_on_one_service_are_kept_apart(outputs: StackOutputs, clock: SimulatedClock) -> None:
    ecs = ScriptedEcs(outputs, clock)
    with executor_on(ecs, outputs, clock) as executor:
        rounds = [executor.run_round(round_of(count), lambda _: None) for count in (1, 2, 3)]
    ids = [task.task_id for observation in rounds for task in observation.tasks]
    assert len(set(ids)) == len(ids) == 6
    assert {outcome for one in rounds for outcome in outcomes(one)} == {Outcome.BOOTED}


def test_lists_that_lag_far_behind_are_polled_until_all_tasks_are_there(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    life = Life(list_late=45.0, describe_late=20.0, log_late=40.0)
    observation = observe(ScriptedEcs(outputs, clock, life=life), round_of(8))
    assert outcomes(observation) == {Outcome.BOOTED: 8}


def test_a_short_round_is_rejected(outputs: StackOutputs, clock: SimulatedClock, observe: Observe) -> None:
    class Short(ScriptedEcs):
        def list_tasks(self, *arguments: object) -> object:  # type: ignore[override]
            page = super().list_tasks(*arguments)  # type: ignore[arg-type]
            return page._replace(items=page.items[:2])

    observation = observe(Short(outputs, clock), round_of(3), timeout=120)
    assert outcomes(observation) == {Outcome.FAILED: 2}
    assert reasons(observation) == {"only 2 of 3 tasks were ever listed"}


def test_a_task_that_soci_did_not_load_is_not_lazy_and_has_no_duration(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    observation = observe(ScriptedEcs(outputs, clock, fates={1: Fate(snapshotter="overlayfs")}), round_of(3))
    assert outcomes(observation) == {Outcome.BOOTED: 2, Outcome.NOT_LAZY: 1}
    assert reasons(observation) == {"loaded by overlayfs, not by soci"}


def test_a_control_that_soci_loaded_is_no_control(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    observation = observe(ScriptedEcs(outputs, clock, fates={0: Fate(snapshotter="soci")}), round_of(2, "plain"))
    assert outcomes(observation) == {Outcome.BOOTED: 1, Outcome.FAILED: 1}
    assert round_status(observation.tasks) is RoundStatus.FAILED


def test_an_image_that_cannot_be_pulled_ends_the_round_at_once_with_the_reason(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    fate = Fate(stop_after=12.0, stop_code="TaskFailedToStart", stop_reason=CANNOT_PULL)
    began = clock.monotonic()
    observation = observe(ScriptedEcs(outputs, clock, fates=dict.fromkeys(range(20), fate)), round_of(2))
    assert clock.monotonic() - began < 90
    assert round_status(observation.tasks) is RoundStatus.FAILED
    assert all(CANNOT_PULL in reason for reason in reasons(observation))


@pytest.mark.parametrize(
    "stop_after", [3.0, 17.0, 30.0], ids=["while provisioning", "while booting", "after its report"]
)
def test_a_round_with_a_replaced_task_is_contaminated_and_keeps_the_reason(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, stop_after: float
) -> None:
    fate = Fate(stop_after=stop_after, stop_reason="Essential container in task exited: OOM")
    life = Life(log_late=8.0)
    observation = observe(ScriptedEcs(outputs, clock, life=life, fates={1: fate}), round_of(3))
    assert round_status(observation.tasks) is RoundStatus.CONTAMINATED
    assert any("Essential container in task exited: OOM" in reason for reason in reasons(observation))
    assert not [task for task in observation.tasks if task.outcome is Outcome.BOOTED]


def test_a_task_that_stops_before_its_report_has_that_outcome(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    fate = Fate(stop_after=17.0, stop_reason="Essential container in task exited")
    observation = observe(ScriptedEcs(outputs, clock, fates={1: fate}), round_of(3))
    stopped = [task for task in observation.tasks if task.outcome is Outcome.STOPPED]
    assert [task.reason for task in stopped] == ["EssentialContainerExited: Essential container in task exited"]
    assert {durations(task).boot_seconds for task in observation.tasks} == {None}


@pytest.mark.parametrize(
    "message",
    [
        "(service movie-soci-v2) was unable to place a task. Reason: Capacity is unavailable at this time.",
        "(service movie-soci-v2) was unable to consistently start tasks successfully. For more information, see …",
    ],
)
def test_a_service_that_cannot_start_tasks_fails_the_round_with_its_event(
    outputs: StackOutputs, clock: SimulatedClock, message: str
) -> None:
    ecs = ScriptedEcs(outputs, clock, life=Life(launch=10_000))
    ecs.say("movie-soci-v2", "(service movie-soci-v2) was unable to place a task. That was yesterday.")
    ecs.before = lambda operation: (
        ecs.say("movie-soci-v2", message) if operation == "DescribeServices" and clock.monotonic() > 10 else None
    )
    with (
        executor_on(ecs, outputs, clock) as executor,
        pytest.raises(AwsError, match=message[:60].replace("(", r"\(").replace(")", r"\)")),
    ):
        executor.run_round(round_of(2), lambda _: None)
    assert clock.monotonic() < 60, "known at once, not after the time-out"
    assert ecs.service("movie-soci-v2").desired == 0


@pytest.mark.parametrize(
    "why", ["Capacity is unavailable at this time.", "Timeout waiting for network interface provisioning to complete."]
)
def test_a_task_that_cannot_start_fails_the_round(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, why: str
) -> None:
    fate = Fate(stop_after=5.0, stop_code="TaskFailedToStart", stop_reason=why)
    observation = observe(ScriptedEcs(outputs, clock, fates={1: fate}), round_of(2))
    assert round_status(observation.tasks) is RoundStatus.FAILED
    assert any(why in reason for reason in reasons(observation))


def test_tasks_that_never_report_time_out_and_the_others_are_measured(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    silent = Fate(report=lambda _line: [])
    observation = observe(ScriptedEcs(outputs, clock, fates={2: silent}), round_of(3), timeout=90)
    assert outcomes(observation) == {Outcome.BOOTED: 2, Outcome.TIMEOUT: 1}
    assert reasons(observation) == {"no boot report in its log after 90 s"}
    assert clock.monotonic() < 300


def test_a_task_that_booted_after_the_limit_is_kept_as_what_it_was_and_named(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    life = dataclasses.replace(LIFE, per_task=20.0)
    ecs = ScriptedEcs(outputs, clock, life=life, fates={0: Fate(slow=40.0)})
    observation = observe(ecs, round_of(3), timeout=60)
    assert outcomes(observation) == {Outcome.BOOTED: 3}
    [late] = [task for task in observation.tasks if task.reason]
    assert late.reason == "booted after 67 s, later than 60 s"
    assert durations(late).boot_seconds == pytest.approx(67, abs=0.5)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (lambda line: [line[: len(line) // 2]], "cut or not ours"),
        (lambda line: [line[:200], line[200:]], "cut or not ours"),
        (lambda line: [line.replace("task/sociometer/", "task/other/")], "names another task"),
        (lambda line: [line.replace('"schema_version":1', '"schema_version":9')], "schema_version"),
    ],
    ids=["cut", "split", "another task's", "newer schema"],
)
def test_an_unusable_report_is_the_tasks_outcome_and_says_which(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, report: Callable[[str], list[str]], said: str
) -> None:
    observation = observe(ScriptedEcs(outputs, clock, fates={0: Fate(report=report)}), round_of(2))
    bad = [task for task in observation.tasks if task.outcome is Outcome.FAILED]
    assert len(bad) == 1
    assert said in (bad[0].reason or "")
    assert clock.monotonic() < 200


def test_a_report_that_is_logged_twice_counts_once(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    twice = Fate(report=lambda line: [line, line])
    observation = observe(ScriptedEcs(outputs, clock, fates={0: twice}), round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 2}


def test_log_and_load_balancer_must_agree(outputs: StackOutputs, clock: SimulatedClock, observe: Observe) -> None:
    liar = Fate(answer=lambda body: body.replace(b'"bytes":', b'"bytes":1'))
    observation = observe(ScriptedEcs(outputs, clock, fates={1: liar}), round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 1, Outcome.FAILED: 1}
    assert "load balancer tell different reports" in reasons(observation).pop()


def test_answers_of_other_tasks_and_of_no_task_are_counted_and_ignored(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock)
    foreign = ecs.start_foreign("movie-soci-v2", age_seconds=500)
    ecs.service("movie-soci-v2").scale(0)
    clock.sleep(60)
    report = Answer(200, boot_report(foreign).encode())
    ecs.answers = [Answer(502, b""), Answer(503, b""), Answer(0, b""), Answer(200, b"{"), Answer(200, b"[]"), report]
    observation = observe(ecs, round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 2}
    assert foreign.arn not in {task.task_id for task in observation.tasks}
    assert observation.requests.balancer_in_vain is not None
    assert observation.requests.balancer_in_vain > 5


def test_a_load_balancer_that_cannot_be_reached_costs_ready_and_nothing_else(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock)
    ecs.answers = [Answer(0, b"")] * 10_000
    observation = observe(ecs, round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 2}
    assert {task.times.ready_ns for task in observation.tasks} == {None}
    assert clock.monotonic() < 120, "nothing is waited for that will not come"


def test_a_task_that_ecs_does_not_know_is_an_explicit_gap(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    observation = observe(ScriptedEcs(outputs, clock, fates={1: Fate(missing=True)}), round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 1, Outcome.FAILED: 1}
    assert reasons(observation) == {"DescribeTasks does not know the task: MISSING"}


def test_times_that_run_backwards_are_the_tasks_fault_and_crash_nothing(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock)
    early = documents.moment(EPOCH_NS - 1_000 * 10**9)
    ecs.fates[0] = Fate(change={"pullStoppedAt": early})
    observation = observe(ecs, round_of(2))
    assert outcomes(observation) == {Outcome.BOOTED: 1, Outcome.FAILED: 1}
    assert "run backwards" in reasons(observation).pop()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"taskDefinitionArn": "other:7"}, "it ran other:7, not "),
        ({"startedBy": "ecs-svc/9"}, "it was started by ecs-svc/9, not by {deployment}, movie-soci-v2"),
    ],
)
def test_a_task_of_another_deployment_contaminates(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe, change: dict[str, str], said: str
) -> None:
    ecs = ScriptedEcs(outputs, clock, fates={0: Fate(change=change)})
    observation = observe(ecs, round_of(2))
    said = said.format(deployment=ecs.service("movie-soci-v2").deployment)
    assert round_status(observation.tasks) is RoundStatus.CONTAMINATED
    assert any(said in reason for reason in reasons(observation))


def test_tasks_that_ministack_says_were_started_by_the_service_are_the_rounds(
    outputs: StackOutputs, clock: SimulatedClock, observe: Observe
) -> None:
    ecs = ScriptedEcs(outputs, clock, fates={0: Fate(change={"startedBy": "movie-soci-v2"})})
    assert outcomes(observe(ecs, round_of(1))) == {Outcome.BOOTED: 1}


@pytest.mark.parametrize("at", [2.0, 20.0, 40.0, 47.0])
def test_ctrl_c_hands_over_what_was_seen_and_leaves_no_task(
    outputs: StackOutputs, clock: SimulatedClock, at: float
) -> None:
    struck = []

    def strike(_operation: str) -> None:
        if clock.monotonic() >= opened + at and not struck:
            struck.append(clock.monotonic())
            raise KeyboardInterrupt

    ecs = ScriptedEcs(outputs, clock)
    with pytest.raises(RoundAborted) as raised, executor_on(ecs, outputs, clock) as executor:
        opened, ecs.before = clock.monotonic(), strike
        executor.run_round(round_of(3), lambda _: None)
    assert struck
    assert len(raised.value.observation.tasks) == 3
    assert ecs.running() == 0
    assert ecs.service("movie-soci-v2").desired == 0


def test_ctrl_c_before_any_task_was_seen_is_only_an_interrupt(outputs: StackOutputs, clock: SimulatedClock) -> None:
    def strike(operation: str) -> None:
        if operation == "UpdateService" and ecs.calls["UpdateService"] == 1:
            raise KeyboardInterrupt

    ecs = ScriptedEcs(outputs, clock, before=strike)
    with pytest.raises(KeyboardInterrupt) as raised, executor_on(ecs, outputs, clock) as executor:
        executor.run_round(round_of(3), lambda _: None)
    assert not isinstance(raised.value, RoundAborted)
    assert ecs.calls["UpdateService"] == 2, "asked for 0 even though the first request may never have arrived"


@pytest.mark.parametrize("operation", ["DescribeServices", "ListTasks", "DescribeTasks", "FilterLogEvents"])
def test_an_error_in_the_middle_ends_the_round_and_leaves_no_task(
    outputs: StackOutputs, clock: SimulatedClock, operation: str
) -> None:
    def fail(asked: str) -> None:
        if asked == operation and clock.monotonic() > 5 and not failed:
            failed.append(asked)
            raise AwsError(f"AWS throttled {operation} to the end")

    failed: list[str] = []
    ecs = ScriptedEcs(outputs, clock, before=fail)
    with executor_on(ecs, outputs, clock) as executor:
        try:
            observation = executor.run_round(round_of(3), lambda _: None)
        except AwsError as error:
            assert "throttled" in str(error)
        else:
            assert round_status(observation.tasks) is RoundStatus.FAILED
            assert any("throttled" in reason for reason in reasons(observation))
    assert failed
    assert ecs.running() == 0


def test_what_was_measured_is_kept_when_the_service_cannot_be_cleared(
    outputs: StackOutputs, clock: SimulatedClock
) -> None:
    def fail(operation: str) -> None:
        if operation == "UpdateService" and ecs.calls["UpdateService"] in (2, 3):
            raise CredentialsError("The AWS credentials have expired.")

    ecs = ScriptedEcs(outputs, clock, before=fail)
    with executor_on(ecs, outputs, clock) as executor:
        observation = executor.run_round(round_of(3), lambda _: None)
        assert round_status(observation.tasks) is RoundStatus.FAILED
        assert "Tasks of movie-soci-v2 may still run and cost money: `sociometer clean`" in reasons(observation).pop()
        with pytest.raises(CredentialsError, match="expired"):
            executor.run_round(round_of(3), lambda _: None)
    assert ecs.running() == 0, "the end of the sweep tries once more"


def test_credentials_that_are_refused_before_anything_ran_do_not_cry_wolf(
    outputs: StackOutputs, clock: SimulatedClock
) -> None:
    def refuse(operation: str) -> None:
        if operation == "UpdateService":
            raise CredentialsError("The AWS credentials have expired.")

    ecs = ScriptedEcs(outputs, clock, before=refuse)
    with pytest.raises(CredentialsError) as raised, executor_on(ecs, outputs, clock) as executor:
        executor.run_round(round_of(3), lambda _: None)
    assert str(raised.value) == "The AWS credentials have expired."


def test_a_task_that_will_not_stop_is_named(outputs: StackOutputs, clock: SimulatedClock) -> None:
    ecs = ScriptedEcs(outputs, clock, life=Life(stop=1e9))
    with (
        pytest.raises(AwsError, match=r"1 have not stopped after 600 s. Tasks of movie-soci-v2 may still run"),
        executor_on(ecs, outputs, clock) as executor,
    ):
        observation = executor.run_round(round_of(1), lambda _: None)
        assert outcomes(observation) == {Outcome.FAILED: 1}
