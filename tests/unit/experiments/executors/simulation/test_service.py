"""The simulated service behaves as ECS is documented to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from experiments.executors.simulation import documents
from experiments.executors.simulation.failures import ALL, Failure, Kind
from experiments.executors.simulation.parameters import Bucket
from experiments.executors.simulation.stack_outputs import CLUSTER
from experiments.records.phases import NS_PER_SECOND
from kit.errors import AwsError
from tests.support.simulated import SimulatedEcs


def created_seconds(ecs: SimulatedEcs) -> list[float]:
    """When the tasks of the round were launched, in seconds from the first."""
    times = sorted(task.created_ns for task in ecs.region.truth())
    return [(time - times[0]) / NS_PER_SECOND for time in times]


def test_a_hundred_tasks_are_launched_at_once_and_then_twenty_a_second() -> None:
    ecs = SimulatedEcs()
    ecs.scale(300, then=60)
    created = created_seconds(ecs)
    assert len(created) == 300
    assert created[99] == 0
    assert [round(moment, 3) for moment in created[100::20]] == [0.05 + second for second in range(10)]


def test_a_service_has_a_launch_rate_of_its_own() -> None:
    ecs = SimulatedEcs(service_launches=Bucket(10, 500 / 60))
    ecs.scale(60, then=120)
    created = created_seconds(ecs)
    assert created[9] == 0
    assert created[-1] == pytest.approx(50 / (500 / 60), abs=0.01)


def test_more_tasks_than_a_service_may_have_are_refused() -> None:
    ecs = SimulatedEcs(tasks_per_service=5_000)
    with pytest.raises(AwsError, match="Desired count exceeds limit: 5001"):
        ecs.scale(5_001)


def test_the_launch_rate_recovers_while_nothing_is_launched() -> None:
    ecs = SimulatedEcs()
    ecs.scale(100, then=60)
    ecs.begin(1)
    ecs.scale(200, then=0.5 + 1)
    assert len(ecs.region.truth()) == 100


def test_a_task_goes_through_the_documented_life() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=1.5)
    (arn,) = ecs.listed()
    seen = [ecs.status(arn)]
    for second in range(120):
        if second == 60:
            ecs.scale(0)
        ecs.clock.sleep(1)
        seen.append(ecs.status(arn))
    changes = [seen[0], *(later for earlier, later in pairwise(seen) if later != earlier)]
    assert changes == ["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "DEPROVISIONING", "STOPPED"]


def test_a_time_is_told_only_after_it_has_come() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=1.5)
    (arn,) = ecs.listed()
    (truth,) = ecs.region.truth()
    for key, name in documents.TIMES.items():
        due_ns = getattr(truth, name)
        ecs.clock.advance_to(due_ns - 1)
        assert key not in ecs.aws.describe_tasks(CLUSTER, [arn]).tasks[0]
        ecs.clock.advance_to(due_ns)
        told = ecs.aws.describe_tasks(CLUSTER, [arn]).tasks[0][key]
        assert abs(told.timestamp() - due_ns / NS_PER_SECOND) < 0.001


def test_a_changed_count_makes_no_new_deployment() -> None:
    ecs = SimulatedEcs()
    before = ecs.aws.update_service(CLUSTER, ecs.name, 2)["deployments"]
    ecs.clock.sleep(60)
    after = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]["deployments"]
    assert [one["id"] for one in before] == [one["id"] for one in after]
    (arn, _) = ecs.listed()
    assert ecs.aws.describe_tasks(CLUSTER, [arn]).tasks[0]["startedBy"] == after[0]["id"]


def test_counts_follow_the_tasks() -> None:
    ecs = SimulatedEcs()
    ecs.scale(5, then=3)
    told = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]
    assert (told["desiredCount"], told["runningCount"], told["pendingCount"]) == (5, 0, 5)
    ecs.clock.sleep(60)
    told = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]
    assert (told["runningCount"], told["pendingCount"]) == (5, 0)
    ecs.scale(2, then=3)
    told = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]
    assert (told["desiredCount"], told["runningCount"], told["pendingCount"]) == (2, 2, 0)


def test_scaling_to_zero_ends_every_task_and_stopped_ones_are_listed_as_such() -> None:
    ecs = SimulatedEcs()
    ecs.scale(3, then=60)
    arns = set(ecs.listed())
    ecs.scale(0, then=60)
    assert (ecs.listed(), set(ecs.listed("STOPPED"))) == ([], arns)
    assert {ecs.status(arn) for arn in arns} == {"STOPPED"}
    stop = ecs.aws.describe_tasks(CLUSTER, list(arns)).tasks[0]
    assert stop["stopCode"] == "ServiceSchedulerInitiated"
    assert stop["stoppingAt"] < stop["executionStoppedAt"] < stop["stoppedAt"]


def test_stopped_tasks_are_forgotten_after_an_hour() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=60)
    (arn,) = ecs.listed()
    ecs.scale(0, then=3000)
    ecs.begin(1)
    assert ecs.listed("STOPPED") == [arn]
    ecs.clock.sleep(1000)
    ecs.begin(2)
    assert ecs.listed("STOPPED") == []
    assert ecs.aws.describe_tasks(CLUSTER, [arn]).failures == [{"arn": arn, "reason": "MISSING"}]


def test_a_count_lowered_before_its_tasks_are_launched_launches_none() -> None:
    ecs = SimulatedEcs()
    ecs.scale(5)
    ecs.scale(0, then=60)
    assert ecs.region.truth() == []


def test_a_task_that_stops_is_replaced() -> None:
    ecs = SimulatedEcs(failures=[Failure(Kind.REPLACED)])
    ecs.scale(2, then=180)
    first, second, replacement = ecs.region.truth()
    assert first.stop is not None
    assert first.stop.asked_ns < replacement.created_ns
    assert (second.stop, replacement.stop) == (None, None)
    assert set(ecs.listed()) == {second.arn, replacement.arn}


def test_tasks_whose_image_cannot_be_pulled_come_again_later_and_later() -> None:
    ecs = SimulatedEcs(failures=[Failure(Kind.CANNOT_PULL, ALL)])
    ecs.scale(1, then=600)
    created = created_seconds(ecs)
    gaps = [later - earlier for earlier, later in pairwise(created)]
    assert len(gaps) >= 3
    assert all(later > earlier for earlier, later in pairwise(gaps))
    (arn, *_) = ecs.listed("STOPPED")
    stopped = ecs.aws.describe_tasks(CLUSTER, [arn]).tasks[0]
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert stopped["stoppedReason"].startswith("CannotPullContainerError")
    told = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]
    assert any("unable to consistently start tasks" in event["message"] for event in told["events"])
    assert told["deployments"][0]["failedTasks"] >= 3


def test_a_service_scaled_anew_does_not_wait_for_an_earlier_round_s_retries() -> None:
    ecs = SimulatedEcs(failures=[Failure(Kind.CANNOT_PULL, ALL)])
    ecs.scale(1, then=600)
    ecs.scale(0, then=30)
    ecs.begin(1)
    ecs.scale(1, then=2)
    assert len(ecs.region.truth()) == 1


def test_without_capacity_no_task_comes_and_an_event_says_why() -> None:
    ecs = SimulatedEcs(failures=[Failure(Kind.NO_CAPACITY, ALL, seconds=60)])
    ecs.scale(2, then=30)
    assert ecs.listed() == []
    events = ecs.aws.describe_services(CLUSTER, [ecs.name])[0]["events"]
    assert "unable to place a task. Reason: Capacity is unavailable" in events[0]["message"]
    ecs.clock.sleep(60)
    assert len(ecs.listed()) == 2
