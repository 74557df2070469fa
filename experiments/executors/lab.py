"""The lab as an executor: turns a round of a plan into lab tasks, and what the lab saw into task observations."""

from __future__ import annotations

import os
import platform
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from experiments.executors.protocol import RoundAborted
from experiments.records.model import HostLoad, Outcome, Round, RoundObservation, Spent, TaskObservation, TaskTimes
from infra import readiness
from infra.forms import is_lazy
from infra.lab import mounts, registry
from infra.lab.cluster import Cluster, clear_orphans, run_folder
from infra.lab.container_spec import Container
from infra.lab.daemons import PullModes
from infra.lab.edge import MAX_HOSTS, REGISTRY
from infra.lab.profiles import Profile
from infra.lab.profiles import profile as profile_named
from infra.lab.protocol import LabTask, TaskRun
from infra.lab.task import TaskLife
from infra.outputs import StackOutputs, TreatmentOutput, VariantOutput
from kit.errors import LabError, MachineError, SettingsError, StackError
from kit.machine import load
from kit.machine.clock import Steady
from kit.machine.doctor import require_lab
from kit.toolchain import toolbox
from kit.values import Notify

HOST_OVERHEAD_BYTES = 300 * 2**20
"""Memory of one host's containerd, snapshotter and shim beside its task, rounded up."""
DISK_RESERVE_BYTES = 2**30
"""Disk that a sweep leaves free."""
PULL_COPIES = 2.2
"""Disk per image byte on a host that pulls whole: the compressed layers, the unpacked ones, and some more."""


class LabExecutor:
    """Runs rounds in the lab on this machine; see `experiments.executors.protocol.Executor`."""

    def __init__(self, outputs: StackOutputs, *, profile: str, timeout_seconds: float) -> None:
        if outputs.registry_storage is None:
            raise StackError(f"The stack's target is {outputs.target}: its registry is not on this machine.")
        self._outputs = outputs
        self._storage = Path(outputs.registry_storage)
        self._profile = profile_named(profile)
        self._timeout_seconds = timeout_seconds
        self._cluster: Cluster | None = None

    def key_metadata(self) -> dict[str, str]:
        """Target, profile with its numbers, platform, tool versions and machine."""
        numbers = self._profile.model_dump(exclude={"name", "sources"})
        return {
            "target": "lab",
            "profile": self._profile.name,
            **{f"profile.{key}": str(value) for key, value in numbers.items()},
            "platform": self._outputs.platform,
            **{f"tool.{name}": version for name, version in toolbox.versions().items()},
            **_machine(),
        }

    def check(self, rounds: Sequence[Round]) -> None:
        """Raise `MachineError` when this machine cannot run these rounds: rights, hosts, memory, disk, platform."""
        require_lab()
        most = max((round_.task_count for round_ in rounds), default=0)
        if most > MAX_HOSTS:
            raise SettingsError(f"The lab runs at most {MAX_HOSTS} tasks at once; the plan has a round of {most}.")
        _check_platform(self._outputs.platform)
        for round_ in {(each.variant, each.form): each for each in rounds}.values():
            self.tasks(round_)
        _check_cores(self._profile)
        _check_memory(most, self._profile.memory_bytes)
        _check_disk(max((self._disk_bytes(round_) for round_ in rounds), default=0))

    def run_round(self, round_: Round, notify: Notify) -> RoundObservation:
        """Provision a host per task, release them together, watch them boot, and clear everything."""
        if self._cluster is None:
            raise LabError("The lab is not open: use the executor as a context manager.")
        return _RoundRun(self._cluster, round_, self.tasks(round_), notify).run()

    def __enter__(self) -> Self:
        clear_orphans()
        cluster = Cluster.open(self._storage, self._profile, self._outputs.platform)
        try:
            _warm(self._storage)
        except BaseException:  # Ctrl-C, while it reads for seconds
            cluster.close()
            raise
        self._cluster = cluster
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def tasks(self, round_: Round) -> list[LabTask]:
        """The tasks of a round; they differ in their ids alone."""
        variant, treatment = self._treatment(round_)
        lazy = is_lazy(treatment.form)
        parallel = PullModes.of(treatment.form).parallel is not None
        config = registry.image_config(self._storage, treatment.image_digest)
        ready = readiness.of_image(variant, config)
        return [
            LabTask(
                task_arn=f"arn:lab:ecs:local:000000000000:task/sociometer/{unique}",
                container_id=unique,
                image=treatment.image.replace(self._outputs.registry, REGISTRY, 1),
                image_digest=treatment.image_digest,
                snapshotter=mounts.SOCI if lazy or parallel else mounts.OVERLAYFS,
                lazy_layers=len(treatment.ztocs) if lazy else 0,
                container=Container(config, variant.container),
                ready=ready,
                has_boot_report=variant.boot_report,
                timeout_seconds=self._timeout_seconds,
                prefetched_layers=len({each.digest for each in treatment.prefetch}),
                parallel_layers=len(set(config.diff_ids)) if parallel else 0,
            )
            for unique in (uuid.uuid4().hex for _ in range(round_.task_count))
        ]

    def _treatment(self, round_: Round) -> tuple[VariantOutput, TreatmentOutput]:
        try:
            variant = self._outputs.variants[round_.variant]
            return variant, variant.treatments[round_.form]
        except KeyError:
            raise StackError(f"The stack has no {round_.variant} image in the form {round_.form}.") from None

    def _disk_bytes(self, round_: Round) -> int:
        variant, treatment = self._treatment(round_)
        copies = 1.0 if is_lazy(treatment.form) else PULL_COPIES
        size = max(variant.image_bytes, treatment.delivered_bytes or 0)
        return round(size * copies) * round_.task_count


