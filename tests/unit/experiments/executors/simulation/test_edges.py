"""Logs and load balancer of the simulation: what is late, in pages, and by chance."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from experiments.executors.fargate.aws import Document
from experiments.executors.simulation import documents
from experiments.executors.simulation.failures import Failure, Kind
from experiments.executors.simulation.logs import PAGE_BYTES
from experiments.records.phases import NS_PER_SECOND
from infra import boot_report
from tests.support.simulated import SimulatedEcs

GROUP = "/sociometer/simulated"
PATTERN = '"schema_version"'
URL = "http://simulated.invalid"


def logged(ecs: SimulatedEcs, start_ms: int = 0) -> list[list[Document]]:
    """The pages of a whole read."""
    pages, token = [], None
    while True:
        page = ecs.aws.filter_log_events(GROUP, f"{ecs.header}/workload/", PATTERN, start_ms, token)
        pages.append(page.items)
        if (token := page.token) is None:
            return pages


def test_a_report_is_in_the_log_once_it_is_ingested_and_says_what_the_task_did() -> None:
    ecs = SimulatedEcs(log_seconds=5.0)
    ecs.scale(1, then=2)
    (task,) = ecs.region.truth()
    assert task.boot_finished_ns is not None
    assert task.ingested_ns is not None
    ecs.clock.advance_to(task.ingested_ns - 1)
    assert logged(ecs) == [[]]
    ecs.clock.advance_to(task.ingested_ns)
    ((event,),) = logged(ecs)
    assert event["logStreamName"] == f"{ecs.header}/workload/{task.id}"
    report = boot_report.parse(event["message"], task.arn)
    assert (report.started_ns, report.finished_ns) == (task.boot_started_ns, task.boot_finished_ns)
    assert report.snapshotter == "overlayfs"


def test_a_task_stopped_in_the_middle_of_its_boot_logs_no_report() -> None:
    ecs = SimulatedEcs(failures=[Failure(Kind.STOPPED_EARLY)])
    ecs.scale(2, then=300)
    early, *others = ecs.region.truth()
    ((*events,),) = logged(ecs)
    assert {event["logStreamName"].rpartition("/")[2] for event in events} == {task.id for task in others}
    assert ecs.aws.describe_tasks(ecs.outputs.fargate.cluster, [early.arn]).tasks[0]["containers"][0]["exitCode"] == 1  # type: ignore[union-attr]


@pytest.mark.slow
def test_pages_of_the_log_hold_a_megabyte_at_most_and_every_event_once() -> None:
    ecs = SimulatedEcs()
    ecs.scale(3000, then=400)
    pages = logged(ecs)
    assert len(pages) > 1
    assert all(sum(len(event["message"]) for event in page) <= PAGE_BYTES for page in pages)
    streams = Counter(event["logStreamName"] for page in pages for event in page)
    assert (len(streams), set(streams.values())) == (3000, {1})
    times = [event["timestamp"] for page in pages for event in page]
    assert times == sorted(times)


def test_a_page_may_be_empty_although_more_follow() -> None:
    ecs = SimulatedEcs(empty_page_share=0.5)
    ecs.scale(1, then=60)
    sizes = [[len(page) for page in logged(ecs)] for _ in range(20)]
    assert all(sum(one) == 1 for one in sizes)
    assert any(0 in one for one in sizes)


def test_events_before_the_asked_time_are_left_out() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=60)
    (task,) = ecs.region.truth()
    assert task.boot_finished_ns is not None
    finished_ms = task.boot_finished_ns // documents.NS_PER_MS
    assert [len(page) for page in logged(ecs, finished_ms)] == [1]
    assert [len(page) for page in logged(ecs, finished_ms + 1)] == [0]


def test_other_kinds_of_filter_patterns_are_refused() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=60)
    with pytest.raises(NotImplementedError, match="terms alone"):
        ecs.aws.filter_log_events(GROUP, f"{ecs.header}/", "{ $.schema_version = 1 }", 0, None)


def test_nobody_answers_until_a_task_is_healthy_and_no_report_is_served_before_the_boot_is_done() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=2)
    (task,) = ecs.region.truth()
    assert task.healthy_ns is not None
    assert task.boot_finished_ns is not None
    ecs.clock.advance_to(task.healthy_ns - 1)
    assert ecs.aws.get(f"{URL}/", ecs.header).status == 503
    ecs.clock.advance_to(task.healthy_ns)
    assert ecs.aws.get(f"{URL}/", ecs.header).status == 200
    assert ecs.aws.get(f"{URL}/boot.json", ecs.header).status == 404
    assert json.loads(ecs.aws.get(f"{URL}/status", ecs.header).body)["TaskARN"] == task.arn
    ecs.clock.advance_to(task.boot_finished_ns)
    assert boot_report.parse(ecs.aws.get(f"{URL}/boot.json", ecs.header).body, task.arn)


def test_what_the_load_balancer_serves_is_what_the_log_holds() -> None:
    ecs = SimulatedEcs()
    ecs.scale(1, then=60)
    ((event,),) = logged(ecs)
    assert ecs.aws.get(f"{URL}/boot.json", ecs.header).body.decode() == event["message"]


def test_requests_are_spread_over_the_healthy_tasks_by_chance() -> None:
    ecs = SimulatedEcs()
    ecs.scale(10, then=60)
    answered = Counter(json.loads(ecs.aws.get(f"{URL}/status", ecs.header).body)["TaskARN"] for _ in range(1000))
    assert set(answered) == {task.arn for task in ecs.region.truth()}
    assert all(50 < count < 200 for count in answered.values())


def test_a_task_that_is_drained_gets_no_request_any_more() -> None:
    ecs = SimulatedEcs()
    ecs.scale(3, then=60)
    ecs.scale(1, then=2)
    answered = {json.loads(ecs.aws.get(f"{URL}/status", ecs.header).body)["TaskARN"] for _ in range(50)}
    assert answered == {task.arn for task in ecs.region.truth() if task.stop is None}
    ecs.scale(0, then=2)
    assert ecs.aws.get(f"{URL}/", ecs.header).status == 503


def test_a_request_for_no_treatment_is_not_found() -> None:
    assert SimulatedEcs().aws.get(URL, "movie.other").status == 404


def test_bad_gateways_come_as_often_as_wanted() -> None:
    ecs = SimulatedEcs(bad_gateway_share=0.3)
    ecs.scale(1, then=60)
    seen = Counter(ecs.aws.get(f"{URL}/", ecs.header).status for _ in range(1000))
    assert set(seen) == {200, 502}
    assert 200 < seen[502] < 400


def test_time_passes_with_every_request() -> None:
    ecs = SimulatedEcs(api_seconds=0.05, get_seconds=0.02)
    began_ns = ecs.clock.now_ns
    ecs.listed()
    ecs.aws.get(URL, ecs.header)
    assert ecs.clock.now_ns - began_ns == round(0.07 * NS_PER_SECOND)
