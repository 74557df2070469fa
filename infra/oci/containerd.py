"""A private containerd for as long as a block lasts: only soci's v1 index needs an image in containerd's store.

It unpacks and runs nothing. Its sockets lie in a short path of their own (108 characters are the limit), its
content in the room given; it dies with this process, and the block's end removes everything.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.oci.regctl import Deadline
from kit.command import LAST_LINES, run
from kit.errors import CommandTimeout, MachineError
from kit.toolchain.toolbox import tool

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_UNUSED_PLUGINS = (
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.nri.v1.nri",
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.restart",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
)


@contextmanager
def private_containerd(room: Path) -> Iterator[Path]:
    """Run containerd with its content in ``room`` and give the path of its socket. Needs root."""
    if os.geteuid() != 0:
        raise MachineError("Form soci-v1 needs root, because it starts a containerd. Form soci-v2 does not.")
    state = Path(tempfile.mkdtemp(prefix="sociometer-ctd-"))
    log = room / "containerd.log"
    try:
        process = _start(_configure(room, state), log)
        try:
            _wait_until_it_answers(state / "socket", process, log)
            yield state / "socket"
        finally:
            _stop(process)
    finally:
        shutil.rmtree(state)


def import_image(archive: Path, repository: str, address: Path, deadline: Deadline) -> None:
    """Load an OCI layout tar into containerd's store, named ``repository@digest``; nothing is unpacked."""
    words = ("--address", str(address), "image", "import", "--no-unpack", "--digests", "--base-name", repository)
    run([tool("ctr"), *words, str(archive)], timeout_seconds=deadline.remaining_seconds())


def _configure(room: Path, state: Path) -> Path:
    config = state / "config.toml"
    config.write_text(
        f"version = 3\nroot = {json.dumps(str(room / 'containerd'))}\nstate = {json.dumps(str(state / 'state'))}\n"
        f"disabled_plugins = {json.dumps(_UNUSED_PLUGINS)}\n\n[grpc]\naddress = {json.dumps(str(state / 'socket'))}\n"
    )
    return config


def _start(config: Path, log: Path) -> subprocess.Popen[bytes]:
    """``setpriv`` asks the kernel to kill it with us: a SIGKILL of ours must not leave a daemon behind."""
    words = ("--pdeathsig", "KILL", "--", str(tool("containerd")), "--config", str(config), "--log-level", "warn")
    with log.open("wb") as output:
        return subprocess.Popen(
            ["setpriv", *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def _wait_until_it_answers(socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if socket.exists() and _answers(socket):
            return
        time.sleep(0.02)
    said = "\n  ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
    raise MachineError(f"A private containerd did not start within {START_SECONDS:g} s. It said:\n  {said}")


def _answers(socket: Path) -> bool:
    try:
        words = ("--address", str(socket), "version")
        return run([tool("ctr"), *words], timeout_seconds=START_SECONDS, check=False).exit_code == 0
    except CommandTimeout:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
