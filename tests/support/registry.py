"""A real Docker registry on a free port for one test: deletion enabled, data in a temporary directory."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.daemon import DIES_WITH_US, running
from kit.errors import MachineError
from kit.toolchain.toolbox import tool


@dataclass(frozen=True)
class TestRegistry:
    """Where the registry answers (``host:port``), and where its data lies."""

    __test__ = False

    host: str
    storage: Path

    def blob_path(self, digest: str) -> Path:
        """The file in which the registry keeps a blob."""
        algorithm, encoded = digest.split(":")
        return self.storage / "docker/registry/v2/blobs" / algorithm / encoded[:2] / encoded / "data"


@contextmanager
def registry(*, htpasswd: Path | None = None, port: int | None = None) -> Iterator[TestRegistry]:
    """Run a registry as long as the block lasts; ``htpasswd`` asks every client for a password."""
    root = Path(tempfile.mkdtemp(prefix="sociometer-registry-", dir="/tmp"))
    address = f"127.0.0.1:{port or free_port()}"
    (root / "config.yml").write_text(_config(root, address, htpasswd))
    command: list[str | Path] = [*DIES_WITH_US, tool("docker-registry"), "serve", root / "config.yml"]
    try:
        with running("test registry", command, root / "log", lambda: _is_open(address), failure=MachineError):
            yield TestRegistry(address, root / "data")
    finally:
        shutil.rmtree(root)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(root: Path, address: str, htpasswd: Path | None) -> str:
    auth = f"auth:\n  htpasswd: {{realm: test, path: {htpasswd}}}\n" if htpasswd else ""
    return (
        "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"
        f"storage:\n  filesystem: {{rootdirectory: {root / 'data'}}}\n  delete: {{enabled: true}}\n"
        f"http: {{addr: '{address}', secret: not-a-secret}}\n{auth}"
    )


def _is_open(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
