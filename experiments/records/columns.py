"""The columns of exported and loaded data, in order, each with its name, type, unit and meaning. Only values.

Data frames, CSV, JSON, Parquet metadata and docs/data.md all follow this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from experiments.records.model import Spent
from experiments.records.phases import PHASES

Type = Literal["text", "integer", "number", "boolean"]
NANOSECONDS = "ns since 1970-01-01 UTC"


@dataclass(frozen=True)
class Column:
    """One column. ``unit`` is empty if the column has none; ``missing`` tells whether a row may lack a value."""

    name: str
    type: Type
    unit: str
    description: str
    missing: bool = False


def _seconds(name: str, description: str) -> Column:
    return Column(name, "number", "s", description, missing=True)


def _time(name: str, description: str, *, missing: bool = True) -> Column:
    return Column(name, "integer", NANOSECONDS, description, missing)


def _spent(name: str, description: str) -> Column:
    if name.endswith("_bytes"):
        return Column(name, "integer", "bytes", f"{description}; lab only", missing=True)
    return _seconds(name, f"{description}; lab only")


_SWEEP = Column("sweep_id", "text", "", "the sweep that the record belongs to")
_BLOCK = Column("block", "integer", "", "number of the pass through the plan's rounds, from 0")
_ATTEMPT = Column("attempt", "integer", "", "number of the attempt at this round, from 1")
_VARIANT = Column("variant", "text", "", "image workload")
_FORM = Column("form", "text", "", "how the image was delivered")
_TASK_COUNT = Column("task_count", "integer", "tasks", "tasks that the round released at once")
_STATUS = "complete, contaminated, failed or aborted; only the tasks of complete rounds are measurements"
_LOAD = (
    Column("cpu_pressure", "number", "share", "how much of the round a process here waited for a CPU", missing=True),
    Column("steal", "number", "share", "how much CPU time the hypervisor gave to other machines", missing=True),
)

TASKS = (
    _SWEEP,
    Column("target", "text", "", "where the task ran: lab, fargate, sim or fake", missing=True),
    Column("simulated", "boolean", "", "whether the row was simulated and not measured"),
    _BLOCK,
    Column("round", "integer", "", "the round's position in the plan, from 0"),
    _ATTEMPT,
    Column("round_status", "text", "", _STATUS),
    _VARIANT,
    _FORM,
    _TASK_COUNT,
    Column("task_id", "text", "", "the task's ARN"),
    Column("image_digest", "text", "", "digest of the manifest, or of the image index (soci-v2), that the task ran"),
    Column("snapshotter", "text", "", "soci or overlayfs, as reported by the metadata endpoint", missing=True),
    Column("outcome", "text", "", "booted, timeout, stopped, not-lazy, contaminated, aborted or failed"),
    Column("reason", "text", "", "why it did not boot as promised, or that it was late, in one line", missing=True),
    *(_seconds(f"{name}_seconds", f"{phase.ends} - {phase.begins}") for name, phase in PHASES.items()),
    Column("lazy_layers", "integer", "layers", "layers mounted through FUSE; lab only", missing=True),
    Column("received_bytes", "integer", "bytes", "received over the task's network", missing=True),
    Column("clock_error_bound_ms", "number", "ms", "error bound of the task's own clock (boot times)", missing=True),
    _time("logged_ns", "timestamp of the task's boot report in the log"),
    _time("stopped_ns", "the task had stopped"),
    *(_spent(name, field.description or "") for name, field in Spent.model_fields.items()),
    *_LOAD,
    _time("created_ns", "the task was requested", missing=False),
    _time("connected_ns", "the task's network was up"),
    _time("pull_started_ns", "the image pull began"),
    _time("pull_stopped_ns", "the image pull ended"),
    _time("started_ns", "the container was running"),
    _time("ready_ns", "the task is ready: the first HTTP 200, or another sign of its image"),
    _time("boot_started_ns", "the task's own boot work began, by its own clock"),
    _time("boot_finished_ns", "the task's own boot work ended, by its own clock"),
)
"""One row per task. Only tasks that booted have durations: those with the outcome booted or not-lazy."""

ROUNDS = (
    _SWEEP,
    _BLOCK,
    Column("index", "integer", "", "the round's position in the plan, from 0"),
    _ATTEMPT,
    _VARIANT,
    _FORM,
    _TASK_COUNT,
    Column("status", "text", "", _STATUS),
    Column("reason", "text", "", "why the round is not complete, in one line", missing=True),
    _time("started_ns", "the measurement began", missing=False),
    _time("finished_ns", "the measurement ended", missing=False),
    Column("prepare_seconds", "number", "s", "preparation before the measurement"),
    Column("clear_seconds", "number", "s", "clearing after the measurement"),
    *_LOAD,
    Column("api_calls", "integer", "requests", "to AWS, including retries", missing=True),
    Column("api_retries", "integer", "requests", "to AWS, retried after being throttled, failed or lost", missing=True),
    Column("balancer_gets", "integer", "requests", "to the load balancer", missing=True),
    Column("balancer_in_vain", "integer", "requests", "that no task of this round answered", missing=True),
    Column("clock_offset_ms", "number", "ms", "AWS's clock minus the measuring machine's", missing=True),
    Column("clock_error_ms", "number", "ms", "error bound of clock_offset_ms", missing=True),
)
"""One row per attempt at a round."""


COLUMNS = tuple(column.name for column in TASKS)


PLACE = ("block", "round", "attempt", "round_status", "variant", "form", "task_count")


EXTRAS = ("lazy_layers", "received_bytes", "clock_error_bound_ms", "logged_ns", "stopped_ns")


SPENT = tuple(Spent.model_fields)


LOAD = ("cpu_pressure", "steal")
