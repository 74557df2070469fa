"""What the kernel allows: each check does, for a moment, what a lab host needs.

Everything is made in new namespaces or in a folder that is removed, so nothing stays behind.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

from kit.errors import MachineError
from kit.machine import mountinfo
from kit.machine.check import Check, complaint
from kit.scratch import temporary_folder

FUSE = Path("/dev/fuse")
PRESSURE = Path("/proc/pressure/cpu")
MOUNTINFO = Path("/proc/self/mountinfo")

_NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc")
_CONTAINER_ADVICE = "In a container: run it privileged (docker run --privileged), or use a virtual machine."
_ON_LOOPBACK = "tc qdisc add dev lo root"
_SHAPING = {
    "tbf": f"{_ON_LOOPBACK} tbf rate 1gbit burst 1mb latency 50ms",
    "htb and u32": f"{_ON_LOOPBACK} handle 1: htb && tc filter add dev lo parent 1: prio 1 protocol ip u32 divisor 256",
}
"""What `infra.lab.link` needs, on a namespace's loopback."""
_LIMITS = {"v1": ("cpu.cfs_quota_us", "memory.limit_in_bytes"), "v2": ("cpu.max", "memory.max")}
"""The files that set a cgroup's limits of CPU and memory."""
_DUMMY_LINK = ("link", "add", "one", "type", "veth", "peer", "name", "two")


def system() -> Check:
    """Linux, on a processor that the images are built for."""
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() != "Linux":
        advice = "`sociometer lab-shell` runs it in a container, with Docker or Podman: `sociometer help macos`."
        return Check("system", "failure", found, "the lab is made of Linux namespaces", advice)
    if platform.machine() not in ("x86_64", "aarch64"):
        return Check(
            "system", "failure", found, "images are built for amd64 and arm64", "Use such a machine for the lab."
        )
    return Check("system", "ok", found)


def root() -> Check:
    """Namespaces, cgroups and mounts need root. User namespaces would do for the others, but not for cgroups."""
    if os.geteuid() == 0:
        return Check("root", "ok", "yes")
    meaning = "a cgroup limits a task's CPU and memory, and needs root; a user namespace does not give that right"
    return Check("root", "failure", f"no, user id {os.geteuid()}", meaning, "Run it with sudo.")


def fuse(device: Path = FUSE) -> Check:
    """The soci-snapshotter serves lazily loaded layers through FUSE."""
    meaning = "SOCI images cannot be loaded lazily"
    if not device.exists():
        return Check("fuse", "failure", f"no {device}", meaning, f"modprobe fuse. {_CONTAINER_ADVICE}")
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return Check("fuse", "failure", f"{device}: {error.strerror}", meaning, _CONTAINER_ADVICE)
    return Check("fuse", "ok", str(device))


def namespaces() -> Check:
    """Every lab host has its own namespaces."""
    reason = complaint(["unshare", *_NAMESPACES, "true"])
    if reason is None:
        return Check("namespaces", "ok", "network, mount, pid, uts, ipc")
    return Check("namespaces", "failure", reason, "a lab host cannot be made", _CONTAINER_ADVICE)


def network() -> Check:
    """Hosts are joined by veth pairs on a bridge."""
    for words in (_DUMMY_LINK, ("link", "add", "switch", "type", "bridge")):
        reason = complaint(["unshare", "--net", "ip", *words])
        if reason is not None:
            advice = "modprobe veth bridge; install iproute2."
            return Check("network", "failure", reason, "lab hosts cannot be connected", advice)
    return Check("network", "ok", "veth, bridge")


def shaping() -> Check:
    """The kernel limits a task's network rate and shares it fairly; delay comes from a proxy, even with netem."""
    for name, words in _SHAPING.items():
        reason = complaint(["unshare", "--net", "sh", "-c", words])
        if reason is not None:
            meaning = "a task's network rate cannot be limited and shared"
            advice = "modprobe sch_tbf sch_htb cls_u32; install iproute2."
            return Check("shaping", "failure", f"{name}: {reason}", meaning, advice)
    netem = complaint(["unshare", "--net", "sh", "-c", f"{_ON_LOOPBACK} netem delay 1ms"]) is None
    return Check("shaping", "ok", "rate by tbf and htb, delay by proxy" + (" (netem works, too)" if netem else ""))


def cgroups(mounts: Path = MOUNTINFO) -> Check:
    """A task's share of CPU and memory is set by a cgroup, v1 or v2, that we may make."""
    meaning, advice = "a task cannot be limited to its CPU share and memory", _CONTAINER_ADVICE
    try:
        hierarchies = mountinfo.Hierarchies.among(mountinfo.parse(mounts.read_text()))
    except MachineError:
        return Check("cgroups", "failure", "no cpu and memory controllers", meaning, advice)
    version = "v2" if hierarchies.unified else "v1"
    for folder, limit in zip((hierarchies.cpu, hierarchies.memory), _LIMITS[version], strict=True):
        reason = _try_group(folder, limit, unified=hierarchies.unified)
        if reason is not None:
            return Check("cgroups", "failure", f"{version}, {folder}: {reason}", meaning, advice)
    return Check("cgroups", "ok", f"{version}, cpu and memory")


def _try_group(folder: Path, limit: str, *, unified: bool) -> str | None:
    """Make a group, look for its limit and remove it; return what went wrong, or None."""
    group = folder / f"sociometer-doctor-{os.getpid()}"
    try:
        if unified:
            (folder / "cgroup.subtree_control").write_text("+cpu +memory")
        group.mkdir()
        missing = not (group / limit).exists()
        group.rmdir()
    except OSError as error:
        return error.strerror or str(error)
    return f"a group has no {limit}" if missing else None


def overlayfs(place: Path) -> Check:
    """Plain images are unpacked below the data directory and mounted with overlayfs."""
    folder = _existing(place)
    try:
        with temporary_folder(".sociometer-doctor-", folder) as scratch:
            for name in ("lower", "upper", "work", "merged"):
                (scratch / name).mkdir()
            options = f"lowerdir={scratch}/lower,upperdir={scratch}/upper,workdir={scratch}/work"
            mount = ("mount", "-t", "overlay", "overlay", "-o", options, scratch / "merged")
            reason = complaint(["unshare", "--mount", "--propagation", "private", *mount])
    except OSError as error:
        advice = "Make it writable, or move it with SOCIOMETER_DATA."
        return Check("overlayfs", "failure", f"{folder}: {error.strerror}", "the lab cannot keep its files", advice)
    if reason is None:
        return Check("overlayfs", "ok", f"works at {folder}")
    advice = (
        "Put the data on ext4 or xfs with SOCIOMETER_DATA (overlayfs cannot lie on overlayfs), or modprobe overlay."
    )
    return Check("overlayfs", "failure", reason, "plain images cannot be mounted", advice)


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest existing folder above it."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def pressure(file: Path = PRESSURE) -> Check:
    """Pressure stall information shows when a round's hosts lacked CPU."""
    try:
        file.read_text()
    except OSError:
        meaning = "only steal time shows which rounds lacked CPU"
        return Check("pressure", "warning", f"no {file}", meaning, "Boot with psi=1, if the kernel supports it.")
    return Check("pressure", "ok", str(file.parent))
