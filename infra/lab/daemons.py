"""Configuration of the daemons of a lab host, as text: pure, no I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from infra.forms import FormSpec
from infra.oci import containerd

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
SOCI_SOCKET = "/run/soci-snapshotter/soci.sock"


@dataclass(frozen=True)
class Parallel:
    """How an image is pulled whole, and its layers unpacked, at the same time (soci-snapshotter's
    `docs/parallel-mode.md`): layers at once, and the bytes of a request."""

    downloads: int
    unpacks: int
    chunk_bytes: int


@dataclass(frozen=True)
class PullModes:
    """What a host's soci-snapshotter is told to do beside loading what has a v2 index lazily."""

    v1: bool = False
    prefetch: bool = False
    parallel: Parallel | None = None
    traced: bool = False
    """Every request to its file systems is logged (with its log at level debug), and nothing is fetched unasked.

    It also keeps more layers that it has resolved but not mounted yet: of the 30 that it keeps unless told otherwise,
    an image of 127 layers throws each out before its turn, and each mount resolves all of them anew (`fs/fs.go`)."""

    @classmethod
    def of(cls, form: str) -> PullModes:
        """What a form needs, and nothing else: one form's setting must not change how another one is loaded."""
        spec = FormSpec.parse(form)
        parallel = None
        if spec.kind == "parallel-pull":
            parallel = Parallel(*(spec.number(key, 0) for key in ("downloads", "unpacks", "chunk")))
        return cls(spec.kind == "soci-v1", spec.prefetches, parallel)


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


def soci_config(registry: str, modes: PullModes) -> str:
    """soci-snapshotter: reads from one plain-HTTP registry; v1 indexes (through referrers) only when asked for."""
    parallel = _parallel(modes.parallel) if modes.parallel else ""
    prefetch = "[prefetch]\nenable = true\n\n" if modes.prefetch else ""
    return f"""{_TRACED if modes.traced else ""}[content_store]
containerd_address = "{CONTAINERD_SOCKET}"
{_IN_CONTAINERD if modes.parallel else ""}
[pull_modes.soci_v1]
enable = {json.dumps(modes.v1)}

[pull_modes.soci_v2]
enable = true

{prefetch}{parallel}[[resolver.host."{registry}".mirrors]]
host = "http://{registry}"
insecure = true
"""


_IN_CONTAINERD = 'type = "containerd"\n'
"""The parallel mode works only with containerd's own content store, says the snapshotter when it is started without."""


def _parallel(parallel: Parallel) -> str:
    """Layers are not kept once they are unpacked, as the documentation's example has it: that saves a write."""
    return f"""[pull_modes.parallel_pull_unpack]
enable = true
max_concurrent_downloads = -1
max_concurrent_downloads_per_image = {parallel.downloads}
concurrent_download_chunk_size = "{parallel.chunk_bytes}b"
max_concurrent_unpacks = -1
max_concurrent_unpacks_per_image = {parallel.unpacks}
discard_unpacked_layers = true

"""


_TRACED = """resolve_result_entry = 256

[fuse]
log_fuse_operations = true

[background_fetch]
disable = true

[prefetch]
enable = false

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
