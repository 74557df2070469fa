"""What was observed: task and round records, frozen and checked when they are made.

Schema history: 1 — first version; 2 — what Fargate adds: `logged_ns`, `stopped_ns`, `Requests`, `ClockOffset`.
All times are nanoseconds since the epoch on one clock: in the lab that of its machine, on Fargate AWS's. A task's boot
times are on its own clock, whose error bound is recorded beside them (`clock_error_bound_ms`). On Fargate `ready`
happens at this machine, whose clock is another: it is moved to AWS's by the round's `ClockOffset`, whose error bound
is recorded too, and left out when that is above `MAX_OFFSET_ERROR_MS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from kit.values import Frozen

RECORD_SCHEMA = 2
MAX_OFFSET_ERROR_MS = 1000.0
"""Above it, a time is not moved from one clock to the other: a single dated answer tells the offset better."""


class Outcome(StrEnum):
    """What became of a task. Only `booted` has durations."""

    BOOTED = "booted"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    NOT_LAZY = "not-lazy"
    CONTAMINATED = "contaminated"
    ABORTED = "aborted"
    FAILED = "failed"


class RoundStatus(StrEnum):
    """What became of a round. Only the tasks of a `complete` round are measurements of its task count."""

    COMPLETE = "complete"
    CONTAMINATED = "contaminated"
    FAILED = "failed"
    ABORTED = "aborted"


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

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Times of one clock cannot run backwards; the boot times may come from another clock, so only their order
        among themselves is checked."""
        same_clock = (
            (self.created_ns, self.connected_ns),
            (self.created_ns, self.pull_started_ns, self.pull_stopped_ns),
            (self.created_ns, self.started_ns),
            (self.created_ns, self.ready_ns),
            (self.boot_started_ns, self.boot_finished_ns),
        )
        for times in same_clock:
            known = [time for time in times if time is not None]
            if any(later < earlier for earlier, later in pairwise(known)):
                raise ValueError(f"times run backwards: {known}")
        return self


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
    logged_ns: int | None = Field(default=None, description="its log's time stamp of its boot report")
    stopped_ns: int | None = Field(default=None, description="when it had stopped")

    @model_validator(mode="after")
    def _booted_means_seen(self) -> Self:
        if self.outcome is Outcome.BOOTED and self.times.ready_ns is None and self.times.boot_finished_ns is None:
            raise ValueError(f"task {self.task_id} counts as booted, but was neither ready nor done with its boot")
        return self


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


class ClockOffset(Frozen):
    """AWS's clock minus that of the machine that measured, during one round; the truth lies within ``error_ms``."""

    offset_ms: float
    error_ms: float = Field(ge=0)


class Requests(Frozen):
    """What it took to observe a round: requests sent to AWS, and to the load balancer; None: none were needed."""

    api_calls: int | None = Field(default=None, ge=0, description="to AWS, those sent again included")
    api_retries: int | None = Field(default=None, ge=0, description="sent again: throttled, failed or lost")
    balancer_gets: int | None = Field(default=None, ge=0, description="to the load balancer")
    balancer_in_vain: int | None = Field(default=None, ge=0, description="no report of a task of this round came back")


class RoundObservation(Frozen):
    """A whole round: its tasks and what it cost to prepare and clear it, in seconds outside the measurement."""

    tasks: tuple[TaskObservation, ...]
    started_ns: int
    finished_ns: int
    prepare_seconds: float = Field(ge=0)
    clear_seconds: float = Field(ge=0)
    load: HostLoad = HostLoad()
    requests: Requests = Requests()
    clock: ClockOffset | None = Field(default=None, description="None: there is one clock, or it is not known")


class RoundRecord(Frozen):
    """One attempt at a round, as it lies in the store; ``attempt`` counts from 1."""

    sweep_id: str
    round: Round
    attempt: int = Field(ge=1)
    status: RoundStatus
    reason: str | None = Field(default=None, description="why the round is not complete, in one line")
    observation: RoundObservation

    def tasks(self) -> tuple[TaskRecord, ...]:
        """One record per task that was seen."""
        return tuple(self._task(observation) for observation in self.observation.tasks)

    def _task(self, observation: TaskObservation) -> TaskRecord:
        return TaskRecord(
            sweep_id=self.sweep_id,
            block=self.round.block,
            round=self.round.index,
            attempt=self.attempt,
            round_status=self.status,
            variant=self.round.variant,
            form=self.round.form,
            task_count=self.round.task_count,
            observation=observation,
        )


class TaskRecord(Frozen):
    """Which task of which round of which sweep, and what was observed."""

    sweep_id: str
    block: int
    round: int
    attempt: int = 1
    round_status: RoundStatus = RoundStatus.COMPLETE
    variant: str
    form: str
    task_count: int
    observation: TaskObservation


def round_status(tasks: Sequence[TaskObservation]) -> RoundStatus:
    """The status that a round's tasks give it; a round without any task has failed."""
    outcomes = {task.outcome for task in tasks}
    if Outcome.ABORTED in outcomes:
        return RoundStatus.ABORTED
    if not outcomes or Outcome.FAILED in outcomes:
        return RoundStatus.FAILED
    if Outcome.CONTAMINATED in outcomes:
        return RoundStatus.CONTAMINATED
    return RoundStatus.COMPLETE
