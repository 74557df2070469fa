"""The lab's registry: a real docker-registry process on 127.0.0.1 that outlives the command that started it.

Plain functions; the Pulumi provider on top is thin. Everything of one registry lies in one folder:

    <folder>/storage/       the registry's root directory (blobs and manifests)
    <folder>/storage-id     made with the storage: another id means that the images are gone
    <folder>/config.yml  registry.log

The process is recognised by its command line, which names this folder's config.yml. There is no pid file that a kill
could leave unwritten, and no reused pid can be mistaken for it. Each function can be repeated
after a kill at any point.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.lab.registry_identity import STORAGE_ID, answers, storage_id
from infra.oci import config
from infra.oci.config import ImageConfig
from infra.oci.manifest import Index, Manifest, as_image, parse, split
from kit import daemon, locks
from kit.documents import object_of
from kit.errors import MachineError, StackError
from kit.files import write
from kit.machine import processes
from kit.machine.processes import find, listener
from kit.paths import data_dir
from kit.toolchain.toolbox import tool

HOST = "127.0.0.1"
FIRST_PORT = 5000
PORTS_TRIED = 200
START_SECONDS = 15.0
ROOT = Path("docker/registry/v2")
"""Of a registry's files, below its root directory."""
LOCK = "lock"
"""Two commands on one registry take turns."""
TURN_SECONDS = 120.0
"""Longer than a start or a stop takes; then its holder hangs."""


@dataclass(frozen=True)
class Registry:
    """The state of a registry: its folder, where it listens, the identity of its storage, and whether it runs."""

    folder: Path
    port: int
    storage_id: str
    running: bool

    @property
    def address(self) -> str:
        """``host:port``, as it stands before a repository's name."""
        return f"{HOST}:{self.port}"

    @property
    def storage(self) -> Path:
        """The registry's root directory."""
        return self.folder / "storage"


def registry_folder(stack: str) -> Path:
    """Where the registry of a stack keeps everything."""
    return data_dir() / "lab" / stack / "registry"


def ensure(folder: Path, port: int | None, former_port: int | None = None) -> Registry:
    """Make the registry run on ``port``; without one, where it was, else on the first free port from 5000.

    One that already runs there is left running; one on another port is moved, its data kept. Raises
    `MachineError` when the port is taken (and says by whom, if that can be known) or the process does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locks.turn(folder / LOCK, seconds=TURN_SECONDS):
        identity = storage_id(folder)
        running = _process(folder)
        if running is not None and port in (None, running.port):
            return Registry(folder, running.port, identity, running=True)
        if running is not None:
            daemon.stop(running.process)
        chosen = _on_a_free_port(port, former_port, lambda free: _start(folder, free))
    return Registry(folder, chosen, identity, running=True)


def inspect(folder: Path, port: int) -> Registry | None:
    """The registry as it is now; ``port`` is where it was. None when its storage is gone."""
    if not (folder / "storage-id").is_file() or not (folder / "storage").is_dir():
        return None
    process = _process(folder)
    return Registry(folder, process.port if process else port, storage_id(folder), running=process is not None)


def remove(folder: Path) -> None:
    """Stop the registry, remove its data, and verify both."""
    if folder.exists():
        with locks.turn(folder / LOCK, seconds=TURN_SECONDS):
            running = _process(folder)
            if running is not None:
                daemon.stop(running.process)
        shutil.rmtree(folder)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def forget_uploads(folder: Path) -> None:
    """Remove what pushes have left that failed half-way: the registry keeps it for a week, and it may fill the disk.

    Nobody may push meanwhile.
    """
    for uploads in list((folder / "storage" / ROOT).glob("repositories/**/_uploads")):
        for file in uploads.rglob("*"):
            # A file that it could not write to, it holds open until its garbage is collected (distribution's
            # `registry/storage/driver/filesystem`, `fileWriter.Close`): removed alone, it would take room till then.
            if file.is_file():
                os.truncate(file, 0)
        shutil.rmtree(uploads)


@dataclass(frozen=True)
class _Running:
    process: psutil.Process
    port: int


def image_manifest(storage: Path, digest: str) -> Manifest:
    """The manifest of an image, or of the one image of an index, in a registry's storage, running or not."""
    document = parse(blob(storage, digest), name=digest)
    if isinstance(document, Index):
        digest = split(document, digest)[1].digest
        document = parse(blob(storage, digest), name=digest)
    return as_image(document, digest)


