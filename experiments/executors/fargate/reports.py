"""What tasks report in their log streams, in a compact form that can be compared with the load balancer's answers.

A task's stream is PREFIX/CONTAINER/TASK-ID (awslogs driver). FilterLogEvents reads all streams of a service at once.
Its answers come in pages, late and out of order: each read starts some time before the newest event seen so far, and
ignores events that it has seen already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from experiments.executors.fargate.aws import Aws, Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.records.phases import NS_PER_MS
from infra import boot_report
from infra.boot_report import BootReport
from kit.documents import Unreadable, object_of
from kit.errors import LabError

PATTERN = '"schema_version"'
"""A phrase of every boot report, whole or cut."""
LATE_MS = 60_000
"""An event may show up this much later than newer ones of other streams; the agent sends every 5 s."""


@dataclass(slots=True, frozen=True)
class Report:
    """What is reported of a task; times in ns since the epoch on the task's clock.

    ``ready_ns`` is what the probe saw; None where the load balancer is asked. ``digest`` is that of a boot report.
    """

    started_ns: int | None
    finished_ns: int
    snapshotter: str | None
    clock_error_bound_ms: float | None
    ready_ns: int | None = None
    digest: bytes = b""

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
    """A report as its log stream holds it, or what is wrong with it, or why the task will never be ready."""

    logged_ns: int
    report: Report | NeverReady | str


@dataclass(slots=True, frozen=True)
class NeverReady:
    """The task has ended otherwise than it should, and what was seen of that."""

    seen: str


def named_task(body: bytes | str) -> str | None:
    """The task that a report names, whatever else is wrong with it; None when it names none."""
    try:
        arn = object_of(body).get("task_arn")
    except Unreadable:
        return None
    return arn if isinstance(arn, str) else None


def read(text: bytes | str, arn: str) -> Report | str:
    """What the report of that task says, or what is wrong with it."""
    try:
        return Report.of(boot_report.parse(text, arn))
    except LabError as error:
        return str(error)


class TaskLog(Protocol):
    """What the logs tell of a round's tasks, by ARN: reports, and of tasks without one what was seen last."""

    @property
    def reports(self) -> Mapping[str, Logged]:
        """Of tasks that have told all that they will."""

    @property
    def seen(self) -> Mapping[str, str]:
        """Of tasks that are not ready yet."""

    def read(self, wanted: Mapping[str, str], *, again: bool = False) -> None:
        """Look for the reports of tasks (ids to ARNs) that were not found yet; ``again``: from the very start."""


@dataclass(frozen=True)
class Event:
    """A line of a task's log; ``task`` is the task's id."""

    task: str
    timestamp_ms: int
    message: str


class Streams:
    """The log streams of one container of a service's tasks, read from ``start_ms`` (ms since the epoch, AWS's clock)
    on; only events with the phrase ``pattern``, unless it is empty."""

    def __init__(self, aws: Aws, time: AwsTime, group: str, prefix: str, pattern: str, start_ms: int) -> None:
        self._aws, self._time, self._group, self._prefix, self._pattern = aws, time, group, prefix, pattern
        self._start_ms = self._next_ms = start_ms

    def events(self, *, again: bool = False) -> Iterator[Event]:
        """What may be new, with some that was there before; ``again``: from the very start."""
        newest_ms, token = self._next_ms, None
        start_ms = self._start_ms if again else max(self._start_ms, self._next_ms - LATE_MS)
        while True:
            page = self._page(start_ms, token)
            for event in page.items:
                newest_ms = max(newest_ms, event["timestamp"])
                yield Event(event["logStreamName"].removeprefix(self._prefix), event["timestamp"], event["message"])
            if (token := page.token) is None:
                break
        self._next_ms = newest_ms

    def _page(self, start_ms: int, token: str | None) -> Page:
        arguments = (self._group, self._prefix, self._pattern, start_ms, token)
        return self._time.dated(lambda: self._aws.filter_log_events(*arguments))


class BootLog:
    """The boot reports that the measured containers of one service write."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.reports: dict[str, Logged] = {}
        self.seen: Mapping[str, str] = {}

    def read(self, wanted: Mapping[str, str], *, again: bool = False) -> None:
        """See `TaskLog`."""
        for event in self._streams.events(again=again):
            self._take(event, wanted)

    def _take(self, event: Event, wanted: Mapping[str, str]) -> None:
        """The first usable report of a task counts; an unusable one only as long as there is none."""
        arn = wanted.get(event.task)
        known = self.reports.get(arn) if arn is not None else None
        if arn is None or (known is not None and isinstance(known.report, Report)):
            return
        report = read(event.message, arn)
        if known is None or isinstance(report, Report):
            self.reports[arn] = Logged(event.timestamp_ms * NS_PER_MS, report)
