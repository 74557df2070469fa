"""An image whose boot is watched twice: by a trace, and by strace in the container itself."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from pathlib import Path

from kit.command import run
from kit.files import made_once
from kit.paths import cache_dir
from tests.support.field_images import FieldImage, Layer, Tar, digest_of, gzip_layer, image, noise

PACKAGES = "python3-minimal,libpython3-stdlib,strace,busybox-static"
MAKE_SECONDS = 600.0
PART = (5 << 20, 100_000)
"""Where the program reads in the large file, and how much."""
PROGRAM = f"""
import json, mmap, os, urllib.parse
with open("/app/data/big", "rb") as file:
    file.seek({PART[0]})
    file.read({PART[1]})
open("/app/data/hard", "rb").read()
descriptor = os.open("/app/data/mapped", os.O_RDONLY)
mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)[3 << 20]
open("/app/soft", "rb").read()
open("/app/empty").read()
open("/app/data/replaced").read()
open("/written", "w").write("x")
print("done", flush=True)
"""
_OPENED = re.compile(r"open(?:at|at2)?\(.* = \d+<(/[^>]*)>")


def python_root() -> Layer:
    """Debian with Python and strace, made once for each machine."""

    def make(folder: Path) -> None:
        tar = folder / "root.tar"
        words = ("mmdebstrap", "--variant=extract", f"--include={PACKAGES}", "bookworm", str(tar))
        run(words, timeout_seconds=MAKE_SECONDS, trusted=True)
        (folder / "diff-id").write_text(digest_of(tar.read_bytes()))
        (folder / "root.tar.gz").write_bytes(gzip.compress(tar.read_bytes(), 6, mtime=0))
        tar.unlink()

    place = made_once(cache_dir() / "tests/traced-root-2", make)
    return Layer((place / "root.tar.gz").read_bytes(), (place / "diff-id").read_text())


def busybox() -> bytes:
    """A program that needs nothing else."""
    with tarfile.open(fileobj=io.BytesIO(python_root().blob), mode="r:gz") as tar:
        member = tar.extractfile("./bin/busybox")
        assert member is not None
        return member.read()


def watched_image(*more: Layer) -> FieldImage:
    """Layers of all kinds over Debian; the container runs the program under strace, which writes to /seen."""
    data = Tar().folder("app").folder("app/data").file("app/data/big", noise("big", 12 << 20))
    data.file("app/data/one", noise("one", 100_000)).link("app/data/hard", "app/data/one", hard=True)
    data.file("app/data/mapped", noise("mapped", 6 << 20)).file("app/data/replaced", b"old" * 1_000)
    upper = Tar().folder("app").file("app/main.py", PROGRAM.encode()).link("app/soft", "data/two")
    upper.file("app/data/two", b"22").file("app/data/.wh.one", b"").file("app/empty", b"")
    upper.file("app/data/replaced", b"new" * 1_000)
    watch = ("strace", "-f", "-y", "-o", "/seen", "-e", "trace=open,openat,openat2")
    layers = [python_root(), gzip_layer(data), gzip_layer(upper), *more]
    return image(layers, config={"Cmd": [*watch, "/usr/bin/python3", "/app/main.py"]})


def opened(seen: str) -> list[str]:
    """The files that strace saw opened, by the names that the kernel gives them, without a leading slash."""
    return list(dict.fromkeys(path.lstrip("/") for path in _OPENED.findall(seen)))
