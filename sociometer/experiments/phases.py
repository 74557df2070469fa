"""Durations of a task's start, in seconds, from its times. Pure.

    connect = connectivity - created        pull = pull stopped - pull started
    start   = started - created             ready = first HTTP 200 - created
    boot    = the task's own boot work finished - created

The names and the start of the clock (`created`) are those of ECS's DescribeTasks. Only a booted task has durations:
a time-out must never look like a measurement.
"""

from __future__ import annotations

from sociometer.experiments.records import Frozen, Outcome, TaskObservation

NS_PER_SECOND = 1_000_000_000
PHASES = ("connect", "pull", "start", "ready", "boot")


class Durations(Frozen):
    """The phases of one start in seconds; what was not observed is `None`."""

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
    times = task.times
    return Durations(
        connect_seconds=_seconds(times.created_ns, times.connected_ns),
        pull_seconds=_seconds(times.pull_started_ns, times.pull_stopped_ns),
        start_seconds=_seconds(times.created_ns, times.started_ns),
        ready_seconds=_seconds(times.created_ns, times.ready_ns),
        boot_seconds=_seconds(times.created_ns, times.boot_finished_ns),
    )


def _seconds(earlier_ns: int | None, later_ns: int | None) -> float | None:
    """Subtracted as integers first: a float cannot hold nanoseconds since the epoch."""
    if earlier_ns is None or later_ns is None:
        return None
    return (later_ns - earlier_ns) / NS_PER_SECOND
