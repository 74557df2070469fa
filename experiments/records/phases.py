"""The durations of a task's start in seconds, from its times. Pure.

    connect = connectivity - created        pull = pull stopped - pull started
    start   = started - created             ready = seen to be ready - created
    boot    = the task's own boot work finished - created

The names, and `created` as the start, are those of ECS's DescribeTasks. Only a task that booted has durations, as its
form promises or otherwise (`not-lazy`): a timeout must never look like a measurement.
"""

from __future__ import annotations

from typing import NamedTuple

from experiments.records.model import Outcome, RoundRecord, TaskObservation, TaskTimes
from kit.values import Frozen

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000
RESOLUTION_SECONDS = 0.001
"""ECS cuts its times to the millisecond; finer ones are worth no more, because threads take as long to note them."""
TIMED = (Outcome.BOOTED, Outcome.NOT_LAZY)
"""Outcomes of tasks that booted: their users waited that long, whether or not the image was loaded as promised."""


class Phase(NamedTuple):
    """A phase lies between two times, fields of `TaskTimes`; ``verb`` is what an image does in it."""

    begins: str
    ends: str
    verb: str
    depends_on_image: bool = True


PHASES = {
    "connect": Phase("created_ns", "connected_ns", "connects", depends_on_image=False),
    "pull": Phase("pull_started_ns", "pull_stopped_ns", "pulls"),
    "start": Phase("created_ns", "started_ns", "starts"),
    "ready": Phase("created_ns", "ready_ns", "is ready"),
    "boot": Phase("created_ns", "boot_finished_ns", "boots"),
}
"""Every phase, in order."""
COMPARED_PHASES = tuple(name for name, phase in PHASES.items() if phase.depends_on_image)
"""The phases in which forms are compared."""
PRIMARY_PHASES = ("boot", "ready")
"""What a sweep is for, in order of preference: the second where a workload has no boot of its own."""


class Durations(Frozen):
    """The phases of one start in seconds; `None` if not observed."""

    connect_seconds: float | None = None
    pull_seconds: float | None = None
    start_seconds: float | None = None
    ready_seconds: float | None = None
    boot_seconds: float | None = None

    def of(self, phase: str) -> float | None:
        """The duration of one of `PHASES`."""
        value: float | None = getattr(self, f"{phase}_seconds")
        return value


def durations(task: TaskObservation) -> Durations:
    """The durations of a task that booted; all `None` for any other."""
    if task.outcome not in TIMED:
        return Durations()
    seconds = {f"{name}_seconds": _seconds(task.times, phase) for name, phase in PHASES.items()}
    return Durations(**seconds)


def wall_seconds(record: RoundRecord) -> float:
    """Seconds that a round took, from no task to no task."""
    observation = record.observation
    measured = (observation.finished_ns - observation.started_ns) / NS_PER_SECOND
    return observation.prepare_seconds + measured + observation.clear_seconds


def _seconds(times: TaskTimes, phase: Phase) -> float | None:
    """Subtract as integers: a float cannot hold nanoseconds since the epoch."""
    earlier_ns: int | None = getattr(times, phase.begins)
    later_ns: int | None = getattr(times, phase.ends)
    if earlier_ns is None or later_ns is None:
        return None
    return (later_ns - earlier_ns) / NS_PER_SECOND
