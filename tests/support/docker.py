"""A real dockerd for one test: its own data, socket and pid file in a temporary folder, without network or iptables.

Docker comes from Debian's package, unpacked into the cache and not installed: a machine's own Docker stays untouched.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.sources.daemon import accepts
from kit import locks
from kit.daemon import DIES_WITH_US, running
from kit.errors import MachineError
from kit.paths import cache_dir
from kit.toolchain.packages import unpack
from kit.toolchain.source import DebianPackage
from kit.toolchain.toolbox import tool

PACKAGE = DebianPackage("docker.io", ("usr/sbin/dockerd", "usr/bin/docker", "usr/bin/docker-init"))


@dataclass(frozen=True)
class Docker:
    """A daemon that runs: ``host`` is what DOCKER_HOST has to say."""

    programs: Path
    socket: Path

    @property
    def host(self) -> str:
        """Of the form unix:///path."""
        return f"unix://{self.socket}"

    def __call__(self, *words: str | Path, stdin: bytes | None = None) -> str:
        """Run ``docker`` with some words; what it printed."""
        environment = {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.socket.parent)}
        command = [self.programs / "docker", *words]
        done = subprocess.run(command, input=stdin, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"docker {words}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def build(self, name: str, lines: Sequence[str], files: Mapping[str, bytes]) -> str:
        """Build an image from a Dockerfile's lines and files, as `docker build` does; its id."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            for path, content in {"Dockerfile": "\n".join(lines).encode(), **files}.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o755
                archive.addfile(member, io.BytesIO(content))
        return self("build", "--quiet", "--tag", name, "-", stdin=context.getvalue())


@contextmanager
def docker() -> Iterator[Docker]:
    """Run dockerd for as long as the block lasts."""
    root = Path(tempfile.mkdtemp(prefix="docker-", dir="/tmp"))
    here = Docker(_programs(), root / "docker.sock")
    try:
        with running(
            "dockerd", _command(here, root), root / "log", lambda: _answers(here.socket), failure=MachineError
        ):
            yield here
    finally:
        shutil.rmtree(root)


def _command(here: Docker, root: Path) -> list[str | Path]:
    folders = {str(Path(tool(name)).parent): None for name in ("containerd", "runc")}
    path = os.pathsep.join([str(here.programs), *folders, os.environ["PATH"]])
    places = [f"--data-root={root / 'data'}", f"--exec-root={root / 'exec'}", f"--pidfile={root / 'pid'}"]
    apart = ["--storage-driver=vfs", "--iptables=false", "--bridge=none"]
    return [*DIES_WITH_US, "env", f"PATH={path}", here.programs / "dockerd", f"--host={here.host}", *places, *apart]


def _answers(socket: Path) -> bool:
    if not accepts(socket):  # httpx forgets to close a socket that is refused
        return False
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
            return client.get("http://docker/_ping").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _programs() -> Path:
    """Where the unpacked programs lie; unpacked once for all tests of this user."""
    folder = cache_dir() / "test-docker"
    folder.mkdir(parents=True, exist_ok=True)
    with locks.turn(folder / "lock"):
        if not (folder / "bin/docker").exists():
            shutil.rmtree(folder / "new", ignore_errors=True)
            (folder / "new").mkdir()
            unpack(PACKAGE, folder / "new")
            shutil.rmtree(folder / "bin", ignore_errors=True)
            (folder / "new/bin").rename(folder / "bin")
    return folder / "bin"
