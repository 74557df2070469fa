import json
from typing import Any

import pytest

from infra import boot_report
from kit.errors import LabError


def report(**changes: Any) -> str:
    fields = {
        "schema_version": 1,
        "variant": "movie",
        "task_arn": "arn:1",
        "snapshotter": "soci",
        "clock_error_bound_ms": 0.4,
        "started_ns": 10,
        "finished_ns": 20,
        "files": [{"path": "a", "bytes": 1, "sha256": "0" * 64, "md5": "ignored"}],
    }
    return json.dumps({**fields, **changes})


def test_a_whole_report_is_read() -> None:
    parsed = boot_report.parse(report(), "arn:1")
    assert (parsed.started_ns, parsed.finished_ns, parsed.files[0].path) == (10, 20, "a")


def test_a_cut_report_is_refused() -> None:
    with pytest.raises(LabError, match="cut or not ours"):
        boot_report.parse(report()[:40], "arn:1")


def test_a_report_of_another_task_is_refused_by_name() -> None:
    with pytest.raises(LabError, match="arn:2"):
        boot_report.parse(report(task_arn="arn:2"), "arn:1")


def test_a_report_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(LabError, match="before it begins"):
        boot_report.parse(report(finished_ns=5), "arn:1")


def test_a_page_of_somebody_else_is_refused() -> None:
    with pytest.raises(LabError, match="cut or not ours"):
        boot_report.parse("<html>Welcome to nginx!</html>", "arn:1")


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(LabError, match="schema_version"):
        boot_report.parse(report(schema_version=2), "arn:1")
