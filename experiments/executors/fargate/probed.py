"""What the probe says of the tasks beside which it stands, and what their own logs say where readiness is a line.

The probe's stream is PREFIX/PROBE/TASK-ID, the measured container's PREFIX/CONTAINER/TASK-ID (awslogs driver). An event
carries the time at which the log driver read the line, on the clock of the task's machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.reports import PATTERN, BootLog, Event, Logged, NeverReady, Report, Streams, TaskLog
from experiments.executors.fargate.stage import Stage
from experiments.records.phases import NS_PER_MS
from infra import probe_report, readiness
from infra.outputs import ServiceOutput
from infra.probe_report import ProbeReport
from infra.readiness import Ready
from kit.errors import LabError


def task_log(stage: Stage, time: AwsTime, service: ServiceOutput, start_ms: int, ready: str | None) -> TaskLog:
    """What tells of the tasks of a service: their own boot reports, or where there is ``ready`` their probes."""
    stack, measured = stage.stack, service.container or stage.stack.container

    def streams(container: str, pattern: str) -> Streams:
        prefix = f"{service.log_stream_prefix}/{container}/"
        return Streams(stage.aws, time, stack.log_group, prefix, pattern, start_ms)

    if ready is None:
        return BootLog(streams(measured, PATTERN))
    probes = streams(stack.probe or "", probe_report.PATTERN)
    parsed = readiness.parse(ready)
    if parsed.kind == "log":
        return LineLog(probes, streams(measured, ""), measured, parsed)
    return ProbeLog(probes, measured, ready)


class ProbeLog:
    """The lines of the probes of one service; ``container`` is the name of the measured container."""

    def __init__(self, streams: Streams, container: str, ready: str) -> None:
        self._streams, self._container, self._ready = streams, container, ready
        self.reports: dict[str, Logged] = {}
        self.seen: dict[str, str] = {}

    def read(self, wanted: Mapping[str, str], *, again: bool = False) -> None:
        """See `reports.TaskLog`."""
        for event in self._streams.events(again=again):
            if (arn := wanted.get(event.task)) is not None and arn not in self.reports:
                self._take(event, arn)

    def _take(self, event: Event, arn: str) -> None:
        report = _parsed(event.message, arn, self._ready)
        told: Report | NeverReady | str
        if isinstance(report, str):
            told = report
        elif report.ready_ns is not None:
            told = _report(report, self._container, report.ready_ns)
        elif report.final:
            told = NeverReady(report.seen)
        else:
            self.seen[arn] = report.seen
            return
        self.reports[arn] = Logged(event.timestamp_ms * NS_PER_MS, told)


class LineLog:
    """Tasks that are ready when their log has a line that matches; the probe says who they are."""

    def __init__(self, probes: Streams, lines: Streams, container: str, ready: Ready) -> None:
        self._probes, self._lines, self._container = probes, lines, container
        self._ready, self._pattern = str(ready), re.compile(ready.pattern)
        self._probed: dict[str, ProbeReport] = {}
        self._matched: dict[str, int] = {}
        self.reports: dict[str, Logged] = {}
        self.seen: dict[str, str] = {}

    def read(self, wanted: Mapping[str, str], *, again: bool = False) -> None:
        """See `reports.TaskLog`."""
        for event in self._probes.events(again=again):
            if (arn := wanted.get(event.task)) is not None and arn not in self._probed:
                self._identify(event, arn)
        for event in self._lines.events(again=again):
            if (arn := wanted.get(event.task)) is not None:
                self._match(event, arn)
        for arn in self._probed.keys() & self._matched.keys() - self.reports.keys():
            ready_ns = self._matched[arn]
            self.reports[arn] = Logged(ready_ns, _report(self._probed[arn], self._container, ready_ns))

    def _identify(self, event: Event, arn: str) -> None:
        report = _parsed(event.message, arn, self._ready)
        if isinstance(report, ProbeReport):
            self._probed[arn] = report
        else:
            self.reports.setdefault(arn, Logged(event.timestamp_ms * NS_PER_MS, report))

    def _match(self, event: Event, arn: str) -> None:
        """The earliest line counts, in whatever order they are found."""
        time_ns = event.timestamp_ms * NS_PER_MS
        if self._pattern.search(event.message):
            self._matched[arn] = min(time_ns, self._matched.get(arn, time_ns))
        self.seen[arn] = f"its last line was {event.message[:200]!r}"


def _parsed(line: str, arn: str, ready: str) -> ProbeReport | str:
    try:
        return probe_report.parse(line, arn, ready)
    except LabError as error:
        return str(error)


def _report(probed: ProbeReport, container: str, ready_ns: int) -> Report:
    """Ready counts as booted. A start that is told later than that is no start of this boot."""
    started_ns = probed.started_ns(container)
    return Report(
        started_ns=started_ns if started_ns is not None and started_ns <= ready_ns else None,
        finished_ns=ready_ns,
        snapshotter=probed.snapshotter(container),
        clock_error_bound_ms=probed.clock_error_bound_ms,
        ready_ns=ready_ns,
    )
