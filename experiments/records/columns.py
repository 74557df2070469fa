"""The columns of what is exported and loaded: name, type, unit and meaning of each, in their order. Values alone.

Frames, CSV, JSON, the metadata of Parquet files and docs/data.md all say what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "integer", "number", "boolean"]
NANOSECONDS = "ns since 1970-01-01 UTC"


@dataclass(frozen=True)
class Column:
    """One column; ``unit`` is empty where there is none, ``missing`` says that a row may have no value."""

    name: str
    type: Type
    unit: str
    description: str
    missing: bool = False


def _seconds(name: str, description: str) -> Column:
    return Column(name, "number", "s", description, missing=True)


def _time(name: str, description: str, *, missing: bool = True) -> Column:
    return Column(name, "integer", NANOSECONDS, description, missing)


_SWEEP = Column("sweep_id", "text", "", "the sweep that the record belongs to")
_BLOCK = Column("block", "integer", "", "pass through the plan's rounds, from 0")
_ATTEMPT = Column("attempt", "integer", "", "how often the round was begun by then, from 1")
_VARIANT = Column("variant", "text", "", "image workload")
_FORM = Column("form", "text", "", "how the image was delivered")
_TASK_COUNT = Column("task_count", "integer", "tasks", "tasks that the round released at once")
_STATUS = "complete, contaminated, failed or aborted; only the tasks of complete rounds are measurements"
_LOAD = (
    Column("cpu_pressure", "number", "share", "of the round in which a process here waited for a CPU", missing=True),
    Column("steal", "number", "share", "of CPU time that the hypervisor gave to somebody else", missing=True),
)

TASKS = (
    _SWEEP,
    Column("target", "text", "", "where the task ran: lab, fargate, sim or fake", missing=True),
    Column("simulated", "boolean", "", "the row is a simulation's and no measurement"),
    _BLOCK,
    Column("round", "integer", "", "the round's place in the plan, from 0"),
    _ATTEMPT,
    Column("round_status", "text", "", _STATUS),
    _VARIANT,
    _FORM,
    _TASK_COUNT,
    Column("task_id", "text", "", "the task's ARN"),
    Column("image_digest", "text", "", "what the task ran: digest of a manifest, or of an image index (soci-v2)"),
    Column("snapshotter", "text", "", "soci or overlayfs, as the metadata endpoint told it", missing=True),
    Column("outcome", "text", "", "booted, timeout, stopped, not-lazy, contaminated, aborted or failed"),
    Column("reason", "text", "", "why it did not boot, in one line", missing=True),
    _seconds("connect_seconds", "connected_ns - created_ns"),
    _seconds("pull_seconds", "pull_stopped_ns - pull_started_ns"),
    _seconds("start_seconds", "started_ns - created_ns"),
    _seconds("ready_seconds", "ready_ns - created_ns"),
    _seconds("boot_seconds", "boot_finished_ns - created_ns"),
    Column("lazy_layers", "integer", "layers", "layers mounted by FUSE, as seen in the lab", missing=True),
    Column("received_bytes", "integer", "bytes", "what came over the task's network", missing=True),
    Column("clock_error_bound_ms", "number", "ms", "error bound of the task's own clock (boot times)", missing=True),
    _time("logged_ns", "the log's time stamp of the task's boot report"),
    _time("stopped_ns", "the task had stopped"),
    *_LOAD,
    _time("created_ns", "the task was asked for", missing=False),
    _time("connected_ns", "the task had its network"),
    _time("pull_started_ns", "the image pull began"),
    _time("pull_stopped_ns", "the image pull ended"),
    _time("started_ns", "the container ran"),
    _time("ready_ns", "the first HTTP 200"),
    _time("boot_started_ns", "the task's own boot work began, by its own clock"),
    _time("boot_finished_ns", "the task's own boot work ended, by its own clock"),
)
"""One row per task. Durations are those of booted tasks alone."""

ROUNDS = (
    _SWEEP,
    _BLOCK,
    Column("index", "integer", "", "the round's place in the plan, from 0"),
    _ATTEMPT,
    _VARIANT,
    _FORM,
    _TASK_COUNT,
    Column("status", "text", "", _STATUS),
    Column("reason", "text", "", "why it is not complete, in one line", missing=True),
    _time("started_ns", "the measurement began", missing=False),
    _time("finished_ns", "the measurement ended", missing=False),
    Column("prepare_seconds", "number", "s", "outside the measurement, before it"),
    Column("clear_seconds", "number", "s", "outside the measurement, after it"),
    *_LOAD,
    Column("api_calls", "integer", "requests", "to AWS, those sent again included", missing=True),
    Column("api_retries", "integer", "requests", "to AWS, sent again: throttled, failed or lost", missing=True),
    Column("balancer_gets", "integer", "requests", "to the load balancer", missing=True),
    Column("balancer_in_vain", "integer", "requests", "answered by no task of this round", missing=True),
    Column("clock_offset_ms", "number", "ms", "AWS's clock minus that of the measuring machine", missing=True),
    Column("clock_error_ms", "number", "ms", "error bound of clock_offset_ms", missing=True),
)
"""One row per attempt at a round."""


COLUMNS = tuple(column.name for column in TASKS)


PLACE = ("block", "round", "attempt", "round_status", "variant", "form", "task_count")


EXTRAS = ("lazy_layers", "received_bytes", "clock_error_bound_ms", "logged_ns", "stopped_ns")


LOAD = ("cpu_pressure", "steal")
