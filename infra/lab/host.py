"""One lab host: a task's own little machine, with a fresh containerd and soci-snapshotter.

The daemons run in the host's namespaces and outside the task's CPU quota, unless the profile is strict.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.lab import daemons, mounts, probe
from infra.lab.cgroup import TaskGroup
from infra.lab.edge import REGISTRY, Edge, host_address
from infra.lab.profiles import Profile
from infra.lab.sandbox import Sandbox
from kit.daemon import Daemon, wait_until
from kit.errors import CommandError, LabError
from kit.machine.mountinfo import Hierarchies
from kit.toolchain.toolbox import tool, tools_path

DAEMON_SECONDS = 20.0
START_SECONDS = 60.0
_CONTAINER_LOG = "container.log"
"""What the container writes to its standard output and error."""


@dataclass(frozen=True)
class HostSpec:
    """What a host is made of; ``folder`` belongs to it and is removed with it."""

    index: int
    cluster: str
    folder: Path
    profile: Profile
    platform: str
    soci_v1: bool


class Host:
    """A provisioned host: `open`, then `pull` and `start` one container, and `close`."""

    def __init__(self, spec: HostSpec, edge: Edge, sandbox: Sandbox, group: TaskGroup) -> None:
        self.spec = spec
        self._edge = edge
        self._sandbox = sandbox
        self._group = group
        self._daemons: list[Daemon] = []

    @classmethod
    def open(cls, spec: HostSpec, edge: Edge, hierarchies: Hierarchies) -> Host:
        """Provision namespaces, network, cgroup and daemons; a failure leaves nothing behind."""
        spec.folder.mkdir(parents=True)
        host = cls(spec, edge, Sandbox.open(), TaskGroup(hierarchies, f"{spec.cluster}/h{spec.index}"))
        try:
            edge.plug(host._sandbox, spec.index, spec.profile)
            host._group.create(spec.profile.vcpu, spec.profile.memory_bytes)
            host._start_daemons()
        except BaseException:
            host.close()
            raise
        return host

    @property
    def address(self) -> str:
        """Where the task's ports are reached from the edge."""
        return host_address(self.spec.index)

    @property
    def soci_root(self) -> Path:
        """Where the soci-snapshotter keeps and mounts its layers."""
        return self.spec.folder / "soci"

    def reaches_registry(self) -> bool:
        """Whether it can open a connection to the registry."""
        return probe.reachable(self._sandbox, REGISTRY)

    def pull(self, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        """Pull an image, lazily if the snapshotter can. Raises `CommandError` with ctr's last lines."""
        self._ctr(
            ["image", "pull", "--plain-http", "--snapshotter", snapshotter, "--platform", self.spec.platform, image],
            timeout_seconds,
        )

    def start(self, image: str, container_id: str, snapshotter: str, environment: dict[str, str]) -> None:
        """Create and start the container under the task's limits, in the host's network."""
        words = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        words += ["--cgroup", self._group.container_path, "--log-uri", f"file://{self.spec.folder / _CONTAINER_LOG}"]
        words += ["--snapshotter", snapshotter, "--platform", self.spec.platform]
        self._ctr(["run", "--detach", "--net-host", *words, image, container_id], START_SECONDS)

    def ask(self, port: int, path: str) -> tuple[int, bytes] | None:
        """Status and body of the task's answer to a GET from the edge; None while nothing answers."""
        return probe.get(self._edge.sandbox, self.address, port, path)

    def has_stopped(self) -> bool:
        """Whether no process of the container is left."""
        return self._group.is_empty()

    def snapshotter_of(self, container_id: str) -> str | None:
        """Which snapshotter the container's root really comes from (see `mounts.snapshotter`)."""
        return mounts.snapshotter(self._sandbox.mounts(), container_id, self.soci_root)

    def lazy_layers(self) -> int:
        """How many layers are FUSE mounts now."""
        return mounts.lazy_layers(self._sandbox.mounts(), self.soci_root)

    def received_bytes(self) -> int:
        """Bytes received over the host's network link so far."""
        received = self._sandbox.received_bytes().get("eth0")
        if received is None:
            raise LabError(f"Lab host {self.spec.index} has lost its network link.")
        return received

    def trouble(self) -> str | None:
        """Which daemon of the edge or of this host has ended, with its last lines."""
        return next(filter(None, (self._edge.trouble(), *(daemon.trouble() for daemon in self._daemons))), None)

    def last_words(self) -> str:
        """The end of what the container printed."""
        log = self.spec.folder / _CONTAINER_LOG
        lines = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
        return f"It said: {' / '.join(lines)[-400:]}" if lines else "It said nothing."

    def kill(self) -> None:
        """Kill everything on the host, now: a pull ends at once."""
        self._sandbox.kill()

    def close(self) -> None:
        """End everything on the host and remove its cgroup and folder; raises `LabError` if something stays."""
        self._edge.unplug(self.spec.index)
        self._sandbox.close()
        self._group.remove()
        shutil.rmtree(self.spec.folder)

    def _start_daemons(self) -> None:
        folder = self.spec.folder
        containerd, soci = folder / "containerd.toml", folder / "soci.toml"
        containerd.write_text(daemons.containerd_config(folder, self.soci_root, self.spec.platform))
        soci.write_text(daemons.soci_config(REGISTRY, v1=self.spec.soci_v1))
        places = ["--root", str(self.soci_root), "--address", daemons.SOCI_SOCKET]
        self._spawn("soci-snapshotter", tool("soci-snapshotter-grpc"), *places, "--config", soci)
        self._spawn("containerd", tool("containerd"), "--config", containerd)
        sockets = [self._sandbox.root / path.lstrip("/") for path in (daemons.CONTAINERD_SOCKET, daemons.SOCI_SOCKET)]
        wait_until(
            lambda: all(socket.exists() for socket in sockets),
            self._daemons,
            what=f"Lab host {self.spec.index}",
            failure=LabError,
            seconds=DAEMON_SECONDS,
        )
        self._ctr(["version"], DAEMON_SECONDS)

    def _spawn(self, name: str, *argv: str | Path) -> None:
        # containerd finds its shim and runc on PATH
        env = {**os.environ, "PATH": tools_path(), "TMPDIR": str(self.spec.folder)}
        daemon = self._sandbox.spawn(name, argv, self.spec.folder / f"{name}.log", env)
        self._daemons.append(daemon)
        if self.spec.profile.daemons_inside:
            self._group.add(daemon.process.pid)

    def _ctr(self, words: list[str], timeout_seconds: float) -> None:
        argv = [str(tool("ctr")), "--address", daemons.CONTAINERD_SOCKET, *words]
        try:
            self._sandbox.run(argv, timeout_seconds=timeout_seconds)
        except CommandError as error:
            if trouble := self.trouble():
                raise LabError(trouble) from error
            raise
