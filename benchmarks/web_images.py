"""Two web applications as images of the size that people have, made from package registries alone.

    python benchmarks/web_images.py [python-web|node-web …]    (makes them; prints where they are and what they hold)

`python-web`: FastAPI, pandas and scikit-learn imported at the start; boto3, matplotlib, pyarrow, Django and others
installed and not imported. `node-web`: Nest with two clients of the AWS SDK; Next, googleapis, antd and others never
required. Their folders in `benchmarks/images` have the application, its Dockerfile and the pinned versions.

Layers as a Dockerfile makes them: base, interpreter, dependencies, application. Debian's packages come from its
archive, the others from PyPI and npm. Made once and kept in the cache folder. Times, order and compiled files are
fixed, so that the same packages give the same digest (a test builds a small one of the kind twice); Debian's
versions are not pinned. Needs root (mmdebstrap, BuildKit), and npm for `node-web`.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from infra.oci.buildkit import BuildRequest, ImageInLayout, build
from infra.oci.layout import blob_path, only_digest, read
from infra.oci.manifest import Manifest
from infra.settings.values import machine_platform
from infra.sources import base
from kit.command import run
from kit.errors import MachineError
from kit.files import made_once
from kit.paths import cache_dir
from kit.scratch import scratch

FOLDER = Path(__file__).parent / "images"
DOWNLOAD_SECONDS = 900.0
MAKING = 1
"""Counts up when the making changes, so that an older image in the cache is not used."""
BASE = (
    *("apt", "base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "diffutils", "findutils"),
    *("grep", "gzip", "hostname", "libstdc++6", "libgomp1", "login", "mount", "passwd", "perl-base", "sed", "tar"),
    *("tzdata", "util-linux"),
)
"""What a slim base image of Debian holds."""


@dataclass(frozen=True)
class WebImage:
    """An application: the Debian packages of its interpreter, and when a task of it is ready.

    ``files`` is the folder of its Dockerfile, application and pinned versions, where that is not the one of its name.
    """

    name: str
    interpreter: tuple[str, ...]
    ready: str
    base: tuple[str, ...] = field(default=BASE, repr=False)
    files: Path | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """Its Dockerfile, application and pinned versions."""
        return self.files or FOLDER / self.name

    @property
    def key(self) -> str:
        """A name for what it is made from."""
        parts = [f"{MAKING} {self} {self.base} {machine_platform()}".encode()]
        parts += [path.read_bytes() for path in sorted(self.folder.iterdir())]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


WEB_IMAGES = {
    image.name: image
    for image in (
        WebImage("python-web", ("python3", "libsqlite3-0"), "http:8000/health"),
        WebImage("node-web", ("nodejs",), "http:3000/health"),
    )
}


def made(name: str) -> ImageInLayout:
    """The image as an OCI layout in the cache, made if it is not there yet: a few minutes."""
    image = WEB_IMAGES[name]
    place = made_once(cache_dir() / "benchmarks" / f"{name}-{image.key}", partial(_make, image))
    return ImageInLayout(place, only_digest(place))


def _make(image: WebImage, destination: Path) -> None:
    with scratch("web-image") as room:
        build(request(image, room), destination)


def request(image: WebImage, room: Path) -> BuildRequest:
    """What BuildKit makes the image of; all of it lies in ``room``."""
    architecture = machine_platform().partition("/")[2]
    for part in ("base", "whole", "context", "dependencies"):
        (room / part).mkdir()
    lower = base.debian_layer(image.base, architecture, room / "base")
    whole = base.debian_layer((*image.base, *image.interpreter), architecture, room / "whole")
    for path in image.folder.iterdir():
        shutil.copy(path, room / "context")
    added(lower, whole, room / "context" / "interpreter.tar")
    base.write_single_layer(room / "layout", lower, architecture, {"Env": [f"PATH={base.PATH}"]})
    _DEPENDENCIES[image.name](image.folder, room / "dependencies")
    return BuildRequest(
        room / "context",
        "Dockerfile",
        machine_platform(),
        folders={"dependencies": room / "dependencies"},
        images={"base": ImageInLayout(room / "layout", only_digest(room / "layout"))},
    )


def added(lower: Path, whole: Path, upper: Path) -> None:
    """Write the tar ``upper``: the entries of ``whole`` that ``lower`` has not, or has otherwise."""
    with tarfile.open(lower) as below:
        known = {entry.name: _seen(below, entry) for entry in below.getmembers()}
    with tarfile.open(whole) as all_, tarfile.open(upper, "w", format=tarfile.PAX_FORMAT) as layer:
        for entry in all_.getmembers():
            if known.get(entry.name) != _seen(all_, entry):
                layer.addfile(entry, all_.extractfile(entry) if entry.isreg() else None)


def _seen(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[object, ...]:
    content = tar.extractfile(entry) if entry.isreg() else None
    digest = hashlib.file_digest(content, "sha256").digest() if content else b""  # type: ignore[arg-type]
    return entry.type, entry.mode, entry.uid, entry.gid, entry.linkname, digest


def _python_packages(folder: Path, target: Path) -> None:
    """What the wheels hold, without the commands that an installer writes: they name this machine's Python."""
    uv = run(
        ["sh", Path(__file__).parents[1] / "tools" / "uv.sh"], timeout_seconds=DOWNLOAD_SECONDS, trusted=True
    ).stdout.strip()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[machine_platform().partition("/")[2]]
    words: list[str | Path] = [uv, "pip", "install", "--quiet", "--target", target, "--link-mode", "copy"]
    words += ["--python-version", "3.11", "--python-platform", f"{machine}-manylinux_2_28"]
    words += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirements", folder / "requirements.txt"]
    run(words, timeout_seconds=DOWNLOAD_SECONDS, trusted=True)
    shutil.rmtree(target / "bin")
    (target / ".lock").unlink(missing_ok=True)
    for record in target.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith(("bin/", "../../bin/"))))


def _node_packages(folder: Path, target: Path) -> None:
    if shutil.which("npm") is None:
        raise MachineError("npm is missing: node-web is made from npm's packages. Install it: apt-get install npm.")
    with scratch("npm") as room:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, room)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps")
        run(["npm", "ci", *quiet], cwd=room, timeout_seconds=DOWNLOAD_SECONDS, trusted=True)
        target.rmdir()
        shutil.move(room / "node_modules", target)


_DEPENDENCIES = {"python-web": _python_packages, "node-web": _node_packages}


def main() -> None:
    """Make the images that are named, or all, and say what they hold."""
    for name in sys.argv[1:] or WEB_IMAGES:
        image = made(name)
        manifest = read(image.layout, image.digest)
        assert isinstance(manifest, Manifest)
        print(f"{name}: {image.digest}\n  --image oci:{image.layout} --ready {WEB_IMAGES[name].ready}")
        for layer in manifest.layers:
            blob = blob_path(image.layout, layer.digest)
            with tarfile.open(blob) as tar:
                files = [entry for entry in tar if entry.isreg()]
            print(
                f"  {layer.size_bytes / 1e6:7.1f} MB packed, {sum(entry.size for entry in files) / 1e6:7.1f} MB "
                f"in {len(files)} files"
            )


if __name__ == "__main__":
    main()
