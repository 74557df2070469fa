"""What a host shows of the layers under its container: in its mounts, its snapshotter's log, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.lab import fuse_log, mounts, snapshotter_log
from infra.lab.fuse_log import Access
from infra.lab.sandbox import Sandbox
from infra.lab.snapshotter_log import Loading


@dataclass(frozen=True)
class HostLayers:
    """The layers of one host; ``folder`` is the host's, and everything of it lies there."""

    folder: Path
    sandbox: Sandbox

    @property
    def rootfs(self) -> Path:
        """Where the container's root is mounted, as the host sees it."""
        return self.folder / "rootfs"

    @property
    def soci_root(self) -> Path:
        """Where the soci-snapshotter keeps and mounts its layers."""
        return self.folder / "soci"

    @property
    def soci_log(self) -> Path:
        """What the soci-snapshotter writes."""
        return self.folder / "soci-snapshotter.log"

    def snapshotter(self) -> str | None:
        """Which snapshotter the container's root really comes from (see `mounts.snapshotter`)."""
        return mounts.snapshotter(self.sandbox.mounts(), self.rootfs, self.soci_root)

    def lazy(self) -> int:
        """How many are FUSE mounts now."""
        return len(self.lazy_devices())

    def lazy_devices(self) -> list[int]:
        """The device numbers of those."""
        return mounts.lazy_devices(self.sandbox.mounts(), self.soci_root)

    def folders(self) -> list[Path]:
        """Where each is mounted or unpacked, lowest first, as seen from outside."""
        folders = mounts.layer_folders(self.sandbox.mounts(), self.rootfs, self.soci_root)
        return [self.sandbox.inside(folder) for folder in folders]

    def whole_bytes(self) -> int:
        """Size of what was fetched whole: all blobs that containerd and the snapshotter keep, each for itself."""
        stores = (self.folder / "containerd/io.containerd.content.v1.content", self.soci_root / "content")
        blobs = (file for store in stores for file in (store / "blobs").rglob("*") if file.is_file())
        return sum(file.stat().st_size for file in blobs)

    def why_not_lazy(self) -> str:
        """Which ones the soci-snapshotter left to containerd, and why; empty where it says nothing."""
        return snapshotter_log.told(snapshotter_log.fallen_back(self._log()))

    def loading(self) -> Loading:
        """What the soci-snapshotter did beside lazy loading."""
        return snapshotter_log.loading(self._log())

    def failed_reads(self, until_ns: int) -> str:
        """What the soci-snapshotter could not read until some moment; empty if nothing."""
        return snapshotter_log.failed_reads(self._log(), until_ns)

    def accesses(self) -> Iterator[Access]:
        """What was asked of the lazy ones, where the soci-snapshotter was told to log it (`PullModes.traced`)."""
        return fuse_log.accesses(self._log())

    def _log(self) -> str:
        return self.soci_log.read_text(errors="replace")
