"""One lab host: a task's own little machine, with a containerd and a soci-snapshotter that nobody used before.

The daemons run in the host's namespaces and outside the task's CPU quota, unless the profile is strict.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from infra.lab import daemons, mounts
from infra.lab.cgroup import Hierarchies, TaskGroup
from infra.lab.edge import REGISTRY, Edge, host_address
from infra.lab.profiles import Profile
from infra.lab.sandbox import Sandbox
from kit.errors import CommandError, LabError
from kit.machine import mountinfo
from kit.toolchain.toolbox import tool, tools_path

DAEMON_SECONDS = 20.0
START_SECONDS = 60.0
_PROGRAMS = {"soci-snapshotter": "soci-snapshotter-grpc", "containerd": "containerd"}


@dataclass(frozen=True)
class HostSpec:
    """What a host is made of; ``folder`` is its own and is removed with it."""

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
        self.sandbox = sandbox
        self.group = group
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def open(cls, spec: HostSpec, edge: Edge, hierarchies: Hierarchies) -> Host:
        """Provision: namespaces, network, cgroup, daemons. What fails leaves nothing behind."""
        spec.folder.mkdir(parents=True)
        host = cls(spec, edge, Sandbox.open(), TaskGroup(hierarchies, f"{spec.cluster}/h{spec.index}"))
        try:
            edge.plug(host.sandbox, spec.index, spec.profile)
            host.group.create(spec.profile.vcpu, spec.profile.memory_bytes)
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

    @property
    def container_log(self) -> Path:
        """What the container writes to its standard output and error."""
        return self.spec.folder / "container.log"

    def pull(self, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        """Pull an image for a snapshotter; lazily where it can. Raises `CommandError` with ctr's last lines."""
        self._ctr(
            ["image", "pull", "--plain-http", "--snapshotter", snapshotter, "--platform", self.spec.platform, image],
            timeout_seconds,
        )

    def start(self, image: str, container_id: str, snapshotter: str, environment: dict[str, str]) -> None:
        """Create and start the container under the task's limits, in the host's network."""
        words = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        words += ["--cgroup", self.group.container_path, "--log-uri", f"file://{self.container_log}"]
        words += ["--snapshotter", snapshotter, "--platform", self.spec.platform]
        self._ctr(["run", "--detach", "--net-host", *words, image, container_id], START_SECONDS)

    def snapshotter_of(self, container_id: str) -> str | None:
        """Which snapshotter the container's root really comes from (see `mounts.snapshotter`)."""
        return mounts.snapshotter(mountinfo.parse(self.sandbox.mountinfo()), container_id, self.soci_root)

    def lazy_layers(self) -> int:
        """How many layers are FUSE mounts now."""
        return mounts.lazy_layers(mountinfo.parse(self.sandbox.mountinfo()), self.soci_root)

    def received_bytes(self) -> int:
        """Bytes that came over the host's network link so far."""
        for line in Path(f"/proc/{self.sandbox.init_pid}/net/dev").read_text().splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == "eth0":
                return int(counters.split()[0])
        raise LabError(f"Lab host {self.spec.index} has lost its network link.")

    def trouble(self) -> str | None:
        """Which of the daemons has died, if any, with its last words."""
        for name, daemon in self._daemons.items():
            if daemon.poll() is not None:
                return f"{name} ended with exit code {daemon.returncode}: {self._said(name)}"
        return None

    def close(self) -> None:
        """End everything on the host and remove its cgroup and folder; raises `LabError` if something stays."""
        self._edge.unplug(self.spec.index)
        self.sandbox.close()
        self.group.remove()
        shutil.rmtree(self.spec.folder)

    def _start_daemons(self) -> None:
        folder = self.spec.folder
        containerd, soci = folder / "containerd.toml", folder / "soci.toml"
        containerd.write_text(daemons.containerd_config(folder, self.soci_root, self.spec.platform))
        soci.write_text(daemons.soci_config(REGISTRY, v1=self.spec.soci_v1))
        places = ["--root", str(self.soci_root), "--address", daemons.SOCI_SOCKET]
        self._spawn("soci-snapshotter", [*places, "--config", str(soci)])
        self._spawn("containerd", ["--config", str(containerd)])
        self._wait_for_daemons()

    def _spawn(self, name: str, words: list[str]) -> None:
        # containerd finds its shim and runc on PATH
        environment = {"PATH": tools_path(), "TMPDIR": str(self.spec.folder)}
        self._daemons[name] = self.sandbox.spawn([tool(_PROGRAMS[name]), *words], self._log(name), environment)
        if self.spec.profile.daemons_inside:
            self.group.add(self._daemons[name].pid)

    def _wait_for_daemons(self) -> None:
        sockets = [self.sandbox.root / path.lstrip("/") for path in (daemons.CONTAINERD_SOCKET, daemons.SOCI_SOCKET)]
        deadline = time.monotonic() + DAEMON_SECONDS
        while not all(socket.exists() for socket in sockets):
            if trouble := self.trouble():
                raise LabError(f"Lab host {self.spec.index} did not come up: {trouble}")
            if time.monotonic() > deadline:
                said = " ".join(self._said(name) for name in self._daemons)
                raise LabError(f"Lab host {self.spec.index} was not ready within {DAEMON_SECONDS:g} s: {said}")
            time.sleep(0.01)
        self._ctr(["version"], DAEMON_SECONDS)

    def _ctr(self, words: list[str], timeout_seconds: float) -> None:
        argv = [str(tool("ctr")), "--address", daemons.CONTAINERD_SOCKET, *words]
        try:
            self.sandbox.run(argv, timeout_seconds=timeout_seconds)
        except CommandError as error:
            if trouble := self.trouble():
                raise LabError(trouble) from error
            raise

    def _log(self, name: str) -> Path:
        return self.spec.folder / f"{name}.log"

    def _said(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-3:])[-600:]
