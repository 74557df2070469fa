"""A set of Linux namespaces held by one process: the shell of a lab host.

Network, mounts, processes, host name and IPC are all private, so that killing the one init process ends every
process inside, and with the last process the kernel drops the mounts and the network. The kernel kills the
init when its parent dies, so a killed sweep leaves no process and no mount behind.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil

from kit import child
from kit.command import Completed, run
from kit.daemon import DIES_WITH_US, Daemon, start
from kit.errors import LabError
from kit.machine import mountinfo, processes
from kit.machine.mountinfo import Mount

START_SECONDS = 10.0
SETUP_SECONDS = 10.0
STOP_SECONDS = 20.0
FUSE_CONNECTIONS = Path("/sys/fs/fuse/connections")
"""One folder for each FUSE file system of the machine, by its device number."""
_CLONE_NEWNET = 0x40000000
_NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc")
_OWN_INIT = ("--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private")


class Sandbox:
    """Fresh namespaces; use `open`, then `run` and `spawn` inside, and `close`."""

    def __init__(self, holder: subprocess.Popen[bytes], init_pid: int) -> None:
        self._holder = holder
        self._daemons: list[Daemon] = []
        self.init_pid = init_pid

    @classmethod
    def open(cls) -> Sandbox:
        """Make the namespaces; must be called from a thread that outlives the sandbox (its death ends it)."""
        holder = child.start(
            [*DIES_WITH_US, "unshare", *_NAMESPACES, *_OWN_INIT, "--", "sleep", "infinity"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            sandbox = cls(holder, _wait_for_init(holder))
            sandbox._hide_run()
            sandbox._show_fuse()
        except BaseException:
            holder.kill()
            child.reap(holder)
            raise
        return sandbox

    @property
    def root(self) -> Path:
        """The sandbox's file system as seen from outside."""
        return Path(f"/proc/{self.init_pid}/root")

    def inside(self, path: Path) -> Path:
        """A path of the sandbox as seen from outside."""
        return self.root / path.relative_to("/")

    def run(self, argv: Sequence[str | Path], *, timeout_seconds: float, check: bool = True) -> Completed:
        """Run a command inside, to its end."""
        return run(self._enter(argv), timeout_seconds=timeout_seconds, check=check)

    def batch(self, program: Literal["ip", "tc"], *lines: str) -> None:
        """Set up the sandbox's network; process ids in ``lines`` mean the same as outside."""
        words = ["nsenter", f"--target={self.init_pid}", "--net", "--", program, "-batch", "-"]
        run(words, timeout_seconds=SETUP_SECONDS, stdin="\n".join(lines))

    def spawn(self, name: str, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> Daemon:
        """Start a daemon inside (see `kit.daemon.start`); it ends with the sandbox at the latest."""
        daemon = start(name, self._enter(argv), log, env=env)
        self._daemons.append(daemon)
        return daemon

    def mounts(self) -> list[Mount]:
        """The mounts inside."""
        return mountinfo.of(self.init_pid)

    def daemon_pids(self) -> list[int]:
        """The processes that `spawn` started, in its order: children of those that entered the namespaces for them."""
        return [next(iter(_children(daemon.process.pid)), daemon.process.pid) for daemon in self._daemons]

    def received_bytes(self) -> dict[str, int]:
        """Bytes that came in so far over each link, by its name; no links when the sandbox is gone."""
        try:
            rows = Path(f"/proc/{self.init_pid}/net/dev").read_text().splitlines()[2:]
        except (FileNotFoundError, ProcessLookupError):
            return {}
        return {row.partition(":")[0].strip(): int(row.partition(":")[2].split()[0]) for row in rows}

    def pids(self) -> list[int]:
        """Every process inside, containers' included (they share the network), as numbered outside."""
        own = _network_of(self.init_pid)
        return [pid for pid in psutil.pids() if own is not None and _network_of(pid) == own]

    @contextmanager
    def network(self) -> Iterator[None]:
        """Inside the block, this thread's new sockets belong to the sandbox's network."""
        with enter_network(Path(f"/proc/{self.init_pid}/ns/net")):
            yield

    def kill(self) -> None:
        """Kill everything inside, now; `close` waits for the end."""
        self._holder.kill()  # its death kills the init, and that everything else

    def close(self) -> None:
        """Kill everything inside and wait until it is gone; raises `LabError` if something stays."""
        remaining = self.pids()
        self.kill()
        left = [process.pid for process in self._processes() if not child.reap(process)]
        _wait_gone({*remaining, *left})

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        """Ours, which hold the sandbox's own."""
        return [self._holder, *(daemon.process for daemon in self._daemons)]

    def _enter(self, argv: Sequence[str | Path]) -> list[str]:
        return ["nsenter", f"--target={self.init_pid}", *_NAMESPACES, "--", *(str(word) for word in argv)]

    def _hide_run(self) -> None:
        """Give it a /run of its own: shims and runc keep machine-wide state there under fixed names."""
        resolver = Path("/etc/resolv.conf").resolve()
        self.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], timeout_seconds=START_SECONDS)
        if resolver.is_relative_to("/run"):
            inside = self.root / resolver.relative_to("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.write_text("")

    def _show_fuse(self) -> None:
        """Mount the kernel's view of its FUSE file systems, which many machines mount for everybody."""
        if all(mount.point != FUSE_CONNECTIONS for mount in self.mounts()):
            self.run(["mount", "-t", "fusectl", "fusectl", FUSE_CONNECTIONS], timeout_seconds=START_SECONDS)


@contextmanager
def enter_network(namespace: Path) -> Iterator[None]:
    """Move this thread into a network namespace for the length of the block."""
    with Path("/proc/thread-self/ns/net").open("rb") as home, namespace.open("rb") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def _setns(descriptor: int) -> None:
    """setns(2); `os.setns` is there only from Python 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise LabError(f"A network namespace could not be entered: {os.strerror(code)}.")


def _wait_for_init(holder: subprocess.Popen[bytes]) -> int:
    """The init's process id, once it runs `sleep`; by then its own /proc is mounted."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if holder.poll() is not None:
            said = holder.communicate(timeout=STOP_SECONDS)[1].decode(errors="replace").strip()
            raise LabError(f"Namespaces could not be made: {said or 'unshare ended at once'}.")
        for pid in _children(holder.pid):
            if processes.name(pid) == "sleep":
                return pid
        time.sleep(0.002)
    raise LabError(f"Namespaces were not ready within {START_SECONDS:g} s.")


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []  # it has just ended


def _network_of(pid: int) -> int | None:
    """Inode of a process's network namespace; None when it has ended or belongs to another user."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _wait_gone(pids: Iterable[int]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    left = [pid for pid in pids if _network_of(pid) is not None]
    while left and time.monotonic() < deadline:
        time.sleep(0.005)
        left = [pid for pid in left if _network_of(pid) is not None]
    if left:
        raise LabError(f"Processes {left} of a lab host did not end within {STOP_SECONDS:g} s of being killed.")
