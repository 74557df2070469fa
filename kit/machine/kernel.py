"""What the kernel allows: each check really does, for a moment, what a lab host needs.

Everything that is made lies in namespaces of its own or in a folder that is removed, so nothing stays behind.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path

from kit.errors import MachineError
from kit.machine import mountinfo
from kit.machine.check import Check, complaint

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
"""The files in which a cgroup's limits of CPU and memory are set."""
_DUMMY_LINK = ("link", "add", "one", "type", "veth", "peer", "name", "two")


def system() -> Check:
    """Linux, on a processor that the images are built for."""
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() != "Linux":
        return Check(
            "system", "failure", found, "the lab is made of Linux namespaces", "Use a Linux machine for the lab."
        )
    if platform.machine() not in ("x86_64", "aarch64"):
        return Check(
            "system", "failure", found, "images are built for amd64 and arm64", "Use such a machine for the lab."
        )
    return Check("system", "ok", found)


def root() -> Check:
    """Namespaces, cgroups and mounts need root."""
    if os.geteuid() == 0:
        return Check("root", "ok", "yes")
    meaning = "namespaces, cgroups and mounts need root"
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
    """Every lab host has namespaces of its own."""
    said = complaint(["unshare", *_NAMESPACES, "true"])
    if said is None:
        return Check("namespaces", "ok", "network, mount, pid, uts, ipc")
    return Check("namespaces", "failure", said, "a lab host cannot be made", _CONTAINER_ADVICE)


def network() -> Check:
    """Hosts are joined by veth pairs on a bridge."""
    for words in (_DUMMY_LINK, ("link", "add", "switch", "type", "bridge")):
        said = complaint(["unshare", "--net", "ip", *words])
        if said is not None:
            advice = "modprobe veth bridge; install iproute2."
            return Check("network", "failure", said, "lab hosts cannot be connected", advice)
    return Check("network", "ok", "veth, bridge")


def shaping() -> Check:
    """A task's network rate is limited and fairly shared by the kernel; delay comes from a proxy, netem or not."""
    for name, words in _SHAPING.items():
        said = complaint(["unshare", "--net", "sh", "-c", words])
        if said is not None:
            meaning = "a task's network rate cannot be limited and shared"
            advice = "modprobe sch_tbf sch_htb cls_u32; install iproute2."
            return Check("shaping", "failure", f"{name}: {said}", meaning, advice)
    netem = complaint(["unshare", "--net", "sh", "-c", f"{_ON_LOOPBACK} netem delay 1ms"]) is None
    return Check("shaping", "ok", "rate by tbf and htb, delay by proxy" + (" (netem is here too)" if netem else ""))


def cgroups(mounts: Path = MOUNTINFO) -> Check:
    """A task's share of CPU and memory is a cgroup, v1 or v2, that we may make."""
    meaning, advice = "a task cannot be limited to its CPU share and memory", _CONTAINER_ADVICE
    try:
        hierarchies = mountinfo.Hierarchies.among(mountinfo.parse(mounts.read_text()))
    except MachineError:
        return Check("cgroups", "failure", "no cpu and memory controllers", meaning, advice)
    version = "v2" if hierarchies.unified else "v1"
    for folder, limit in zip((hierarchies.cpu, hierarchies.memory), _LIMITS[version], strict=True):
        said = _try_group(folder, limit, unified=hierarchies.unified)
        if said is not None:
            return Check("cgroups", "failure", f"{version}, {folder}: {said}", meaning, advice)
    return Check("cgroups", "ok", f"{version}, cpu and memory")


def _try_group(folder: Path, limit: str, *, unified: bool) -> str | None:
    """Make a group, look for its limit, remove it; None when all of it works."""
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
        room = Path(tempfile.mkdtemp(prefix=".sociometer-doctor-", dir=folder))
    except OSError as error:
        advice = "Make it writable, or move it with SOCIOMETER_DATA."
        return Check("overlayfs", "failure", f"{folder}: {error.strerror}", "the lab cannot keep its files", advice)
    try:
        for name in ("lower", "upper", "work", "merged"):
            (room / name).mkdir()
        options = f"lowerdir={room}/lower,upperdir={room}/upper,workdir={room}/work"
        inside = ("mount", "-t", "overlay", "overlay", "-o", options, room / "merged")
        said = complaint(["unshare", "--mount", "--propagation", "private", *inside])
    finally:
        shutil.rmtree(room)
    if said is None:
        return Check("overlayfs", "ok", f"works at {folder}")
    advice = (
        "Put the data on ext4 or xfs with SOCIOMETER_DATA (overlayfs does not lie on overlayfs), or modprobe overlay."
    )
    return Check("overlayfs", "failure", said, "plain images cannot be mounted", advice)


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest above it that exists already."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def pressure(file: Path = PRESSURE) -> Check:
    """Pressure stall information tells when a round's hosts lacked CPU."""
    try:
        file.read_text()
    except OSError:
        meaning = "rounds whose hosts lacked CPU are told by steal time alone"
        return Check("pressure", "warning", f"no {file}", meaning, "Boot with psi=1, if the kernel has it.")
    return Check("pressure", "ok", str(file.parent))
