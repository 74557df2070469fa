"""One lab host: a task's own little machine, with a fresh containerd and soci-snapshotter.

The daemons run in the host's namespaces and outside the task's CPU quota, unless the profile is strict.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from infra import boot_report
from infra.lab import container_spec, daemons, health, probe, reasons, rootfs
from infra.lab.cgroup import TaskGroup
from infra.lab.container_log import ContainerLog
from infra.lab.container_spec import Place
from infra.lab.ctr import Ctr
from infra.lab.daemons import PullModes
from infra.lab.edge import REGISTRY, REGISTRY_PORT, Edge, host_address
from infra.lab.exchanges import Exchange, exchanges
from infra.lab.gauges import HostGauges, Watched
from infra.lab.layers import HostLayers
from infra.lab.probe import Answer
from infra.lab.profiles import Profile
from infra.lab.protocol import End, LabTask
from infra.lab.sandbox import Sandbox
from infra.lab.wire import Wire
from kit.credentials import environment_without
from kit.daemon import Daemon, wait_until
from kit.errors import LabError
from kit.files import write_private
from kit.machine import limits
from kit.machine.mountinfo import Hierarchies
from kit.toolchain.toolbox import tool, tools_path

DAEMON_SECONDS = 20.0
START_SECONDS = 60.0
END_SECONDS = 5.0
LEASE_HOURS = 24
_EXIT_CODE = re.compile(r"non-zero exit code (\d+)")


@dataclass(frozen=True)
class HostSpec:
    """What a host is made of; ``folder`` belongs to it and is removed with it."""

    index: int
    cluster: str
    folder: Path
    profile: Profile
    platform: str
    modes: PullModes


class Host:
    """A provisioned host: `open`, then `pull` and `start` one container, and `close`."""

    def __init__(self, spec: HostSpec, edge: Edge, sandbox: Sandbox, group: TaskGroup) -> None:
        self.spec = spec
        self.layers = HostLayers(spec.folder, sandbox)
        self._edge = edge
        self._sandbox = sandbox
        self._group = group
        self._daemons: list[Daemon] = []
        self._ctr = Ctr(sandbox, self.trouble, spec.folder)
        self._log = ContainerLog(spec.folder / "container.log")
        self._wire: Wire | None = None

    @classmethod
    def open(cls, spec: HostSpec, edge: Edge, hierarchies: Hierarchies) -> Host:
        """Provision namespaces, network, cgroup and daemons; a failure leaves nothing behind."""
        spec.folder.mkdir(parents=True)
        host = cls(spec, edge, Sandbox.open(), TaskGroup(hierarchies, f"{spec.cluster}/h{spec.index}"))
        try:
            edge.plug(host._sandbox, spec.index, spec.profile)
            host._wire = Wire.open(host._sandbox, "eth0", REGISTRY_PORT)
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

    def reaches_registry(self) -> bool:
        """Whether it can open a connection to the registry."""
        return probe.reachable(self._sandbox, REGISTRY)

    def pull(self, image: str, snapshotter: str, *, timeout_seconds: float) -> None:
        """Pull an image, lazily if the snapshotter can. Raises `LabError` with the cause in one sentence."""
        words = ("--plain-http", "--snapshotter", snapshotter, "--platform", self.spec.platform, image)
        self._ctr.run(["image", "pull", *words], timeout_seconds, reasons.of_pull)

    def start(self, task: LabTask, environment: dict[str, str]) -> None:
        """Create and start the task's container under its limits, in the host's network, as Docker would start it."""
        argv = task.container.argv
        self._mount(task)
        place = self._place()
        user = rootfs.user(self._sandbox.inside(self.layers.rootfs), task.container.user_text)
        specification = container_spec.specification(task.container, argv, user, place, environment)
        config = self.spec.folder / "container.json"
        write_private(config, json.dumps(specification))  # the image's own variables are in it
        log = f"file://{self._log.path}"
        words = ["run", "--detach", "--config", str(config), "--log-uri", log, task.container_id]
        self._ctr.run(words, START_SECONDS, reasons.of_start)

    def look(self, task: LabTask) -> Answer:
        """Whether the task is ready now, and what was seen."""
        if task.ready.kind == "log":
            return self._log.look(task.ready.pattern)
        if task.ready.kind == "healthcheck":
            return health.look(self._ctr, task)
        return probe.look(self._edge.sandbox, self.address, task.ready)

    def boot_report(self, port: int) -> bytes | None:
        """What the task answers when it is asked for its boot report."""
        return probe.get(self._edge.sandbox, self.address, port, boot_report.PATH)

    def has_stopped(self) -> bool:
        """Whether no process of the container is left."""
        return not self._group.has_container()

    def end(self, container_id: str) -> End:
        """How the container that has stopped ended; its shim may hear of it a moment later than the kernel."""
        memory_limit = self.killed_for_memory()
        until = time.monotonic() + END_SECONDS
        while True:
            done = self._ctr.tell(["tasks", "delete", container_id], END_SECONDS)
            if code := _EXIT_CODE.search(done.stderr):
                return End(int(code[1]), memory_limit)
            if done.exit_code == 0:
                return End(0, memory_limit)
            if time.monotonic() > until:
                return End(None, memory_limit)
            time.sleep(0.02)

    def killed_for_memory(self) -> int | None:
        """The memory limit in bytes, if the kernel has killed a process of the container because of it."""
        return self.spec.profile.memory_bytes if self._group.out_of_memory() else None

    def received_bytes(self) -> int:
        """Bytes received over the host's network link so far."""
        received = self._sandbox.received_bytes().get("eth0")
        if received is None:
            raise LabError(f"Lab host {self.spec.index} has lost its network link.")
        return received

    def listen(self) -> None:
        """Take over what was heard on its link; to be called a few times a second."""
        if self._wire is not None:
            self._wire.listen()

    def exchanges(self) -> list[Exchange]:
        """What it has asked of its registry so far, and what came of it."""
        return exchanges(self._wire.packets()) if self._wire else []

    def trouble(self) -> str | None:
        """Which daemon of the edge or of this host has ended, with its last lines."""
        return next(filter(None, (self._edge.trouble(), *(daemon.trouble() for daemon in self._daemons))), None)

    def last_words(self) -> str:
        """The end of what the container printed."""
        return self._log.last_words()

    def gauges(self, *, lazy: bool) -> HostGauges:
        """What can be read of this host at any moment, for a `Meter`; ``lazy``: its task is to have lazy layers."""
        snapshotter, containerd = self._sandbox.daemon_pids()
        return HostGauges(
            Watched(
                init_pid=self._sandbox.init_pid,
                containerd_pid=containerd,
                snapshotter_pid=snapshotter,
                group=self._group,
                root=self._sandbox.root,
                lazy=lazy,
                lazy_devices=self.layers.lazy_devices,
            )
        )

    def freeze(self) -> None:
        """Stop the container's processes where they are; `close` kills them."""
        self._group.freeze()

    def was_short_of_memory(self) -> bool:
        """Whether the container has met its memory limit, so that pages of files had to go."""
        return self._group.met_memory_limit()

    def kill(self) -> None:
        """Kill everything on the host, now: a pull ends at once."""
        self._sandbox.kill()

    def close(self) -> None:
        """End everything on the host and remove its cgroup and folder; raises `LabError` if something stays."""
        if self._wire is not None:
            self._wire.close()
        self._edge.unplug(self.spec.index)
        self._sandbox.close()
        self._group.remove()
        shutil.rmtree(self.spec.folder)

    def _start_daemons(self) -> None:
        folder = self.spec.folder
        containerd, soci = folder / "containerd.toml", folder / "soci.toml"
        containerd.write_text(daemons.containerd_config(folder, self.layers.soci_root, self.spec.platform))
        soci.write_text(daemons.soci_config(REGISTRY, self.spec.modes))
        places = ["--root", str(self.layers.soci_root), "--address", daemons.SOCI_SOCKET]
        level = ("--log-level", "debug") if self.spec.modes.traced else ()
        self._spawn("soci-snapshotter", tool("soci-snapshotter-grpc"), *places, "--config", soci, *level)
        self._spawn("containerd", tool("containerd"), "--config", containerd)
        sockets = [self._sandbox.root / path.lstrip("/") for path in (daemons.CONTAINERD_SOCKET, daemons.SOCI_SOCKET)]
        wait_until(
            lambda: all(socket.exists() for socket in sockets),
            self._daemons,
            what=f"Lab host {self.spec.index}",
            failure=LabError,
            seconds=DAEMON_SECONDS,
        )
        self._ctr.run(["version"], DAEMON_SECONDS)

    def _spawn(self, name: str, *argv: str | Path) -> None:
        # containerd finds its shim and runc on PATH
        env = {**environment_without(), "PATH": tools_path(), "TMPDIR": str(self.spec.folder)}
        daemon = self._sandbox.spawn(name, argv, self.spec.folder / f"{name}.log", env)
        self._daemons.append(daemon)
        if self.spec.profile.daemons_inside:
            self._group.add(daemon.process.pid)

    def _mount(self, task: LabTask) -> None:
        """Mount a writable snapshot of the image. It is kept by a lease, which must outlive the task."""
        self.layers.rootfs.mkdir()
        lease = ("--expiration", f"{LEASE_HOURS}h")
        words = ("--rw", *lease, "--snapshotter", task.snapshotter, "--platform", self.spec.platform, task.image)
        self._ctr.run(["image", "mount", *words, str(self.layers.rootfs)], START_SECONDS, reasons.of_start)

    def _place(self) -> Place:
        """Where the container runs, with the files of /etc that every container gets."""
        hostname = f"ip-{self.address.replace('.', '-')}"
        files = self.spec.folder / "etc"
        files.mkdir()
        (files / "hostname").write_text(f"{hostname}\n")
        (files / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{self.address} {hostname}\n")
        (files / "resolv.conf").write_text("")  # there is no name server in the lab
        group = self._group.container_path
        open_files = min(container_spec.OPEN_FILES, limits.most_open_files())
        return Place(self.layers.rootfs, files, group, hostname, self.spec.profile.memory_bytes, open_files)
