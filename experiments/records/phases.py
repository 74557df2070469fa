"""The durations of a task's start in seconds, from its times. Pure.

    connect = connectivity - created        pull = pull stopped - pull started
    start   = started - created             ready = first HTTP 200 - created
    boot    = the task's own boot work finished - created

The names, and `created` as the start, are those of ECS's DescribeTasks. Only a booted task has durations: a timeout
must never look like a measurement.
"""

from __future__ import annotations

from experiments.records.model import Outcome, TaskObservation, TaskTimes
from kit.values import Frozen

NS_PER_SECOND = 1_000_000_000
BOUNDS = {
    "connect": ("created_ns", "connected_ns"),
    "pull": ("pull_started_ns", "pull_stopped_ns"),
    "start": ("created_ns", "started_ns"),
    "ready": ("created_ns", "ready_ns"),
    "boot": ("created_ns", "boot_finished_ns"),
}
"""The start and end of each phase, as names of `TaskTimes`."""
PHASES = tuple(BOUNDS)


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
    """The durations of a booted task; all `None` for any other."""
    if task.outcome is not Outcome.BOOTED:
        return Durations()
    return Durations(**{f"{phase}_seconds": _seconds(task.times, *bounds) for phase, bounds in BOUNDS.items()})


def _seconds(times: TaskTimes, earlier: str, later: str) -> float | None:
    """Subtract as integers: a float cannot hold nanoseconds since the epoch."""
    earlier_ns: int | None = getattr(times, earlier)
    later_ns: int | None = getattr(times, later)
    if earlier_ns is None or later_ns is None:
        return None
    return (later_ns - earlier_ns) / NS_PER_SECOND


NS_PER_MS = 1_000_000
