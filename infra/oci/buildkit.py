"""Builds a Dockerfile into an OCI layout with a BuildKit daemon of its own that lives for one build.

The daemon runs as root with the OCI worker, in its own mount namespace and under a scratch root, and dies with
this process whatever happens: nothing of it can be left. Reproducible: the same inputs give the same digest, on
any machine, for any platform, as long as the Dockerfile runs nothing in the target's architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.oci.layout import only_entry
from kit.command import run
from kit.credentials import environment_without
from kit.daemon import DIES_WITH_US, running
from kit.errors import CommandFailed, ImageError
from kit.scratch import scratch, socket_folder
from kit.toolchain.toolbox import tool, tools_path

BUILD_SECONDS = 1800.0


@dataclass(frozen=True)
class ImageInLayout:
    """An image in an OCI layout folder, by the digest of its manifest or index."""

    layout: Path
    digest: str


@dataclass(frozen=True)
class BuildRequest:
    """What to build. ``folders`` and ``images`` are named contexts, ``dockerfile`` is relative to ``context``."""

    context: Path
    dockerfile: str
    platform: str
    folders: Mapping[str, Path] = field(default_factory=dict)
    images: Mapping[str, ImageInLayout] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    source_date_epoch: int = 0


def build(request: BuildRequest, destination: Path) -> ImageInLayout:
    """Build into the new folder ``destination``: an OCI layout with one image, a single manifest, gzip layers.

    Raises `CommandFailed` with BuildKit's last lines, and `ImageError` when it made something else.
    """
    with daemon() as address:
        run(
            [tool("buildctl"), "--addr", address, "build", "--progress", "plain", *_options(request, destination)],
            timeout_seconds=BUILD_SECONDS,
        )
    return ImageInLayout(destination, _only_digest(destination))


@contextmanager
def daemon() -> Iterator[str]:
    """A BuildKit daemon for as long as the block lasts; gives its address."""
    with scratch("buildkit") as room, socket_folder(room) as sockets:
        socket = sockets / "socket"
        command = _daemon_command(room, socket)
        env = {**environment_without(), "PATH": tools_path(), "TMPDIR": str(room)}  # it finds runc by its name
        with running("buildkitd", command, room / "log", socket.exists, failure=CommandFailed, env=env):
            yield f"unix://{socket}"


def _daemon_command(room: Path, socket: Path) -> list[str | Path]:
    """It dies with us, and its mounts with it (a mount namespace of its own).

    Its trace socket, unless told otherwise, has one fixed place on the machine: two daemons would meet there.
    """
    return [
        *DIES_WITH_US,
        *("unshare", "--mount", "--propagation", "private"),
        *(tool("buildkitd"), "--root", room / "root", "--addr", f"unix://{socket}"),
        *("--otel-socket-path", str(socket.with_name("otel.sock"))),
        *("--oci-worker=true", "--containerd-worker=false", "--oci-worker-gc=false", "--oci-worker-net=host"),
    ]


def _options(request: BuildRequest, destination: Path) -> list[str]:
    dockerfile = request.context / request.dockerfile
    options = [
        *("--frontend", "dockerfile.v0", "--opt", f"filename={dockerfile.name}"),
        *("--opt", f"platform={request.platform}"),
        *("--local", f"context={request.context}", "--local", f"dockerfile={dockerfile.parent}"),
        *("--opt", f"build-arg:SOURCE_DATE_EPOCH={request.source_date_epoch}"),
        *("--output", f"type=oci,dest={destination},{_EXPORT}"),
    ]
    for name, folder in request.folders.items():
        options += ["--local", f"{name}={folder}", "--opt", f"context:{name}=local:{name}"]
    for name, image in request.images.items():
        options += ["--oci-layout", f"{name}={image.layout}"]
        options += ["--opt", f"context:{name}=oci-layout://{name}@{image.digest}"]
    for name, value in request.arguments.items():
        options += ["--opt", f"build-arg:{name}={value}"]
    return options


_EXPORT = "tar=false,compression=gzip,force-compression=true,rewrite-timestamp=true"


def _only_digest(layout: Path) -> str:
    """The one manifest that the layout's index names."""
    entry = only_entry(layout)
    if "manifest" not in entry.media_type:
        raise ImageError(f"The build made {entry.media_type} instead of one image manifest.")
    return entry.digest
