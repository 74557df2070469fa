"""The simulated API is paged, throttled and late as AWS's is documented to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.executors.simulation.failures import Failure, Kind
from experiments.executors.simulation.parameters import Bucket
from experiments.executors.simulation.stack_outputs import CLUSTER
from experiments.executors.simulation.throttle import TokenBucket
from experiments.records.phases import NS_PER_SECOND
from kit.errors import AwsError
from tests.support.simulated import SimulatedEcs


def test_tasks_are_listed_in_pages_of_a_hundred_each_once() -> None:
    ecs = SimulatedEcs()
    ecs.scale(250, then=60)
    sizes, token = [], None
    while True:
        page = ecs.aws.list_tasks(CLUSTER, ecs.name, "RUNNING", token)
        sizes.append(len(page.items))
        if (token := page.token) is None:
            break
    assert sizes == [100, 100, 50]
    assert sorted(ecs.listed()) == sorted(task.arn for task in ecs.region.truth())


def test_a_full_last_page_has_no_token() -> None:
    ecs = SimulatedEcs()
    ecs.scale(100, then=60)
    page = ecs.aws.list_tasks(CLUSTER, ecs.name, "RUNNING", None)
    assert (len(page.items), page.token) == (100, None)


def test_the_order_of_a_list_is_not_that_of_launching() -> None:
    ecs = SimulatedEcs()
    ecs.scale(50, then=60)
    assert ecs.listed() != [task.arn for task in ecs.region.truth()]


def test_more_tasks_or_services_than_a_call_may_name_are_refused() -> None:
    ecs = SimulatedEcs()
    with pytest.raises(AwsError, match="101 tasks in one call; 1 to 100 are allowed"):
        ecs.aws.describe_tasks(CLUSTER, ["arn"] * 101)
    with pytest.raises(AwsError, match="11 services in one call"):
        ecs.aws.describe_services(CLUSTER, [ecs.name] * 11)


def test_what_is_not_there_is_named() -> None:
    ecs = SimulatedEcs()
    with pytest.raises(AwsError, match="there is no service other"):
        ecs.aws.list_tasks(CLUSTER, "other", "RUNNING", None)
    with pytest.raises(AwsError, match="there is no cluster other"):
        ecs.aws.list_tasks("other", ecs.name, "RUNNING", None)
    with pytest.raises(AwsError, match="there is no log group other"):
        ecs.aws.filter_log_events("other", ecs.header, '"schema_version"', 0, None)


def test_a_new_task_is_missing_for_a_while_and_a_stopped_one_still_listed() -> None:
    ecs = SimulatedEcs(lag_seconds=1e9, most_lag_seconds=5.0)
    ecs.scale(1, then=3)
    (truth,) = ecs.region.truth()
    assert ecs.listed() == []
    assert ecs.aws.describe_tasks(CLUSTER, [truth.arn]).failures == [{"arn": truth.arn, "reason": "MISSING"}]
    ecs.clock.sleep(60)
    assert ecs.listed() == [truth.arn]
    ecs.scale(0, then=3)
    assert truth.stopping(ecs.clock.now_ns)
    assert ecs.listed() == [truth.arn]


def test_answers_are_of_different_ages() -> None:
    ecs = SimulatedEcs(lag_seconds=1.0, most_lag_seconds=8.0)
    ecs.scale(10, then=2)
    assert {len(ecs.listed()) for _ in range(30)} == {0, 10}


def test_lists_leave_tasks_out_now_and_then_and_not_the_same_ones() -> None:
    ecs = SimulatedEcs(unlisted_share=0.1)
    ecs.scale(100, then=60)
    lists = [set(ecs.listed()) for _ in range(5)]
    assert all(80 <= len(listed) < 100 for listed in lists)
    assert set.union(*lists) == {task.arn for task in ecs.region.truth()}


def test_a_hundred_reads_pass_at_once_and_then_twenty_a_second() -> None:
    ecs = SimulatedEcs()
    began = ecs.clock.monotonic()
    for _ in range(100):
        ecs.listed()
    assert ecs.clock.monotonic() == began
    assert sum(ecs.aws.retries.values()) == 0
    for _ in range(200):
        ecs.listed()
    assert ecs.clock.monotonic() - began >= 10
    assert ecs.aws.calls["ListTasks"] == 300 + ecs.aws.retries["ListTasks"]
    assert ecs.aws.retries["ListTasks"] > 0


def test_list_and_describe_share_one_quota_and_services_have_another() -> None:
    ecs = SimulatedEcs()
    for _ in range(100):
        ecs.listed()
    ecs.aws.describe_services(CLUSTER, [ecs.name])
    assert ecs.aws.retries.total() == 0
    ecs.aws.describe_tasks(CLUSTER, ["arn"])
    assert ecs.aws.retries["DescribeTasks"] > 0


def test_a_call_that_is_refused_for_good_raises_what_aws_said() -> None:
    ecs = SimulatedEcs(attempts=3, failures=[Failure(Kind.REFUSED, 3)])
    with pytest.raises(AwsError, match=r"DescribeServices was refused 3 times \(ThrottlingException"):
        ecs.aws.describe_services(CLUSTER, [ecs.name])
    assert (ecs.aws.calls["DescribeServices"], ecs.aws.retries["DescribeServices"]) == (3, 2)
    assert ecs.aws.describe_services(CLUSTER, [ecs.name])


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=200),
    st.sampled_from([Bucket(100, 20), Bucket(5, 5), Bucket(1, 0.5)]),
)
def test_a_bucket_never_gives_more_than_its_burst_and_rate(waits: list[float], bucket: Bucket) -> None:
    tokens, now_ns, given_ns = TokenBucket(bucket), 0, []
    for wait in waits:
        now_ns += round(wait * NS_PER_SECOND)
        while tokens.take(now_ns):
            given_ns.append(now_ns)
    for first in range(len(given_ns)):
        passed = (given_ns[-1] - given_ns[first]) / NS_PER_SECOND
        assert len(given_ns) - first <= bucket.burst + bucket.per_second * passed + 1e-6


def test_an_empty_bucket_says_when_its_next_token_comes() -> None:
    tokens = TokenBucket(Bucket(1, 20))
    assert tokens.take(0)
    due_ns = tokens.next_ns(0)
    assert due_ns == NS_PER_SECOND // 20
    assert not tokens.take(due_ns - 1000)
    assert tokens.take(due_ns)
