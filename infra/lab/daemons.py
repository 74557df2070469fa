"""Configuration of the daemons of a lab host, as text: pure, no I/O."""

from __future__ import annotations

import json
from pathlib import Path

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
SOCI_SOCKET = "/run/soci-snapshotter/soci.sock"

_UNUSED_PLUGINS = (
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.internal.v1.opt",
    "io.containerd.nri.v1.nri",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)


def containerd_config(folder: Path, soci_root: Path, platform: str) -> str:
    """containerd 2, with the soci-snapshotter as a proxy plugin, pulling through the transfer service.

    The transfer service unpacks only for snapshotters that it is told of, and the snapshotter loads lazily only
    when containerd hands it the image's annotations.
    """
    return f"""version = 3
root = {_quoted(folder / "containerd")}
state = "/run/containerd"
disabled_plugins = {json.dumps(_UNUSED_PLUGINS)}

[grpc]
  address = "{CONTAINERD_SOCKET}"

[proxy_plugins.soci]
  type = "snapshot"
  address = "{SOCI_SOCKET}"
  [proxy_plugins.soci.exports]
    root = {_quoted(soci_root)}
    enable_remote_snapshot_annotations = "true"

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
  platform = "{platform}"
  snapshotter = "overlayfs"

[[plugins.'io.containerd.transfer.v1.local'.unpack_config]]
  platform = "{platform}"
  snapshotter = "soci"
"""


def soci_config(registry: str, *, v1: bool) -> str:
    """soci-snapshotter: reads from one plain-HTTP registry; v1 indexes (through referrers) only when asked for."""
    return f"""[content_store]
containerd_address = "{CONTAINERD_SOCKET}"

[pull_modes.soci_v1]
enable = {_toml(v1)}

[pull_modes.soci_v2]
enable = true

[[resolver.host."{registry}".mirrors]]
host = "http://{registry}"
insecure = true
"""


def registry_config(storage: Path, address: str) -> str:
    """A second, read-only registry process over the lab registry's storage, as JSON (which is YAML)."""
    return json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage)},
                "maintenance": {"readonly": {"enabled": True}, "uploadpurging": {"enabled": False}},
            },
            "http": {"addr": address},
        }
    )


def _quoted(path: Path) -> str:
    return json.dumps(str(path))


def _toml(value: bool) -> str:
    return "true" if value else "false"
