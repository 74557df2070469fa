"""Boot reports from the log streams of tasks, in a compact form that can be compared with the load balancer's answers.

A task's stream is PREFIX/CONTAINER/TASK-ID (awslogs driver). FilterLogEvents reads all streams of a service at once.
Its answers come in pages, late and out of order: each read starts some time before the newest event seen so far, and
ignores events that it has seen already.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.executors.fargate.aws import Aws, Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.records.phases import NS_PER_MS
from infra import boot_report
from infra.boot_report import BootReport
from kit.errors import LabError

PATTERN = '"schema_version"'
"""A phrase of every boot report, whole or cut, and of no other line of ours."""
LATE_MS = 60_000
"""An event may show up this much later than newer ones of other streams; the agent sends every 5 s."""


@dataclass(slots=True, frozen=True)
class Report:
    """What a boot report says; times in ns since the epoch on the task's clock."""

    started_ns: int
    finished_ns: int
    snapshotter: str | None
    clock_error_bound_ms: float | None
    digest: bytes

    @classmethod
    def of(cls, report: BootReport) -> Report:
        """The part of a report that becomes a record, and a digest of all of it."""
        return cls(
            started_ns=report.started_ns,
            finished_ns=report.finished_ns,
            snapshotter=report.snapshotter,
            clock_error_bound_ms=report.clock_error_bound_ms,
            digest=hashlib.sha256(report.model_dump_json().encode()).digest(),
        )


@dataclass(slots=True, frozen=True)
class Logged:
    """A boot report as its log stream holds it, or what is wrong with it."""

    logged_ns: int
    report: Report | str


def named_task(body: bytes | str) -> str | None:
    """The task that a report names, whatever else is wrong with it; None when it names none."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    arn = document.get("task_arn") if isinstance(document, dict) else None
    return arn if isinstance(arn, str) else None


def read(text: bytes | str, arn: str) -> Report | str:
    """What the report of that task says, or what is wrong with it."""
    try:
        return Report.of(boot_report.parse(text, arn))
    except LabError as error:
        return str(error)


class BootLog:
    """The log streams of one service, read from ``start_ms`` (ms since the epoch, AWS's clock) on."""

    def __init__(self, aws: Aws, time: AwsTime, group: str, stream_prefix: str, start_ms: int) -> None:
        self._aws, self._time, self._group, self._prefix = aws, time, group, stream_prefix
        self._start_ms = self._next_ms = start_ms
        self.reports: dict[str, Logged] = {}

    def read(self, wanted: Mapping[str, str], *, again: bool = False) -> None:
        """Look for the reports of tasks (ids to ARNs) that were not found yet; ``again``: from the very start."""
        newest_ms, token = self._next_ms, None
        start_ms = self._start_ms if again else max(self._start_ms, self._next_ms - LATE_MS)
        while True:
            page = self._page(start_ms, token)
            for event in page.items:
                self._take(event["logStreamName"], event["timestamp"], event["message"], wanted)
                newest_ms = max(newest_ms, event["timestamp"])
            if (token := page.token) is None:
                break
        self._next_ms = newest_ms

    def _page(self, start_ms: int, token: str | None) -> Page:
        arguments = (self._group, self._prefix, PATTERN, start_ms, token)
        return self._time.dated(lambda: self._aws.filter_log_events(*arguments))

    def _take(self, stream: str, timestamp_ms: int, message: str, wanted: Mapping[str, str]) -> None:
        """The first usable report of a task counts; an unusable one only as long as there is none."""
        arn = wanted.get(stream.removeprefix(self._prefix))
        known = self.reports.get(arn) if arn is not None else None
        if arn is None or (known is not None and isinstance(known.report, Report)):
            return
        report = read(message, arn)
        if known is None or isinstance(report, Report):
            self.reports[arn] = Logged(timestamp_ms * NS_PER_MS, report)
