"""What a host's mounts prove: which snapshotter provided the container's root, and which layers are lazy."""

from __future__ import annotations

from pathlib import Path

from kit.machine.mountinfo import Mount

FUSE_KIND = "fuse.rawBridge"
"""File system type of a layer that the soci-snapshotter mounts lazily."""
OVERLAYFS = "overlayfs"
SOCI = "soci"


def lazy_devices(mounts: list[Mount], soci_root: Path) -> list[int]:
    """The device numbers of the layers that the soci-snapshotter serves through FUSE."""
    return [mount.device for mount in mounts if mount.kind == FUSE_KIND and mount.point.is_relative_to(soci_root)]


def layer_folders(mounts: list[Mount], rootfs: Path, soci_root: Path) -> list[Path]:
    """The folders that overlayfs puts together at ``rootfs``, lowest first, without the writable one.

    Where there are many, containerd names them relative to the snapshotter's own folder, for want of space.
    """
    options = next((mount.options for mount in mounts if mount.point == rootfs), "")
    words = (word.partition("=") for word in options.split(","))
    lower = [path for key, _, value in words if key in ("lowerdir", "lowerdir+") for path in value.split(":")]
    return [soci_root / "snapshotter" / "snapshots" / path for path in reversed(lower)]


def snapshotter(mounts: list[Mount], rootfs: Path, soci_root: Path) -> str | None:
    """Which snapshotter the container's root, mounted at ``rootfs``, comes from; None while it has none.

    Like Fargate's metadata it says ``soci`` only where layers are really lazy: a container that the
    soci-snapshotter gave nothing but downloaded layers is told as ``overlayfs``.
    """
    for mount in mounts:
        if mount.point == rootfs:
            from_soci = f"upperdir={soci_root}/" in mount.options
            return SOCI if from_soci and lazy_devices(mounts, soci_root) else OVERLAYFS
    return None
