"""What was observed: task and round records, frozen and checked when they are made.

Schema history: 1 — first version.
All times are nanoseconds since the epoch on the clock of the machine that runs the executor, except a task's
boot times on another machine, whose error bound is recorded beside them (`clock_error_bound_ms`).
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

RECORD_SCHEMA = 1


class Outcome(StrEnum):
    """What became of a task. Only `booted` has durations."""

    BOOTED = "booted"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    NOT_LAZY = "not-lazy"
    CONTAMINATED = "contaminated"
    ABORTED = "aborted"
    FAILED = "failed"


class Frozen(BaseModel):
    """A value that is checked when made and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskTimes(Frozen):
    """Nanoseconds since the epoch, in the order in which they happen; what did not happen is `None`."""

    created_ns: int
    connected_ns: int | None = None
    pull_started_ns: int | None = None
    pull_stopped_ns: int | None = None
    started_ns: int | None = None
    ready_ns: int | None = None
    boot_started_ns: int | None = None
    boot_finished_ns: int | None = None


class TaskObservation(Frozen):
    """One task as an executor saw it, from its release to its stop."""

    task_id: str = Field(min_length=1, description="the task's ARN, unique in the whole store")
    image_digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    times: TaskTimes
    outcome: Outcome
    reason: str | None = Field(default=None, description="why it did not boot, in one line")
    snapshotter: str | None = Field(default=None, description="as the metadata endpoint told it")
    lazy_layers: int | None = Field(default=None, ge=0, description="FUSE-mounted layers seen in the lab")
    received_bytes: int | None = Field(default=None, ge=0, description="bytes that came over the task's network")
    clock_error_bound_ms: float | None = Field(default=None, ge=0)


class Round(Frozen):
    """One treatment at one task count, in its place in the plan; ``index`` counts through the whole plan from 0."""

    block: int = Field(ge=0)
    index: int = Field(ge=0)
    variant: str
    form: str
    task_count: int = Field(ge=1)


class HostLoad(Frozen):
    """How busy the measuring machine itself was while the round was measured: shares of wall time, 0 to 1."""

    cpu_pressure: float | None = Field(
        default=None, ge=0, description="PSI: some task waited for a CPU; None: not told"
    )
    steal: float | None = Field(default=None, ge=0, description="the hypervisor gave the CPU to somebody else")


class RoundObservation(Frozen):
    """A whole round: its tasks and what it cost to prepare and clear it, in seconds outside the measurement."""

    tasks: tuple[TaskObservation, ...]
    started_ns: int
    finished_ns: int
    prepare_seconds: float = Field(ge=0)
    clear_seconds: float = Field(ge=0)
    load: HostLoad = HostLoad()


class TaskRecord(Frozen):
    """One row of the store: which task of which round of which sweep, and what was observed."""

    sweep_id: str
    block: int
    round: int
    variant: str
    form: str
    task_count: int
    observation: TaskObservation
