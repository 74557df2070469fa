"""How the lab starts a container: an OCI runtime specification as Docker and Fargate would write it. Pure.

containerd's own client starts images differently: with an empty file system over /run, 1,024 open files, no setuid
programs, no view of the memory limit, and the image's labels copied. Sources: moby's `oci/defaults.go` and
`oci/caps/defaults.go` (mounts, devices, capabilities, masked paths); Amazon ECS developer guide, "Task definition
parameters" (nofile 65,535 on Fargate, 64 MiB of shared memory). There is no seccomp profile: it needs the kernel's
audit, and forbids nothing that a boot does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.lab.reasons import ImageAtFault
from infra.lab.rootfs import User
from infra.oci.config import ImageConfig
from infra.outputs import ContainerOutput

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPEN_FILES = 65_535
SHARED_MEMORY_KIB = 65_536
CAPABILITIES = (
    *("CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD"),
    *("CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID"),
    "CAP_SYS_CHROOT",
)
MASKED_PATHS = (
    *("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"),
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
NETWORK_FILES = ("hosts", "hostname", "resolv.conf")
"""Of /etc: every container gets them from its runtime."""


NOTHING_GIVEN = ContainerOutput()


@dataclass(frozen=True)
class Container:
    """What a task runs: the image's configuration, and what the user set instead, as far as the lab can give it."""

    config: ImageConfig
    given: ContainerOutput = NOTHING_GIVEN

    @property
    def argv(self) -> tuple[str, ...]:
        """What is executed: as in Docker, another entry point drops the image's command.

        Raises `ImageAtFault` when there is nothing to run.
        """
        entry_point = self.config.entrypoint if self.given.entry_point is None else self.given.entry_point
        own_command = self.config.command if self.given.entry_point is None else ()
        command = own_command if self.given.command is None else self.given.command
        if not (*entry_point, *command):
            raise ImageAtFault("The image names no command (neither Entrypoint nor Cmd), and none is set.")
        return (*entry_point, *command)

    @property
    def user_text(self) -> str:
        """As whom it runs, as a configuration writes it."""
        return self.config.user if self.given.user is None else self.given.user


@dataclass(frozen=True)
class Place:
    """Where a container runs on its host: paths as the host's processes see them; ``files`` holds `NETWORK_FILES`."""

    rootfs: Path
    files: Path
    cgroup: str
    hostname: str
    memory_bytes: int
    open_files: int = OPEN_FILES


def specification(
    container: Container, argv: tuple[str, ...], user: User, place: Place, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The runtime specification; ``environment`` is what the task adds of its own, such as the metadata address."""
    return {
        "ociVersion": "1.1.0",
        "process": _process(container, argv, user, place, _environment(container, place.hostname, environment)),
        "root": {"path": str(place.rootfs), "readonly": container.given.read_only_root},
        "hostname": place.hostname,
        "mounts": [*_MOUNTS, *(_bind(place.files / name, f"/etc/{name}") for name in NETWORK_FILES)],
        "linux": {
            "cgroupsPath": place.cgroup,
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "cgroup")],
            "maskedPaths": list(MASKED_PATHS),
            "readonlyPaths": list(READONLY_PATHS),
            "resources": {
                "memory": {"limit": place.memory_bytes},
                "devices": [{"allow": False, "access": "rwm"}, *_DEVICES],
            },
        },
    }


def _process(
    container: Container, argv: tuple[str, ...], user: User, place: Place, environment: list[str]
) -> dict[str, Any]:
    capabilities = list(CAPABILITIES)
    held = {"effective": capabilities, "permitted": capabilities} if user.uid == 0 else {}
    return {
        "terminal": False,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)},
        "args": list(argv),
        "env": environment,
        "cwd": container.given.working_directory or container.config.working_directory or "/",
        "capabilities": {"bounding": capabilities, **held},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": place.open_files, "hard": place.open_files}],
        "noNewPrivileges": False,
        "oomScoreAdj": 0,
    }


def _environment(container: Container, hostname: str, environment: Mapping[str, str]) -> list[str]:
    """The image's, then the user's, then the task's; a later value of a name replaces an earlier one."""
    merged = dict(text.partition("=")[::2] for text in (PATH, f"HOSTNAME={hostname}", *container.config.environment))
    return [f"{name}={value}" for name, value in {**merged, **container.given.environment, **environment}.items()]


def _bind(source: Path, destination: str) -> dict[str, Any]:
    return {"destination": destination, "type": "bind", "source": str(source), "options": ["rbind", "rprivate"]}


def _mount(destination: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": ["nosuid", *options]}


_MOUNTS = (
    _mount("/proc", "proc", "noexec", "nodev"),
    _mount("/dev", "tmpfs", "strictatime", "mode=755", "size=65536k"),
    _mount("/dev/pts", "devpts", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    _mount("/sys", "sysfs", "noexec", "nodev", "ro"),
    _mount("/sys/fs/cgroup", "cgroup", "noexec", "nodev", "ro"),
    _mount("/dev/mqueue", "mqueue", "noexec", "nodev"),
    _mount("/dev/shm", "tmpfs", "noexec", "nodev", "mode=1777", f"size={SHARED_MEMORY_KIB}k"),  # noqa: S108
)


def _device(kind: str, major: int | None, minor: int | None, access: str = "rwm") -> dict[str, Any]:
    numbers = {"major": major, "minor": minor}
    return {"allow": True, "type": kind, "access": access} | {k: v for k, v in numbers.items() if v is not None}


_DEVICES = (
    *(_device(kind, None, None, "m") for kind in ("c", "b")),
    *(_device("c", 1, minor) for minor in (3, 5, 7, 8, 9)),  # null, zero, full, random, urandom
    *(_device("c", major, minor) for major, minor in ((5, 0), (5, 1), (5, 2), (136, None))),  # terminals
)
