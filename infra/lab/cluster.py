"""A lab in use: one edge, and for every round as many fresh hosts as it has tasks.

A cluster cleans up after itself and proves it. A killed one leaves a folder and cgroups (the kernel removes the rest
with the process); `clear_orphans` finds them by name and removes them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from infra.lab import cgroup, disturbances
from infra.lab.daemons import PullModes
from infra.lab.disturbances import Link
from infra.lab.edge import MAX_HOSTS, Edge
from infra.lab.host import Host, HostSpec
from infra.lab.metadata import Identity, MetadataService
from infra.lab.meter import Meter
from infra.lab.profiles import Profile
from infra.lab.protocol import LabTask
from infra.lab.spent import Sample, spent
from infra.lab.task import TaskLife
from kit.daemon import stop
from kit.errors import LabError
from kit.machine import clock, mountinfo, processes
from kit.machine.clock import Steady
from kit.paths import data_dir

GATE_SECONDS = 60.0
"""Threads that have only to meet are there at once, even on a machine that is short of CPU."""


def run_folder() -> Path:
    """Where the hosts of all labs of this user live while they run."""
    return data_dir() / "lab" / "run"


class Cluster:
    """Hosts for rounds; use `open`, then per round `lives` and `live`, and `close`."""

    def __init__(self, storage: Path, profile: Profile, platform: str) -> None:
        self.metered = True
        """Whether it samples what its tasks' seconds go into; off where nobody asks, and to check the sampling."""
        self.judged = True
        """Whether a task that was disturbed on its way counts for nothing; off where no time is measured."""
        self.meter_seconds = 0.0
        """CPU time that the sampling of the last round took."""
        self.name = processes.owner_name()
        self.folder = run_folder() / self.name
        self._storage, self._profile, self._platform = storage, profile, platform
        self._hierarchies = _hierarchies()
        # Namespaces die with the thread that made them, so these threads live as long as the cluster.
        self._pool = ThreadPoolExecutor(max_workers=MAX_HOSTS, thread_name_prefix="host")
        self._edges = 0
        self.hosts: list[Host] = []
        """The last ones, in the order of their tasks."""

    @classmethod
    def open(cls, storage: Path, profile: Profile, platform: str) -> Cluster:
        """Start the edge over a registry's storage; a failure leaves nothing behind."""
        cluster = cls(storage, profile, platform)
        try:
            atexit.register(cluster._abandon)  # Ctrl-C may come where nobody can close it any more, or not yet
            cluster.folder.mkdir(parents=True)
            cluster._open_edge()
        except BaseException:
            cluster._abandon()
            raise
        return cluster

    @contextmanager
    def lives(self, tasks: Sequence[LabTask], modes: PullModes) -> Iterator[list[TaskLife]]:
        """Each task on a fresh host, ready to live; the hosts are gone at the end of the block."""
        with self.fresh_hosts(len(tasks), modes) as hosts:
            yield [self.life(host, task) for host, task in zip(hosts, tasks, strict=True)]

    @contextmanager
    def fresh_hosts(self, count: int, modes: PullModes) -> Iterator[list[Host]]:
        """So many hosts, also in `hosts`, that nothing has run on; gone at the end of the block."""
        if self.edge.trouble():
            self._close_edge()
            self._open_edge()
        opening = [self._pool.submit(self._open_host, index, modes) for index in range(count)]
        try:
            self.hosts = [host.result() for host in opening]
            yield self.hosts
        finally:
            self._close_hosts(opening)

    def life(self, host: Host, task: LabTask) -> TaskLife:
        """A task on one of its hosts, known to the metadata endpoint."""
        profile = self._profile
        limits = (profile.vcpu, profile.memory_bytes, host.address)
        identity = Identity(task.task_arn, task.container_id, task.image, task.image_digest, *limits)
        self.metadata.register(identity, host.layers.snapshotter)
        return TaskLife(host, task, {"ECS_CONTAINER_METADATA_URI_V4": identity.uri})

    def live(self, lives: Sequence[TaskLife], watch: Callable[[], None]) -> None:
        """Release all tasks at once and wait for the last one; meanwhile call ``watch`` a few times a second.

        Each life's `run` holds what was observed, also after Ctrl-C, which kills every task first.
        """
        series: list[list[Sample]] = [[] for _ in lives]
        clock_before = clock.reading()
        if self.metered:
            pairs = zip(self.hosts, lives, strict=True)
            meter = Meter([host.gauges(lazy=life.task.lazy_layers > 0) for host, life in pairs])
            with meter.running():
                self._live(lives, watch)
            self.meter_seconds, series = meter.cpu_seconds, meter.series
        else:
            self._live(lives, watch)
        ended_ns, step = time.time_ns(), clock.step_between(clock_before, clock.reading())
        patience = disturbances.patience(len(lives), os.cpu_count() or 1)
        link = Link(self._profile.rate_bits_per_second, self._profile.round_trip_seconds, patience)
        for host, life, samples in zip(self.hosts, lives, series, strict=True):
            until_ns = life.run.end_ns or ended_ns
            if self.judged:
                heard = disturbances.told(host.exchanges(), samples, link, until_ns)
                if told := step or heard or host.layers.failed_reads(until_ns):
                    life.disturbed(told)
            if moments := life.run.life(life.task):
                life.run.spent = spent(samples, moments, self._profile.rate_bits_per_second, self._profile.vcpu)

    def _live(self, lives: Sequence[TaskLife], watch: Callable[[], None]) -> None:
        released: list[Steady] = []
        gate = threading.Barrier(len(lives), action=lambda: released.append(Steady.start()))

        def live(life: TaskLife) -> None:
            gate.wait(GATE_SECONDS)
            life.live(released[0])

        futures = [self._pool.submit(live, life) for life in lives]
        try:
            while wait(futures, timeout=0.2).not_done:
                watch()
                for host in self.hosts:
                    host.listen()
        except BaseException:
            for life in lives:
                life.abort()
            gate.abort()
            wait(futures)
            raise
        for future in futures:
            future.result()  # raises if a task's thread failed because of a bug

    def leftovers(self) -> list[str]:
        """Everything of this cluster that is still on the machine, one line each."""
        left = [f"cgroup {name}" for name in cgroup.groups(self._hierarchies) if name.split("/")[0] == self.name]
        left += [f"folder {self.folder}"] if self.folder.exists() else []
        left += [f"mount {mount.point}" for mount in mountinfo.of() if mount.point.is_relative_to(self.folder)]
        left += [f"process {pid}" for pid in self.processes()]
        return left

    def processes(self) -> list[int]:
        """Processes that work in this lab's folder: the daemons of its edge and hosts."""
        return processes.naming(f"{self.folder}/")

    def close(self) -> None:
        """End the edge; raises `LabError` that lists whatever is left on the machine."""
        self._close_edge()
        self._abandon()
        if left := self.leftovers():
            raise LabError(f"The lab left something behind: {'; '.join(left)}. `sociometer clean` removes it.")

    def _open_edge(self) -> None:
        self._edges += 1
        self.edge = self._pool.submit(
            Edge.open, self.folder / f"edge{self._edges}", self._storage, self._profile
        ).result()
        self.metadata = MetadataService(self.edge.sandbox)

    def _close_edge(self) -> None:
        self.metadata.close()
        self.edge.close()

    def _open_host(self, index: int, modes: PullModes) -> Host:
        folder = self.folder / f"h{index}"
        spec = HostSpec(index, self.name, folder, self._profile, self._platform, modes)
        return Host.open(spec, self.edge, self._hierarchies)

    def _close_hosts(self, opening: Sequence[Future[Host]]) -> None:
        wait(opening)
        hosts = [future.result() for future in opening if future.exception() is None]
        errors = [closing.exception() for closing in [self._pool.submit(host.close) for host in hosts]]
        if failed := [error for error in errors if error]:
            raise failed[0]

    def _abandon(self) -> None:
        self._pool.shutdown()
        for pid in self.processes():  # they die with their thread, which the kernel sees to a moment later
            with suppress(psutil.NoSuchProcess):
                stop(psutil.Process(pid))
        for name in cgroup.groups(self._hierarchies):
            if name.split("/")[0] == self.name:
                cgroup.TaskGroup(self._hierarchies, name).remove()
        cgroup.remove_cluster(self._hierarchies, self.name)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        atexit.unregister(self._abandon)


def clear_orphans() -> list[str]:
    """Remove what labs left behind whose process is gone; returns one line for each thing removed."""
    hierarchies = _hierarchies()
    removed = []
    for name in cgroup.groups(hierarchies):
        cluster = name.split("/")[0]
        if not processes.owner_is_alive(cluster):
            cgroup.TaskGroup(hierarchies, name).remove()
            cgroup.remove_cluster(hierarchies, cluster)
            removed.append(f"cgroup {name}")
    for folder in sorted(run_folder().glob("*")):
        if not processes.owner_is_alive(folder.name):
            shutil.rmtree(folder)
            removed.append(f"folder {folder}")
    return removed


def _hierarchies() -> mountinfo.Hierarchies:
    return mountinfo.Hierarchies.among(mountinfo.of())