def image_config(storage: Path, digest: str) -> ImageConfig:
    """The configuration of an image (or of the one image of an index) in a registry's storage, running or not."""

    return config.read(
        digest, lambda known: parse(blob(storage, known), name=known), lambda known: blob(storage, known).decode()
    )


def blob_path(storage: Path, digest: str) -> Path:
    """Where a blob or manifest lies below the root directory of a registry."""
    algorithm, hexadecimal = digest.split(":")
    return storage / ROOT / "blobs" / algorithm / hexadecimal[:2] / hexadecimal / "data"


def blob(storage: Path, digest: str) -> bytes:
    """A blob or manifest in a registry's storage, running or not; raises `StackError` when it is not there."""
    try:
        return blob_path(storage, digest).read_bytes()
    except FileNotFoundError as error:
        raise StackError(f"The lab's registry has lost {digest}. `sociometer up` makes it again.") from error


def _process(folder: Path) -> _Running | None:
    """The registry's process, if there is one, and the port that it was started with."""
    config = folder / "config.yml"
    process = find(("serve", str(config)))
    if process is None:
        return None
    try:
        address = object_of(config.read_bytes())["http"]["addr"]
        return _Running(process, int(address.rpartition(":")[2]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StackError(f"The lab's registry runs, and its configuration {config} cannot be read: {error}.") from error


def _on_a_free_port(wanted: int | None, former: int | None, start: Callable[[int], object]) -> int:
    """Start on the wanted port, or else where it was, or on the first free one; which port it is.

    Between the look at a port and the start on it, another program may take it: then the next one is tried.
    """
    if wanted is not None:
        if not _is_free(wanted):
            raise MachineError(_taken(wanted))
        start(wanted)
        return wanted
    candidates: list[int] = [*([former] if former else []), *range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)]
    for port in candidates:
        if not _is_free(port):
            continue
        try:
            start(port)
        except MachineError:
            if _is_free(port):
                raise  # it is not the port
        else:
            return port
    raise MachineError(
        f"No port of {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free on {HOST}. Set registryPort."
    )


def _taken(port: int) -> str:
    owner = listener(port)
    by = f" by {owner}" if owner else ""
    return (
        f"Port {port} on {HOST} is taken{by}. Set registryPort to a free port, "
        "or leave it out and the first free one is used."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _config(folder: Path, port: int) -> str:
    """Deletion on, nothing announced to anybody, errors only in the log."""
    settings = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "storage")},
            "delete": {"enabled": True},
            "redirect": {"disable": True},
            "maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "24h", "dryrun": False}},
        },
        "http": {"addr": f"{HOST}:{port}", "secret": uuid.uuid4().hex, "headers": {STORAGE_ID: [storage_id(folder)]}},
    }
    return json.dumps(settings, indent=1)  # JSON is YAML


def _start(folder: Path, port: int) -> None:
    config = folder / "config.yml"
    write(config, _config(folder, port))
    command: list[str | Path] = [tool("docker-registry"), "serve", config]
    started = daemon.start("registry", command, folder / "registry.log", env=_environment(), cwd=folder)
    address = f"{HOST}:{port}"
    what = f"The lab's registry on {address}"

    def ready() -> bool:
        return answers(address) and processes.listens(started.process.pid, port)

    try:
        daemon.wait_until(ready, [started], what=what, failure=MachineError, seconds=START_SECONDS)
    except BaseException:
        started.stop()
        raise
    started.leave()


def _environment() -> dict[str, str]:
    """Without ours: a variable REGISTRY_… would override the configuration."""
    return {"PATH": os.environ.get("PATH", ""), "OTEL_TRACES_EXPORTER": "none"}
