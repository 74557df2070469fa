"""Draws the lives of a round's tasks: log-normal durations around the parameters' medians, the same for the same seed.

Tasks of one round share the round's effect and rounds of one block the block's, so tasks within a round are
correlated as they are on a cloud: a round of 100 tasks is not 100 independent measurements.
"""

from __future__ import annotations

import math
import secrets
from random import Random

from experiments.executors.simulation.failures import Kind
from experiments.executors.simulation.parameters import Parameters
from experiments.executors.simulation.task import SimulatedTask, Stop, Treatment
from experiments.records.model import Round
from experiments.records.phases import NS_PER_SECOND

PARTS = ("provision", "pull", "boot")
"""Each has random effects of its own: ECS, the registry with the network, and the task's CPU."""
NS_PER_MS = 1_000_000
EARLY_SHARE = 0.5
"""A container that exits early does so after this share of its boot work."""
REPLACED_SECONDS = 5.0
"""A task that is going to be replaced is stopped this long after its boot."""
PULL_ERROR_SECONDS = 1.0


class RoundDraw:
    """Draws the tasks of one attempt at a round."""

    def __init__(self, parameters: Parameters, seed: int, round_: Round, attempt: int) -> None:
        self._parameters = parameters
        self._random = Random(f"{seed}/{round_.index}/{attempt}")  # noqa: S311 - reproducible times, not secrets
        block = Random(f"{seed}/block/{round_.block}")  # noqa: S311
        noise = parameters.noise
        self._effects = {
            part: block.gauss(0, 1) * noise.block + self._random.gauss(0, 1) * noise.round for part in PARTS
        }

    def task(self, treatment: Treatment, number: int, created_ns: int, fate: frozenset[Kind]) -> SimulatedTask:
        """A task that is created at ``created_ns``, with everything that is going to happen to it."""
        lazy = treatment.lazy and Kind.NOT_LAZY not in fate
        bound_ns = self._parameters.clock_error_bound_ms * NS_PER_MS
        task = SimulatedTask(
            arn=f"{treatment.stack.cluster.replace(':cluster/', ':task/')}/{secrets.token_hex(16)}",
            number=number,
            rank=self._random.random(),
            treatment=treatment,
            fate=fate,
            snapshotter="soci" if lazy else "overlayfs",
            clock_error_ns=round(self._random.uniform(-bound_ns, bound_ns)),
            clock_error_bound_ms=self._parameters.clock_error_bound_ms,
            created_ns=created_ns,
        )
        self._start(task, lazy=lazy)
        self._boot(task, lazy=lazy)
        self._end(task)
        return task

    def _start(self, task: SimulatedTask, *, lazy: bool) -> None:
        numbers = self._parameters
        connected_ns = task.created_ns + self._ns("provision", numbers.connect_seconds)
        pull_started_ns = connected_ns + self._ns("provision", numbers.prepare_seconds)
        whole = whole_pull_seconds(numbers, task.treatment.workload.image_bytes, task.treatment.delivered_bytes)
        pull = numbers.lazy_pull_seconds if lazy else whole
        task.connected_ns, task.pull_started_ns = connected_ns, pull_started_ns
        if Kind.CANNOT_PULL in task.fate:
            return
        task.pull_stopped_ns = pull_started_ns + self._ns("pull", pull)
        task.started_ns = task.pull_stopped_ns + self._ns("provision", numbers.start_seconds)

    def _boot(self, task: SimulatedTask, *, lazy: bool) -> None:
        if task.started_ns is None or Kind.STUCK in task.fate:
            return
        numbers, workload = self._parameters, task.treatment.workload
        vcpu = task.treatment.stack.cpu_units / 1024
        task.ready_ns = task.started_ns + self._ns("boot", numbers.ready_seconds)
        task.healthy_ns = task.ready_ns + self._ns("provision", numbers.register_seconds)
        task.boot_started_ns = task.started_ns + self._ns("boot", numbers.begin_seconds)
        seconds = boot_seconds(numbers, workload.read_bytes, vcpu, lazy=lazy)
        task.boot_finished_ns = task.boot_started_ns + self._ns("boot", seconds)
        if Kind.NO_REPORT not in task.fate:
            task.ingested_ns = task.boot_finished_ns + round(
                self._random.uniform(0, numbers.log_seconds) * NS_PER_SECOND
            )

    def _end(self, task: SimulatedTask) -> None:
        """How its fate ends it, unless it is scaled down first."""
        if Kind.CANNOT_PULL in task.fate and task.pull_started_ns is not None:
            failed_ns = task.pull_started_ns + round(PULL_ERROR_SECONDS * NS_PER_SECOND)
            reason = (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
                f"{task.treatment.image}: not found"
            )
            task.stop = self.stop(failed_ns, failed_ns, "TaskFailedToStart", reason)
        elif Kind.STOPPED_EARLY in task.fate and task.boot_started_ns is not None and task.boot_finished_ns is not None:
            exit_ns = task.boot_started_ns + round((task.boot_finished_ns - task.boot_started_ns) * EARLY_SHARE)
            task.stop = self.stop(exit_ns, exit_ns, "EssentialContainerExited", "Essential container in task exited")
            task.stop.exit_code = 1
        elif Kind.REPLACED in task.fate and task.boot_finished_ns is not None:
            asked_ns = task.boot_finished_ns + round(REPLACED_SECONDS * NS_PER_SECOND)
            reason = f"Task failed ELB health checks in (target-group {task.treatment.service.target_group})"
            task.stop = self.stop(asked_ns, self.killed_ns(asked_ns), "ServiceSchedulerInitiated", reason)

    def stop(self, asked_ns: int, killed_ns: int, code: str, reason: str) -> Stop:
        """A stop whose container ends at ``killed_ns``."""
        stopped_ns = killed_ns + self._ns("provision", self._parameters.deprovision_seconds)
        return Stop(asked_ns, killed_ns, stopped_ns, code, reason)

    def killed_ns(self, asked_ns: int) -> int:
        """When the container of a task that serves requests ends: they are drained first."""
        drained_ns = asked_ns + round(self._parameters.deregister_seconds * NS_PER_SECOND)
        return drained_ns + self._ns("provision", self._parameters.kill_seconds)

    def _ns(self, part: str, median_seconds: float) -> int:
        noise = self._effects[part] + self._random.gauss(0, 1) * self._parameters.noise.task
        return round(median_seconds * math.exp(noise) * NS_PER_SECOND)


def whole_pull_seconds(parameters: Parameters, image_bytes: int, delivered_bytes: int | None = None) -> float:
    """How long the pull of a whole image takes: over the wire, and unpacking it.

    ``delivered_bytes`` are on the wire where its layers are compressed in another way; unpacking is taken to cost the
    same (an assumption: it is mostly writing).
    """
    more_bytes = 0 if delivered_bytes is None else delivered_bytes - image_bytes
    own = image_bytes * (8 / parameters.rate_bits_per_second + parameters.unpack_seconds_per_byte)
    return own + more_bytes * 8 / parameters.rate_bits_per_second


def boot_seconds(parameters: Parameters, read_bytes: int, vcpu: float, *, lazy: bool) -> float:
    """How long the boot's own work takes: hashing, and with lazy loading, reading over the wire at the same time."""
    hashing = read_bytes * parameters.hash_cpu_seconds_per_byte / vcpu
    if not lazy:
        return hashing
    wire = read_bytes * 8 / parameters.rate_bits_per_second
    return max(wire, hashing) + read_bytes * parameters.lazy_read_seconds_per_byte
