"""What probes and logs tell of tasks: the ready time, what was seen of those that are not ready, and who they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from experiments.executors.fargate.aws import Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.probed import LineLog, ProbeLog
from experiments.executors.fargate.reports import NeverReady, Report, Streams
from experiments.executors.simulation.clock import SimulatedClock
from experiments.records.phases import NS_PER_MS
from infra import readiness
from infra.outputs import StackOutputs
from tests.support.scripted import ScriptedEcs

TASK = "arn:aws:ecs:eu-west-2:1:task/c/e9"
WANTED = {"e9": TASK}
READY = "http:8080/"
READY_NS = 1_700_000_000_000_000_007


def line(**changed: Any) -> str:
    measured = {"name": "app", "snapshotter": "soci", "started_ns": READY_NS - 5}
    return json.dumps(
        {
            "probe_schema_version": 1,
            "task_arn": TASK,
            "ready": READY,
            "ready_ns": READY_NS,
            "seen": "answered 200",
            "final": True,
            "clock_error_bound_ms": 0.5,
            "containers": [measured, {"name": "probe", "snapshotter": "overlayfs"}],
            **changed,
        }
    )


class Logs(ScriptedEcs):
    """Messages by container: one answer a call."""

    def say(self, container: str, *events: tuple[int, str]) -> None:
        self.said = {**getattr(self, "said", {}), container: events}

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        container = stream_prefix.split("/")[1]
        stream = f"{stream_prefix}e9"
        said = self.said.get(container, ())
        found = [{"logStreamName": stream, "timestamp": at, "message": message} for at, message in said]
        return Page([event for event in found if pattern.strip() in event["message"]], None)


@pytest.fixture
def logs(outputs: StackOutputs) -> Logs:
    return Logs(outputs, SimulatedClock())


def streams(logs: Logs, container: str) -> Streams:
    return Streams(logs, AwsTime(logs.clock), "/group", f"web.plain/{container}/", "", 0)


def probe_log(logs: Logs, *events: str) -> ProbeLog:
    logs.say("probe", *((index, event) for index, event in enumerate(events)))
    log = ProbeLog(streams(logs, "probe"), "app", READY)
    log.read(WANTED)
    return log


def test_a_probe_tells_when_the_task_was_ready_and_how_it_was_loaded(logs: Logs) -> None:
    logged = probe_log(logs, line()).reports[TASK]
    assert logged.report == Report(READY_NS - 5, READY_NS, "soci", 0.5, ready_ns=READY_NS)


def test_of_a_task_that_is_not_ready_the_last_that_was_seen_is_kept(logs: Logs) -> None:
    waiting = (line(ready_ns=None, final=False, seen=seen) for seen in ("connection refused", "answered 503 at /"))
    log = probe_log(logs, *waiting)
    assert (log.reports, log.seen) == ({}, {TASK: "answered 503 at /"})


def test_a_job_that_ended_badly_will_never_be_ready(logs: Logs) -> None:
    said = "ended with exit code 3, not with 0"
    assert probe_log(logs, line(ready_ns=None, seen=said)).reports[TASK].report == NeverReady(said)


@pytest.mark.parametrize("bad", [line()[:40], line(task_arn="another"), line(ready="tcp:1")])
def test_a_line_that_is_cut_or_of_something_else_is_told(logs: Logs, bad: str) -> None:
    assert isinstance(probe_log(logs, bad).reports[TASK].report, str)


def test_a_start_that_is_told_later_than_ready_is_none_of_this_boot(logs: Logs) -> None:
    late = [{"name": "app", "snapshotter": "soci", "started_ns": READY_NS + 1}]
    report = probe_log(logs, line(containers=late)).reports[TASK].report
    assert isinstance(report, Report)
    assert report.started_ns is None


def line_log(logs: Logs, *, pattern: str = "ready on [0-9]+") -> LineLog:
    ready = readiness.parse(f"log:{pattern}")
    return LineLog(streams(logs, "probe"), streams(logs, "app"), "app", ready)


def test_a_line_that_matches_makes_a_task_ready_at_the_events_own_time(logs: Logs) -> None:
    logs.say("probe", (1, line(ready="log:ready on [0-9]+", ready_ns=None)))
    logs.say("app", (9_000, "ready on 80"), (7_000, "ready on 80"), (5_000, "starting"))
    log = line_log(logs)
    log.read(WANTED)
    report = log.reports[TASK].report
    assert isinstance(report, Report)
    assert (report.ready_ns, report.snapshotter) == (7_000 * NS_PER_MS, "soci")


def test_a_match_alone_is_not_enough_while_nobody_has_said_how_the_task_was_loaded(logs: Logs) -> None:
    logs.say("app", (7_000, "ready on 80"))
    log = line_log(logs)
    log.read(WANTED)
    assert log.reports == {}
    logs.say("probe", (8_000, line(ready="log:ready on [0-9]+", ready_ns=None)))
    log.read(WANTED)
    assert isinstance(log.reports[TASK].report, Report)


def test_without_a_match_the_last_line_is_what_was_seen(logs: Logs) -> None:
    logs.say("app", (5_000, "starting"), (6_000, "waiting for the database"))
    log = line_log(logs)
    log.read(WANTED)
    assert log.seen == {TASK: "its last line was 'waiting for the database'"}
