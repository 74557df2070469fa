"""A private containerd for as long as a block lasts: only soci's v1 index needs an image in containerd's store.

It unpacks and runs nothing. Its sockets lie in a short path of their own (108 characters are the limit), its
content in the room given; it dies with this process, and the block's end removes everything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.oci.regctl import Deadline
from kit.command import run
from kit.daemon import DIES_WITH_US, START_SECONDS, running
from kit.errors import CommandTimeout, MachineError
from kit.scratch import socket_folder, temporary_folder
from kit.toolchain.toolbox import tool

_UNUSED_PLUGINS = (
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.restart",
    "io.containerd.nri.v1.nri",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)


def config(root: Path, state: Path, socket: Path) -> str:
    """Configuration of a containerd 2 that keeps its content in ``root``, without the plugins that we never use."""
    return (
        f"version = 3\nroot = {json.dumps(str(root))}\nstate = {json.dumps(str(state))}\n"
        f"disabled_plugins = {json.dumps(_UNUSED_PLUGINS)}\n\n[grpc]\naddress = {json.dumps(str(socket))}\n"
    )


@contextmanager
def private_containerd(room: Path) -> Iterator[Path]:
    """Run containerd with its content in ``room`` and give the path of its socket. Needs root."""
    if os.geteuid() != 0:
        raise MachineError("Form soci-v1 needs root, because it starts a containerd. Form soci-v2 does not.")
    with temporary_folder("sociometer-ctd-") as state, socket_folder(state) as sockets:
        settings, socket = state / "config.toml", sockets / "socket"
        settings.write_text(config(room / "containerd", state / "state", socket))
        command: list[str | Path] = [*DIES_WITH_US, tool("containerd"), "--config", settings, "--log-level", "warn"]
        with running("containerd", command, room / "containerd.log", lambda: _answers(socket), failure=MachineError):
            yield socket


def import_image(archive: Path, repository: str, address: Path, deadline: Deadline) -> None:
    """Load an OCI layout tar into containerd's store, named ``repository@digest``; nothing is unpacked."""
    words = ("--address", str(address), "image", "import", "--no-unpack", "--digests", "--base-name", repository)
    run([tool("ctr"), *words, str(archive)], timeout_seconds=deadline.remaining_seconds())


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    try:
        words = ("--address", str(socket), "version")
        return run([tool("ctr"), *words], timeout_seconds=START_SECONDS, check=False).exit_code == 0
    except CommandTimeout:
        return False
