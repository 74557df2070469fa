"""Configuration of the daemons of a lab host, as text: pure, no I/O."""

from __future__ import annotations

import json
from pathlib import Path

from infra.oci import containerd

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
SOCI_SOCKET = "/run/soci-snapshotter/soci.sock"


def containerd_config(folder: Path, soci_root: Path, platform: str) -> str:
    """containerd 2, with the soci-snapshotter as a proxy plugin, pulling through the transfer service.

    The transfer service unpacks only for snapshotters that it is told of, and the snapshotter loads lazily only
    when containerd hands it the image's annotations.
    """
    base = containerd.config(folder / "containerd", Path("/run/containerd"), Path(CONTAINERD_SOCKET))
    return f"""{base}
[proxy_plugins.soci]
  type = "snapshot"
  address = "{SOCI_SOCKET}"
  [proxy_plugins.soci.exports]
    root = {json.dumps(str(soci_root))}
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
enable = {json.dumps(v1)}

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
