"""Control groups of lab tasks: a CPU share and a memory limit, on cgroup v1 or v2.

Every group lies below one folder of ours, `PARENT`, so that our orphans are not confused with other programs' groups.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kit.errors import LabError
from kit.machine.mountinfo import Hierarchies

PARENT = "sociometer"
PERIOD_MICROSECONDS = 100_000
"""The kernel's default length of one CPU accounting period; a quota is this times the CPU share."""
REMOVE_SECONDS = 10.0


@dataclass(frozen=True)
class TaskGroup:
    """One task's group, ``sociometer/<name>``; containers go into its child `container_path`."""

    hierarchies: Hierarchies
    name: str

    @property
    def container_path(self) -> str:
        """The group that the runtime is told to put the container into; this group's limits hold for it."""
        return f"/{PARENT}/{self.name}/task"

    def create(self, vcpu: float, memory_bytes: int) -> None:
        """Make the group with a CPU share in vCPUs and a memory limit in bytes."""
        quota = round(vcpu * PERIOD_MICROSECONDS)
        cpu, memory = (root / PARENT / self.name for root in (self.hierarchies.cpu, self.hierarchies.memory))
        _make(cpu)
        _make(memory)
        if self.hierarchies.unified:
            self._delegate()
            (cpu / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
            (memory / "memory.max").write_text(str(memory_bytes))
        else:
            (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (cpu / "cpu.cfs_quota_us").write_text(str(quota))
            (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))

    def add(self, pid: int) -> None:
        """Put a process under this group's limits (strict profiles: the host's daemons)."""
        for root in dict.fromkeys((self.hierarchies.cpu, self.hierarchies.memory)):
            folder = root / PARENT / self.name
            if self.hierarchies.unified:  # a v2 group with children holds no processes itself
                folder = folder / "daemons"
                folder.mkdir(exist_ok=True)
            (folder / "cgroup.procs").write_text(str(pid))

    def has_container(self) -> bool:
        """Whether a process of the container lives; the host's daemons, which may share the limits, do not count."""
        return next(self._container_pids(), None) is not None

    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of this group because its memory was used up."""
        own = self.hierarchies.memory / PARENT / self.name
        return any(_kills(folder) for folder in (own, self._container(self.hierarchies.memory)))

    def met_memory_limit(self) -> bool:
        """Whether memory, that of cached files included, has ever reached the limit."""
        return any(_met_limit(self.hierarchies.memory / PARENT / self.name))

    def cpu_file(self) -> Path | None:
        """Where the kernel counts the container's CPU time; None while the runtime has not made its group."""
        if self.hierarchies.unified:
            found = [self._container(self.hierarchies.cpu) / "cpu.stat"]
        else:  # v1 has a controller for it, which is mounted with that of the limits or by itself
            found = [self._container(root) / "cpuacct.usage" for root in self.hierarchies.mounts]
        return next((path for path in found if path.is_file()), None)

    def cpu_ns(self, text: bytes) -> int:
        """The CPU time that `cpu_file` tells."""
        return _stat(text, b"usage_usec") * 1000 if self.hierarchies.unified else int(text)

    def throttle_file(self) -> Path:
        """Where the kernel counts the periods in which the quota was used up."""
        return self.hierarchies.cpu / PARENT / self.name / "cpu.stat"

    @staticmethod
    def throttled(text: bytes) -> int:
        """The periods that `throttle_file` tells."""
        return _stat(text, b"nr_throttled")

    def threads(self) -> list[str]:
        """The container's threads, by their ids."""
        name = "cgroup.threads" if self.hierarchies.unified else "tasks"
        try:
            return (self._container(self.hierarchies.cpu) / name).read_text().split()
        except OSError:
            return []

    def freeze(self) -> None:
        """Stop every process of the container, those that it starts meanwhile too."""
        stopped: set[str] = set()
        while new := set(self._container_pids()) - stopped:
            for pid in new:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGSTOP)
            stopped |= new

    def remove(self) -> None:
        """Remove the group from every hierarchy (the runtime makes it in all). Its processes must have ended."""
        for root in self.hierarchies.mounts:
            for folder in self._folders(root):
                _rmdir(folder)

    def _container_pids(self) -> Iterator[str]:
        for folder in _deepest_first(self._container(self.hierarchies.cpu)):
            yield from _pids(folder)

    def _container(self, root: Path) -> Path:
        return root / self.container_path.lstrip("/")

    def _folders(self, root: Path) -> list[Path]:
        return _deepest_first(root / PARENT / self.name)

    def _delegate(self) -> None:
        """cgroup v2: a child has only the controllers that every group above it hands down."""
        folder = self.hierarchies.cpu
        for part in (None, *Path(PARENT, self.name).parts):
            folder = folder / part if part else folder
            (folder / "cgroup.subtree_control").write_text("+cpu +memory")


