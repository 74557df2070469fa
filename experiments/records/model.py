"""Task and round records: frozen, and validated when they are created.

Schema history: 1 — first version; 2 — adds `logged_ns`, `stopped_ns`, `Requests` and `ClockOffset` for Fargate; 3 —
adds `Spent` for the lab.
All times are nanoseconds since the epoch on one clock: the machine's in the lab, AWS's on Fargate. A task's boot times
are on its own clock, and its error bound is recorded with them (`clock_error_bound_ms`). On Fargate, `ready` is seen by
the measuring machine. The round's `ClockOffset` converts it to AWS's clock; the offset's error bound is recorded too.
If that exceeds `MAX_OFFSET_ERROR_MS`, `ready` is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from kit.values import Frozen

RECORD_SCHEMA = 3
MAX_OFFSET_ERROR_MS = 1000.0
"""Above it, a time is not converted between clocks: a single dated answer gives a better offset."""


class Outcome(StrEnum):
    """How a task ended. A `not-lazy` task has booted, too, but without the lazy loading that its form promises."""

    BOOTED = "booted"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    NOT_LAZY = "not-lazy"
    CONTAMINATED = "contaminated"
    ABORTED = "aborted"
    FAILED = "failed"


class RoundStatus(StrEnum):
    """How a round ended. Only the tasks of a `complete` round are measurements of its task count."""

    COMPLETE = "complete"
    CONTAMINATED = "contaminated"
    FAILED = "failed"
    ABORTED = "aborted"


class TaskTimes(Frozen):
    """Nanoseconds since the epoch, in chronological order; `None` if the event did not happen."""

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
        """Times on one clock cannot run backwards. The boot times may be on another clock, so they are compared only
        with each other."""
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


class Spent(Frozen):
    """What a task's seconds went into, from its release until its boot work was done, or until it was ready where it
    has none. The lab samples it; nothing of it can be seen on Fargate.

    Of the pull: wire + unpack + mount; mount also has the container's start. CPU times may add up to more than the time
    that passes, where several threads run at once.
    """

    wire_seconds: float | None = Field(
        default=None, ge=0, description="of the pull: its bytes at the link's rate; None: the link has no rate"
    )
    unpack_seconds: float = Field(ge=0, description="of the pull: unpacking layers, without the wire")
    mount_seconds: float = Field(ge=0, description="mounting lazy layers and the root, and starting the container")
    span_wait_seconds: float = Field(ge=0, description="the container waited for a lazy layer, and for nothing else")
    cpu_seconds: float = Field(ge=0, description="CPU time of the container")
    quota_seconds: float = Field(ge=0, description="the container could run, and its CPU quota kept it from that")
    containerd_seconds: float = Field(ge=0, description="CPU time of containerd")
    snapshotter_seconds: float = Field(ge=0, description="CPU time of the soci-snapshotter")
    started_bytes: int = Field(ge=0, description="received until the container ran")
    ready_bytes: int = Field(ge=0, description="received until the end")
    sample_gap_seconds: float = Field(ge=0, description="longest time without a look while the container ran")


class TaskObservation(Frozen):
    """One task as the executor saw it, from release to stop."""

    task_id: str = Field(min_length=1, description="the task's ARN, unique in the whole store")
    image_digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    times: TaskTimes
    outcome: Outcome
    reason: str | None = Field(default=None, description="why it did not boot, or that it was late, in one line")
    snapshotter: str | None = Field(default=None, description="as reported by the metadata endpoint")
    lazy_layers: int | None = Field(default=None, ge=0, description="FUSE-mounted layers; lab only")
    received_bytes: int | None = Field(default=None, ge=0, description="bytes received over the task's network")
    clock_error_bound_ms: float | None = Field(default=None, ge=0)
    logged_ns: int | None = Field(default=None, description="timestamp of its boot report in the log")
    stopped_ns: int | None = Field(default=None, description="when it had stopped")
    spent: Spent | None = Field(default=None, description="None: not observed")

    @model_validator(mode="after")
    def _booted_means_seen(self) -> Self:
        if self.outcome is Outcome.BOOTED and self.times.ready_ns is None and self.times.boot_finished_ns is None:
            raise ValueError(f"task {self.task_id} counts as booted but was neither ready nor done booting")
        return self


class Round(Frozen):
    """One treatment at one task count. ``index`` is its position in the whole plan, from 0."""

    block: int = Field(ge=0)
    index: int = Field(ge=0)
    variant: str
    form: str
    task_count: int = Field(ge=1)


class HostLoad(Frozen):
    """How busy the measuring machine was during the measurement: shares of wall time, 0 to 1; `None`: unknown."""

    cpu_pressure: float | None = Field(default=None, ge=0, description="PSI: some process waited for a CPU")
    steal: float | None = Field(default=None, ge=0, description="the hypervisor gave the CPU to another machine")


class ClockOffset(Frozen):
    """AWS's clock minus the measuring machine's during one round, accurate to within ``error_ms``."""

    offset_ms: float
    error_ms: float = Field(ge=0)


class Requests(Frozen):
    """The requests needed to observe a round. `None`: the target needs no such requests."""

    api_calls: int | None = Field(default=None, ge=0, description="to AWS, including retries")
    api_retries: int | None = Field(default=None, ge=0, description="retried: throttled, failed or lost")
    balancer_gets: int | None = Field(default=None, ge=0, description="to the load balancer")
    balancer_in_vain: int | None = Field(default=None, ge=0, description="that no task of this round answered")


class RoundObservation(Frozen):
    """A whole round: its tasks, and the seconds spent outside the measurement to prepare and clear it."""

    tasks: tuple[TaskObservation, ...]
    started_ns: int
    finished_ns: int
    prepare_seconds: float = Field(ge=0)
    clear_seconds: float = Field(ge=0)
    load: HostLoad = HostLoad()
    requests: Requests = Requests()
    clock: ClockOffset | None = Field(default=None, description="None: one clock only, or an unknown offset")


class RoundRecord(Frozen):
    """One attempt at a round, as stored; ``attempt`` counts from 1."""

    sweep_id: str
    round: Round
    attempt: int = Field(ge=1)
    status: RoundStatus
    reason: str | None = Field(default=None, description="why the round is not complete, in one line")
    observation: RoundObservation

    def tasks(self) -> tuple[TaskRecord, ...]:
        """One record per observed task."""
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
    """What was observed of a task, with its sweep and round."""

    sweep_id: str
    block: int
    round: int
    attempt: int = 1
    round_status: RoundStatus = RoundStatus.COMPLETE
    variant: str
    form: str
    task_count: int
    observation: TaskObservation


def round_status(tasks: Sequence[TaskObservation], task_count: int | None = None) -> RoundStatus:
    """The status of a round with these tasks; a round without tasks has failed.

    ``task_count`` is how many it should have (None: these): with fewer it has failed, with more it was disturbed.
    """
    outcomes = {task.outcome for task in tasks}
    if Outcome.ABORTED in outcomes:
        return RoundStatus.ABORTED
    if not outcomes or Outcome.FAILED in outcomes:
        return RoundStatus.FAILED
    if Outcome.CONTAMINATED in outcomes:
        return RoundStatus.CONTAMINATED
    if task_count is not None and len(tasks) != task_count:
        return RoundStatus.FAILED if len(tasks) < task_count else RoundStatus.CONTAMINATED
    return RoundStatus.COMPLETE
