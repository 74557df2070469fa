"""A real dockerd for one test: its own data, socket and pid file in a temporary folder, without network or iptables.

Docker comes from Debian's package, unpacked into the cache and not installed: a machine's own Docker stays untouched.
A privileged container gets every capability that Docker knows. Where the tests' own machine is a container that lacks
some, runc refuses; so it is told of those that are there.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
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
from kit.machine import mountinfo
from kit.paths import cache_dir
from kit.toolchain.packages import unpack
from kit.toolchain.source import DebianPackage
from kit.toolchain.toolbox import tool
from tests.support.programs import script

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

    def cgroups(self) -> list[Path]:
        """The groups below which those of its containers lie, and of no other daemon's: one in each hierarchy."""
        return [path for path in Path("/sys/fs/cgroup").glob(f"**/{self.socket.parent.name}") if path.is_dir()]

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
def docker(data: Path | None = None, storage: str = "vfs") -> Iterator[Docker]:
    """Run dockerd for as long as the block lasts; its images lie in ``data``, where they are to be kept."""
    root = Path(tempfile.mkdtemp(prefix="docker-", dir="/tmp"))
    here = Docker(_programs(), root / "docker.sock")
    command = [*_command(here, root), f"--data-root={data or root / 'data'}", f"--storage-driver={storage}"]
    try:
        with running("dockerd", command, root / "log", lambda: _answers(here.socket), failure=MachineError):
            yield here
    finally:
        for mount in mountinfo.of():  # dockerd leaves the one of the machine's own network
            if mount.point.is_relative_to(root):
                subprocess.run(["umount", mount.point], check=True)
        for group in here.cgroups():
            group.rmdir()
        shutil.rmtree(root)


def _command(here: Docker, root: Path) -> list[str | Path]:
    script(root / "runc", _RUNC.format(python=sys.executable, runc=tool("runc"), code=_WITHOUT_WHAT_IS_LACKING))
    path = os.pathsep.join([str(root), str(here.programs), str(tool("containerd").parent), os.environ["PATH"]])
    places = [f"--exec-root={root / 'exec'}", f"--pidfile={root / 'pid'}"]
    apart = ["--iptables=false", "--bridge=none", f"--cgroup-parent=/{root.name}"]
    return [*DIES_WITH_US, "env", f"PATH={path}", here.programs / "dockerd", f"--host={here.host}", *places, *apart]


_RUNC = """case " $* " in *" create "*) {python} -c '{code}' "$@" ;; esac
exec {runc} "$@\""""
_WITHOUT_WHAT_IS_LACKING = """
import json, pathlib, sys
config = pathlib.Path(sys.argv[sys.argv.index("--bundle") + 1], "config.json")
about, lines = json.loads(config.read_text()), pathlib.Path("/proc/self/status").read_text().splitlines()
bounding = int(next(line.split()[1] for line in lines if line.startswith("CapBnd:")), 16)
lacking = {"CAP_SYS_RESOURCE"} if not bounding >> 24 & 1 else set()
kinds = about["process"].get("capabilities", {})
about["process"]["capabilities"] = {kind: sorted(set(names) - lacking) for kind, names in kinds.items()}
config.write_text(json.dumps(about))
"""


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