def groups(hierarchies: Hierarchies) -> list[str]:
    """Names of all groups of ours that exist on this machine, without the parent."""
    return sorted({name for root in hierarchies.mounts for name in _names(root / PARENT)})


def remove_cluster(hierarchies: Hierarchies, cluster: str) -> None:
    """Remove a cluster's folder, and our parent folder with the last cluster. Its groups must be gone."""
    for root in hierarchies.mounts:
        for folder in _deepest_first(root / PARENT / cluster):
            _rmdir(folder)
        if not _subfolders(root / PARENT):
            _rmdir(root / PARENT, unless_used=True)


def _names(parent: Path) -> Iterator[str]:
    """`<cluster>/<host>` of every group below the parent."""
    for cluster in _subfolders(parent):
        hosts = _subfolders(cluster)
        yield from (f"{cluster.name}/{host.name}" for host in hosts)
        if not hosts:
            yield cluster.name


def _make(group: Path) -> None:
    """Make a group and those above it, which another lab, whose last group ends just now, may take away meanwhile."""
    until = time.monotonic() + REMOVE_SECONDS
    while True:
        try:
            group.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            if time.monotonic() > until:
                raise
        else:
            return


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except FileNotFoundError:
        return []  # never made, or removed by another lab in the meantime


def _deepest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [*(deep for child in _subfolders(folder) for deep in _deepest_first(child)), folder]


def _pids(folder: Path) -> list[str]:
    try:
        return (folder / "cgroup.procs").read_text().split()
    except FileNotFoundError:
        return []  # removed by the runtime in the meantime


def _stat(text: bytes, name: bytes) -> int:
    """One number of a cpu.stat file."""
    words = text.split()
    return int(words[words.index(name) + 1])


def _kills(folder: Path) -> int:
    """How many processes the kernel has killed here for memory: cgroup v2 and v1 count in files of their own."""
    for name in ("memory.events", "memory.oom_control"):
        if (folder / name).is_file():
            counts = dict(line.split() for line in (folder / name).read_text().splitlines())
            return int(counts.get("oom_kill", 0))
    return 0


def _met_limit(folder: Path) -> Iterator[bool]:
    """cgroup v2 and v1 count in files of their own."""
    if (folder / "memory.events").is_file():
        counts = dict(line.split() for line in (folder / "memory.events").read_text().splitlines())
        yield int(counts.get("max", 0)) > 0
    if (folder / "memory.failcnt").is_file():
        yield int((folder / "memory.failcnt").read_text()) > 0


def _rmdir(folder: Path, *, unless_used: bool = False) -> None:
    """Remove one group, which the kernel calls busy for a moment after its last process has ended.

    ``unless_used``: it stays if another lab of this machine makes a group in it meanwhile.
    """
    deadline = time.monotonic() + REMOVE_SECONDS
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if unless_used and _subfolders(folder):
                return
            if time.monotonic() > deadline:
                raise LabError(f"The cgroup {folder} cannot be removed: {error.strerror}.") from error
            time.sleep(0.005)
        else:
            return
