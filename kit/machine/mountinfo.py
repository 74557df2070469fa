"""The kernel's mount table, /proc/PID/mountinfo (proc(5)), and the cgroup controllers in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kit.errors import MachineError


@dataclass(frozen=True)
class Mount:
    """One line of the mount table: the mount point, the type of the file system, its options, and its device number
    (the minor one: file systems without a disk of their own have the major number 0)."""

    point: Path
    kind: str
    options: str
    device: int = 0


def of(pid: int | str = "self") -> list[Mount]:
    """The mounts that a process sees."""
    return parse(Path(f"/proc/{pid}/mountinfo").read_text())


def parse(mountinfo: str) -> list[Mount]:
    """The mounts in a mountinfo file."""
    mounts = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        words = left.split(" ")
        mounts.append(Mount(Path(words[4]), kind, options, int(words[2].partition(":")[2])))
    return mounts


@dataclass(frozen=True)
class Hierarchies:
    """Where the cgroup controllers are mounted: one folder per v1 controller, or one for all in v2."""

    mounts: tuple[Path, ...]
    cpu: Path
    memory: Path
    unified: bool

    @classmethod
    def among(cls, mounts: list[Mount]) -> Hierarchies:
        """Find them among a machine's mounts; raises `MachineError` without the controllers cpu and memory."""
        v1 = {option: mount.point for mount in mounts if mount.kind == "cgroup" for option in mount.options.split(",")}
        v2 = [mount.point for mount in mounts if mount.kind == "cgroup2"]
        if {"cpu", "memory"} <= v1.keys():
            folders = [folder for option, folder in v1.items() if option not in ("rw", "ro")]
            return cls(tuple(dict.fromkeys([*folders, *v2])), v1["cpu"], v1["memory"], unified=False)
        if v2 and {"cpu", "memory"} <= set((v2[0] / "cgroup.controllers").read_text().split()):
            return cls((v2[0],), v2[0], v2[0], unified=True)
        raise MachineError("The cgroup controllers cpu and memory are not both available: a task cannot be limited.")
