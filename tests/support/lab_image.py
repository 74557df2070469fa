"""What the lab's image is built from where no registry and no publisher can be reached: a base made of Debian packages,
and this machine's tools, packed as their publishers pack them, from a server on loopback.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from benchmarks.tools_install import Quiet, publish
from infra.lab_container import context
from infra.sources.base import SUITE
from kit import locks
from kit.command import run
from kit.files import made_once
from kit.paths import cache_dir
from kit.toolchain.pins import TOOLS
from kit.toolchain.toolbox import locate, tool
from tests.support.background import answering
from tests.support.docker import Docker, docker
from tests.support.environments import ROOT

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE, PYTHON = "lab-test:base", "lab-test:python"
MAKE_SECONDS = 900.0


@contextmanager
def kept_docker() -> Iterator[Docker]:
    """A daemon whose images stay from one run of the tests to the next, so that what is dear is made once: the base and
    the Python packages on it. One process at a time has it.
    """
    folder = cache_dir() / "test-docker"
    folder.mkdir(parents=True, exist_ok=True)
    with locks.turn(folder / "data.lock"), docker(folder / "data", "overlay2") as engine:
        yield engine


@contextmanager
def published(folder: Path) -> Iterator[tuple[Path, str]]:
    """A checkout whose pins are those of archives that a server on loopback has, and the server's address."""
    versions = repr([(entry.tool.name, entry.version) for entry in map(locate, TOOLS)])
    key = hashlib.sha256(versions.encode()).hexdigest()[:12]
    files = made_once(cache_dir() / "tests" / f"published-{key}", _publish)
    context.lay_out(folder)
    shutil.copy(files / "releases.json", folder / "tools" / "releases.json")
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(files)))) as server:
        yield folder, f"http://127.0.0.1:{server.server_port}"


def prepare(engine: Docker, checkout: Path, room: Path) -> None:
    """Make the base, with this machine's authorities, and what the image has from others; quick the second time."""
    if not engine("images", "--quiet", BASE):
        packages = "ca-certificates,fuse3,iproute2,mmdebstrap,python3,python3-venv,tini"
        words = [tool("mmdebstrap"), "--quiet", "--variant=apt", f"--include={packages}", SUITE, room / "base.tar"]
        run(words, timeout_seconds=MAKE_SECONDS, trusted=True)
        engine("import", "--change", f"ENV SSL_CERT_FILE={AUTHORITIES}", room / "base.tar", f"{BASE}-packages")
        lines = (f"FROM {BASE}-packages", f"COPY authorities {AUTHORITIES}")
        engine.build(BASE, lines, {"authorities": AUTHORITIES.read_bytes()})
    words = ("build", "--network", "host", "--build-arg", f"BASE={BASE}", "--target", "python", "--tag", PYTHON)
    engine(*words, "--file", checkout / context.DOCKERFILE, checkout)


def _publish(folder: Path) -> None:
    shutil.copy(ROOT / "tools" / "releases.json", folder)
    publish(folder, folder / "releases.json", total_bytes=0)
