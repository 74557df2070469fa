import json
from typing import Any

import pytest

from infra import probe_report
from kit.errors import LabError

TASK = "arn:aws:ecs:eu-west-1:1:task/c/e9"
READY = "http:8080/health"


def line(**changed: Any) -> str:
    return json.dumps(
        {
            "probe_schema_version": 1,
            "task_arn": TASK,
            "ready": READY,
            "ready_ns": 1_700_000_000_000_000_001,
            "seen": "answered 200",
            "final": True,
            "clock_error_bound_ms": 0.5,
            "containers": [{"name": "workload", "snapshotter": "soci"}, {"name": "probe", "snapshotter": "overlayfs"}],
            **changed,
        }
    )


def test_a_report_tells_the_ready_time_exactly_and_the_snapshotter_of_every_container() -> None:
    report = probe_report.parse(line(), TASK, READY)
    assert report.ready_ns == 1_700_000_000_000_000_001
    assert (report.snapshotter("workload"), report.snapshotter("probe")) == ("soci", "overlayfs")
    assert report.snapshotter("other") is None


def test_a_task_that_was_never_ready_has_a_report_without_a_ready_time() -> None:
    report = probe_report.parse(line(ready_ns=None, seen="answered 302 to /login at /"), TASK, READY)
    assert report.ready_ns is None
    assert report.seen == "answered 302 to /login at /"


def test_every_cut_of_a_report_is_refused() -> None:
    whole = line()
    for end in range(len(whole)):
        with pytest.raises(LabError, match="cut or not ours"):
            probe_report.parse(whole[:end], TASK, READY)


def test_every_report_has_the_phrase_that_log_streams_are_searched_for() -> None:
    assert probe_report.PATTERN in line()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"task_arn": "another"}, "names another task, 'another'"),
        ({"ready": "tcp:1"}, "is about 'tcp:1', not 'http:8080/health'"),
        ({"probe_schema_version": 2}, "probe_schema_version"),
        ({"ready_ns": 0}, "ready_ns"),
        ({"ready_ns": 1 << 63}, "9223372036854775808 needs more than 64 bits"),
        ({"clock_error_bound_ms": -1}, "clock_error_bound_ms"),
        ({"clock_error_bound_ms": float("nan")}, "cut or not ours"),
        ({"containers": [{"name": "a", "snapshotter": None}] * 21}, "containers"),
        ({"seen": "x" * 5000}, "seen"),
        ({"more": "x" * probe_report.MOST_BYTES}, "bytes, more than the 16384"),
    ],
)
def test_what_is_no_report_of_this_task_is_refused_with_the_reason(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(LabError, match=message):
        probe_report.parse(line(**changed), TASK, READY)
