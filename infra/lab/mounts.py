"""What the mounts of a host prove: which snapshotter gave the container its root, and which layers are lazy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FUSE_KIND = "fuse.rawBridge"
"""File system type of a layer that the soci-snapshotter mounts lazily."""
OVERLAYFS = "overlayfs"
SOCI = "soci"


@dataclass(frozen=True)
class Mount:
    """One line of proc(5) mountinfo: where it is mounted, what it is, and its options."""

    point: Path
    kind: str
    options: str


def parse(mountinfo: str) -> list[Mount]:
    """The mounts in a mountinfo file."""
    mounts = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        mounts.append(Mount(Path(left.split(" ")[4]), kind, options))
    return mounts


def lazy_layers(mounts: list[Mount], soci_root: Path) -> int:
    """How many layers the soci-snapshotter serves through FUSE."""
    return sum(mount.kind == FUSE_KIND and mount.point.is_relative_to(soci_root) for mount in mounts)


def snapshotter(mounts: list[Mount], container: str, soci_root: Path) -> str | None:
    """Which snapshotter the container's root comes from; None while it has none.

    Like Fargate's metadata it says ``soci`` only where layers are really lazy: a container that the
    soci-snapshotter gave nothing but downloaded layers is told as ``overlayfs``.
    """
    for mount in mounts:
        if mount.point.parts[-2:] == (container, "rootfs"):
            from_soci = f"upperdir={soci_root}/" in mount.options
            return SOCI if from_soci and lazy_layers(mounts, soci_root) else OVERLAYFS
    return None
