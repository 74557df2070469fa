"""What a task in the lab is, what was observed of it, and what it needs of its host."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from infra.lab.container_spec import Container
from infra.lab.probe import Answer
from infra.lab.snapshotter_log import Loading
from infra.lab.spent import Life, Spent
from infra.readiness import Ready


class Ending(StrEnum):
    """How a lab task ended, in the words of the task records."""

    BOOTED = "booted"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    NOT_LAZY = "not-lazy"
    CONTAMINATED = "contaminated"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True)
class LabTask:
    """An image on the edge's registry to run, and what to expect of it.

    ``parallel_layers`` are pulled whole by the soci-snapshotter; of ``prefetched_layers`` a part is fetched early.
    """

    task_arn: str
    container_id: str
    image: str
    image_digest: str
    snapshotter: str
    lazy_layers: int
    container: Container
    ready: Ready
    has_boot_report: bool
    timeout_seconds: float
    prefetched_layers: int = 0
    parallel_layers: int = 0


@dataclass
class TaskRun:
    """What was observed of a task. Times are ns since the epoch, None for what did not happen."""

    created_ns: int
    connected_ns: int | None = None
    pull_started_ns: int | None = None
    pull_stopped_ns: int | None = None
    started_ns: int | None = None
    ready_ns: int | None = None
    boot_started_ns: int | None = None
    boot_finished_ns: int | None = None
    ending: Ending = Ending.FAILED
    reason: str | None = None
    snapshotter: str | None = None
    lazy_layers: int | None = None
    received_bytes: int | None = None
    clock_error_bound_ms: float | None = None
    spent: Spent | None = None
    phase: str = field(default="created", compare=False)

    @property
    def end_ns(self) -> int | None:
        """When its work was done: what happens later disturbs no measurement. None unless it was done."""
        return self.boot_finished_ns or self.ready_ns

    def life(self, task: LabTask) -> Life | None:
        """Its moments until its work was done, to account for its seconds; None unless it booted."""
        end_ns = self.boot_finished_ns if task.has_boot_report else self.ready_ns
        if self.ending is not Ending.BOOTED or end_ns is None:
            return None
        times = (self.pull_started_ns, self.pull_stopped_ns, self.started_ns)
        begun, pulled, started = (end_ns if time is None else min(time, end_ns) for time in times)
        layers = len(set(task.container.config.diff_ids))
        mixed = 0 < task.lazy_layers < layers
        return Life(self.created_ns, begun, pulled, started, end_ns, lazy=task.lazy_layers > 0, mixed=mixed)


@dataclass(frozen=True)
class End:
    """How a container ended: its exit code (None: unknown); if the kernel killed it for memory, the limit in bytes."""

    exit_code: int | None
    memory_limit: int | None = None


class TaskLayers(Protocol):
    """What a task needs to know of its image's layers; `infra.lab.layers.HostLayers` are the real ones."""

    def snapshotter(self) -> str | None:
        """Where the container's root comes from: see `mounts.snapshotter`."""

    def lazy(self) -> int:
        """How many are lazy now."""

    def loading(self) -> Loading:
        """What the soci-snapshotter did beside lazy loading."""

    def why_not_lazy(self) -> str:
        """Which ones were not loaded lazily, and why, in a sentence; empty when nothing is known."""


class TaskHost(Protocol):
    """What a task needs of its host; `infra.lab.host.Host` is the real one."""

    @property
    def layers(self) -> TaskLayers:
        """The layers under its container."""

    def reaches_registry(self) -> bool:
        """Whether a connection to the registry can be opened."""

    def pull(self, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        """Pull the image; raises `SociometerError`, `ImageAtFault` where another attempt would end the same."""

    def start(self, task: LabTask, environment: dict[str, str]) -> None:
        """Start the task's container; raises as `pull` does."""

    def look(self, task: LabTask) -> Answer:
        """Whether the task is ready now, and what was seen; not for readiness by its end."""

    def boot_report(self, port: int) -> bytes | None:
        """What the task answers when it is asked for its boot report; None while it does not."""

    def has_stopped(self) -> bool:
        """Whether no process of the container is left."""

    def end(self, container_id: str) -> End:
        """How the container that has stopped ended."""

    def killed_for_memory(self) -> int | None:
        """The memory limit in bytes, if the kernel has killed a process of the container because of it."""

    def received_bytes(self) -> int:
        """Bytes received over the network so far."""

    def trouble(self) -> str | None:
        """Which daemon has ended, and how; None while all run."""

    def last_words(self) -> str:
        """The end of what the container printed."""

    def kill(self) -> None:
        """Kill everything on the host, now."""
