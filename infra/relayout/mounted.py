"""Both images unpacked by containerd and mounted as containers see them: the proof on a real file system.

Everything happens in a sandbox: processes and mounts end with it, even when this process is killed. Needs root.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.lab import daemons, reasons
from infra.lab.ctr import Ctr
from infra.lab.sandbox import Sandbox
from infra.oci import containerd, layout
from infra.oci.manifest import Manifest
from kit.credentials import environment_without
from kit.daemon import wait_until
from kit.errors import LabError
from kit.toolchain.toolbox import tool, tools_path

START_SECONDS = 20.0
UNPACK_SECONDS = 600.0
"""For each image: 50,000 files on a slow disk take a minute."""
_BASE = "sociometer.invalid/image"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a path is on the mounted file system. ``first_name`` is the first of the names of the same file."""

    mode: int
    owner: tuple[int, int]
    time_ns: int
    size_bytes: int
    content: str
    device: int
    xattrs: tuple[tuple[str, bytes], ...]
    first_name: str


def differences(
    before: tuple[Path, Manifest], after: tuple[Path, Manifest], platform: str, room: Path, timeless: Collection[str]
) -> list[str]:
    """What differs between two images, each a layout and its manifest, when both are mounted: a sentence for each path.

    ``timeless`` are the folders whose time is that of their unpacking. Raises `LabError` when an image cannot be
    unpacked or mounted.
    """
    archive = room / "both.tar"
    _pack(archive, {"before": before, "after": after})
    sandbox = Sandbox.open()
    try:
        ctr = _containerd(sandbox, room)
        ctr.run(["image", "import", "--local", "--no-unpack", "--base-name", _BASE, str(archive)], UNPACK_SECONDS)
        archive.unlink()
        with ThreadPoolExecutor(2) as pool:  # containerd unpacks the layers of one image one after the other
            places = pool.map(lambda name: _mount(ctr, sandbox, name, platform, room), ("before", "after"))
            one, other = pool.map(lambda place: dict(_walk(place, timeless)), list(places))
        return _compared(one, other)
    finally:
        sandbox.close()


def _pack(archive: Path, images: dict[str, tuple[Path, Manifest]]) -> None:
    """Both images as one OCI archive, blobs that they share once."""
    entries, blobs = [], dict[str, Path]()
    with tarfile.open(archive, "w", dereference=True) as tar:
        for name, (folder, manifest) in images.items():
            named = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size_bytes}
            entries.append({**named, "annotations": {layout.REFERENCE_NAME: name}})
            digests = (manifest.digest, *(blob.digest for blob in manifest.blobs))
            blobs.update({digest: layout.blob_path(folder, digest) for digest in digests})
        for digest, path in blobs.items():
            tar.add(path, f"blobs/{digest.replace(':', '/')}")
        index = {"schemaVersion": 2, "manifests": entries}
        for name, value in {"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index}.items():
            content = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _containerd(sandbox: Sandbox, room: Path) -> Ctr:
    """containerd in a sandbox, with its content in ``room``."""
    socket = Path(daemons.CONTAINERD_SOCKET)
    settings = room / "containerd.toml"
    settings.write_text(containerd.config(room / "containerd", Path("/run/containerd"), socket))
    env = {**environment_without(), "PATH": tools_path(), "TMPDIR": str(room)}
    argv: list[str | Path] = [tool("containerd"), "--config", settings, "--log-level", "warn"]
    daemon = sandbox.spawn("containerd", argv, room / "containerd.log", env)
    ctr = Ctr(sandbox, daemon.trouble, room)
    inside = sandbox.inside(socket)
    wait_until(
        lambda: inside.exists() and ctr.tell(["version"], START_SECONDS).exit_code == 0,
        [daemon],
        what="containerd",
        failure=LabError,
    )
    return ctr


def _mount(ctr: Ctr, sandbox: Sandbox, name: str, platform: str, room: Path) -> Path:
    place = room / name
    place.mkdir()
    words = ("--snapshotter", "overlayfs", "--platform", platform, f"{_BASE}:{name}", str(place))
    ctr.run(["image", "mount", *words], UNPACK_SECONDS, reasons.of_pull)
    return sandbox.inside(place)


def _walk(root: Path, timeless: Collection[str]) -> Iterator[tuple[str, Seen]]:
    """Every path beneath a folder, itself as the empty one."""
    first_names: dict[int, str] = {}
    waiting = [("", os.fspath(root))]
    while waiting:
        path, place = waiting.pop()
        found = os.lstat(place)
        yield (
            path,
            Seen(
                mode=found.st_mode,
                owner=(found.st_uid, found.st_gid),
                time_ns=0 if path in timeless else found.st_mtime_ns,
                size_bytes=0 if stat.S_ISDIR(found.st_mode) else found.st_size,
                content=_content(place, found.st_mode),
                device=found.st_rdev,
                xattrs=tuple(_xattrs(place)),
                first_name=path if stat.S_ISDIR(found.st_mode) else first_names.setdefault(found.st_ino, path),
            ),
        )
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(place) as children:
                names = sorted((child.name for child in children), reverse=True)
            waiting.extend((f"{path}/{name}" if path else name, f"{place}/{name}") for name in names)


def _content(place: str, mode: int) -> str:
    """Digest of a file, or where a symbolic link leads."""
    if stat.S_ISLNK(mode):
        return os.readlink(place)  # noqa: PTH115 - as text, for a path that may be no UTF-8
    if not stat.S_ISREG(mode):
        return ""
    with open(place, "rb") as file:  # noqa: PTH123 - fifty thousand times
        return hashlib.file_digest(file, "sha256").hexdigest()


def _xattrs(place: str) -> Iterator[tuple[str, bytes]]:
    for name in sorted(os.listxattr(place, follow_symlinks=False)):
        yield name, os.getxattr(place, name, follow_symlinks=False)


def _compared(one: dict[str, Seen], other: dict[str, Seen]) -> list[str]:
    found = []
    for path in sorted(one.keys() | other.keys()):
        before, after = one.get(path), other.get(path)
        if before is None or after is None:
            found.append(f"/{path} is {'only in the new image' if before is None else 'missing in the new image'}")
        elif before != after:
            changed = (name for name in Seen.__slots__ if getattr(before, name) != getattr(after, name))
            found.append(f"/{path} differs in {', '.join(changed)}")
    return found
