"""What can be read of a lab host at any moment: see `spent.Sample`.

Whether the container waits for a lazy layer is seen in two places: the kernel counts the requests that a FUSE file
system has not answered yet (Documentation/filesystems/fuse, `waiting`), and its threads' states say whether any of them
could run meanwhile. Either alone is not enough: the kernel reads ahead while a program works, and a thread that sleeps
may sleep for anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.lab.cgroup import TaskGroup
from infra.lab.sandbox import FUSE_CONNECTIONS
from infra.lab.spent import Sample

MOST_BYTES = 1 << 16
_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)
"""utime, stime, cutime and cstime, counted from behind the name (proc_pid_stat(5))."""


class Counter:
    """A number in a file that is opened once it is there; what was read last where it is gone again."""

    def __init__(self, find: Callable[[], Path | None], parse: Callable[[bytes], int]) -> None:
        self._find, self._parse = find, parse
        self._descriptor: int | None = None
        self._last = 0

    def read(self) -> int:
        """The number now; 0 before the file is there."""
        with suppress(OSError):
            if self._descriptor is None and (path := self._find()):
                self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if self._descriptor is not None:
                self._last = self._parse(os.pread(self._descriptor, MOST_BYTES, 0))
        return self._last

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True)
class Watched:
    """What is read of a host: its first process, its daemons, its group, and where the devices of its lazy layers come
    from, if it is to have any; ``root`` is its file system as seen from outside."""

    init_pid: int
    containerd_pid: int
    snapshotter_pid: int
    group: TaskGroup
    root: Path
    lazy: bool
    lazy_devices: Callable[[], list[int]]


class HostGauges:
    """Reads one host; use `sample`, then `close`."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        group = watched.group
        self._received = Counter(lambda: Path(f"/proc/{watched.init_pid}/net/dev"), _received)
        self._container = Counter(group.cpu_file, group.cpu_ns)
        self._throttled = Counter(group.throttle_file, group.throttled)
        self._containerd = Counter(partial(Path, f"/proc/{watched.containerd_pid}/stat"), _cpu_ns)
        self._snapshotter = Counter(partial(Path, f"/proc/{watched.snapshotter_pid}/stat"), _cpu_ns)
        self._layers: list[Path] | None = None

    def sample(self) -> Sample:
        """The counters now; a host that has ended has those that it had last."""
        threads = self._watched.group.threads()
        could_run = any(map(_could_run, threads))
        return Sample(
            at_ns=time.time_ns(),
            received_bytes=self._received.read(),
            container_ns=self._container.read(),
            throttled=self._throttled.read(),
            containerd_ns=self._containerd.read(),
            snapshotter_ns=self._snapshotter.read(),
            could_run=could_run,
            waits=bool(threads) and not could_run and self._has_open_requests(),
        )

    def close(self) -> None:
        """Give the files back."""
        counters = (self._received, self._container, self._throttled, self._containerd, self._snapshotter)
        for counter in counters:
            counter.close()

    def _has_open_requests(self) -> bool:
        if not self._watched.lazy:
            return False
        if self._layers is None:
            folder = self._watched.root / FUSE_CONNECTIONS.relative_to("/")
            self._layers = [folder / str(device) / "waiting" for device in self._watched.lazy_devices()]
        return any(map(_has_open_requests, self._layers))


def _received(text: bytes) -> int:
    """Bytes that came over eth0, in /proc/net/dev."""
    for row in text.splitlines():
        name, _, numbers = row.partition(b":")
        if name.strip() == b"eth0":
            return int(numbers.split()[0])
    return 0


def _cpu_ns(stat: bytes) -> int:
    return sum(map(int, stat.rpartition(b")")[2].split()[_CPU_FIELDS])) * _TICK_NS


def _could_run(thread: str) -> bool:
    """Whether it runs, or would if it were given a CPU."""
    try:
        return _read(f"/proc/{thread}/stat").rpartition(b")")[2].split()[0] == b"R"
    except OSError:
        return False  # it has just ended


def _has_open_requests(waiting: Path) -> bool:
    """The kernel fixes the number when the file is opened, so that it cannot be kept open."""
    try:
        return int(_read(waiting)) > 0
    except OSError:
        return False  # the layer has just gone


def _read(path: str | Path) -> bytes:
    """As `Path.read_bytes` does, in half the time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MOST_BYTES)
    finally:
        os.close(descriptor)
