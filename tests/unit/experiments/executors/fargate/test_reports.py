from __future__ import annotations

from experiments.executors.fargate.aws import Page
from experiments.executors.fargate.clocks import AwsTime
from experiments.executors.fargate.reports import LATE_MS, PATTERN, BootLog, Report, Streams, named_task
from experiments.executors.fargate.tasks import task_id
from experiments.executors.simulation.clock import SimulatedClock
from experiments.executors.simulation.documents import boot_report
from experiments.records.phases import NS_PER_MS
from infra.outputs import StackOutputs
from tests.support.scripted import ScriptedEcs

START_MS = 1_000_000_000
PREFIX = "movie-plain/app/"


class Pages(ScriptedEcs):
    """Log pages as scripted; ``starts`` are the start times that were asked for."""

    def script(self, *pages: Page) -> None:
        self.pages = list(pages)
        self.starts: list[int] = []

    def filter_log_events(self, group: str, stream_prefix: str, pattern: str, start_ms: int, token: str | None) -> Page:
        self.starts.append(start_ms)
        return self.pages.pop(0)


def log_of(outputs: StackOutputs, *pages: Page) -> tuple[BootLog, Pages]:
    clock = SimulatedClock()
    aws = Pages(outputs, clock)
    aws.script(*pages)
    return BootLog(Streams(aws, AwsTime(clock), "/group", PREFIX, PATTERN, START_MS)), aws


def event(ecs: ScriptedEcs, name: str, at_ms: int, **changes: str) -> tuple[str, dict[str, object]]:
    task = ecs.start_foreign("movie-plain", age_seconds=1)
    line = boot_report(task)
    return task.arn, {"logStreamName": f"{PREFIX}{task_id(task.arn)}", "timestamp": at_ms, "message": line, **changes}


def test_the_same_event_on_two_pages_counts_once_and_other_streams_are_ignored(outputs: StackOutputs) -> None:
    log, aws = log_of(outputs)
    own, first = event(aws, "own", START_MS + 5)
    _, stranger = event(aws, "stranger", START_MS + 6)
    aws.script(Page([first, stranger], "more"), Page([first], None))
    log.read({task_id(own): own})
    assert list(log.reports) == [own]
    assert log.reports[own].logged_ns == (START_MS + 5) * NS_PER_MS


def test_reading_goes_on_before_the_newest_event_for_those_that_come_late(outputs: StackOutputs) -> None:
    log, aws = log_of(outputs)
    first, early = event(aws, "first", START_MS + 10 * LATE_MS)
    second, late = event(aws, "second", START_MS + 9 * LATE_MS + 1)
    aws.script(Page([early], None), Page([late], None), Page([], None))
    wanted = {task_id(arn): arn for arn in (first, second)}
    log.read(wanted)
    log.read(wanted)
    log.read(wanted, again=True)
    assert aws.starts == [START_MS, START_MS + 9 * LATE_MS, START_MS]
    assert set(log.reports) == {first, second}


def test_a_whole_report_counts_even_after_a_cut_one(outputs: StackOutputs) -> None:
    log, aws = log_of(outputs)
    own, whole = event(aws, "own", START_MS)
    cut = {**whole, "message": str(whole["message"])[:40]}
    aws.script(Page([cut, whole, cut], None))
    log.read({task_id(own): own})
    assert isinstance(log.reports[own].report, Report)


def test_a_body_that_is_no_report_names_no_task() -> None:
    assert [named_task(body) for body in (b"", b"\xff", b"[]", b"{}", b'{"task_arn": 5}', b'{"task_arn"')] == [None] * 6
    assert named_task(b'{"task_arn": "a"}') == "a"