class _RoundRun:
    """One round on its way from no task to no task."""

    def __init__(self, cluster: Cluster, round_: Round, tasks: Sequence[LabTask], notify: Notify) -> None:
        self._cluster, self._round, self._tasks, self._notify = cluster, round_, tasks, notify
        self._lives: list[TaskLife] = []
        self._said = ""
        self._load = HostLoad()
        self._began = self._prepared = self._measured = time.monotonic()
        self._finished_ns = 0

    def run(self) -> RoundObservation:
        self._notify("preparing")
        try:
            with self._cluster.lives(self._tasks, PullModes.of(self._round.form)) as lives:
                self._lives = lives
                self._measure()
                self._notify("clearing")
        except KeyboardInterrupt as interrupt:
            if seen := [life for life in self._lives if life.run.created_ns]:
                raise RoundAborted(self._observation(seen)) from interrupt
            raise
        return self._observation(self._lives)

    def _measure(self) -> None:
        self._prepared = time.monotonic()
        before, clock = load.sample(), Steady.start()
        try:
            self._cluster.live(self._lives, self._tell)
        finally:
            after = load.sample()
            self._load = HostLoad(cpu_pressure=load.cpu_pressure(before, after), steal=load.steal(before, after))
            self._measured, self._finished_ns = time.monotonic(), clock.now_ns()

    def _tell(self) -> None:
        phases = Counter(life.run.phase for life in self._lives)
        said = ", ".join(f"{phase} {count}/{len(self._lives)}" for phase, count in phases.items())
        if said != self._said:
            self._said = said
            self._notify(said)

    def _observation(self, lives: Sequence[TaskLife]) -> RoundObservation:
        return RoundObservation(
            tasks=tuple(_observed(life.task, life.run) for life in lives),
            started_ns=min(life.run.created_ns for life in lives),
            finished_ns=self._finished_ns,
            prepare_seconds=self._prepared - self._began,
            clear_seconds=time.monotonic() - self._measured,
            load=self._load,
        )


def _observed(task: LabTask, run: TaskRun) -> TaskObservation:
    times = {name: getattr(run, name) for name in TaskTimes.model_fields}
    return TaskObservation(
        task_id=task.task_arn,
        image_digest=task.image_digest,
        times=TaskTimes(**times),
        outcome=Outcome(run.ending.value),
        reason=run.reason,
        snapshotter=run.snapshotter,
        lazy_layers=run.lazy_layers,
        received_bytes=run.received_bytes,
        clock_error_bound_ms=run.clock_error_bound_ms,
        spent=None if run.spent is None else Spent.model_validate(asdict(run.spent)),
    )


def _machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "machine.cpu": models[0] if models else platform.machine(),
        "machine.cpus": str(os.cpu_count()),
        "machine.kernel": platform.release(),
    }


def _check_platform(wanted: str) -> None:
    own = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(platform.machine())
    if wanted != own:
        raise MachineError(f"The images are for {wanted}, this machine runs {own}: the lab does not emulate.")


def _check_cores(profile: Profile) -> None:
    cores = os.cpu_count() or 1
    if profile.vcpu > cores:
        raise MachineError(
            f"A task of profile {profile.name} has {profile.vcpu:g} vCPU, this machine has {cores}: it would be "
            "measured with fewer. Choose a smaller vcpu."
        )


def _check_memory(tasks: int, task_bytes: int) -> None:
    needed = tasks * (task_bytes + HOST_OVERHEAD_BYTES)
    free = psutil.virtual_memory().available
    if needed > free:
        raise MachineError(f"{tasks} tasks at once need {_gib(needed)} of memory; {_gib(free)} are available.")


def _check_disk(needed: int) -> None:
    place = run_folder()
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if needed + DISK_RESERVE_BYTES > free:
        raise MachineError(
            f"The largest round needs {_gib(needed + DISK_RESERVE_BYTES)} of disk at {place}; {_gib(free)} are free. "
            "Free some, or run fewer tasks at once."
        )


def _warm(storage: Path) -> None:
    """Read the registry's blobs once, so that the first round does not pay for a cold disk that the others do not."""
    for blob in (storage / "docker" / "registry" / "v2" / "blobs").rglob("data"):
        with blob.open("rb") as data:
            while data.read(2**22):
                pass


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
