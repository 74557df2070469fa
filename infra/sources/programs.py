"""The Go programs of the images, compiled once from ``images/NAME``: static, so that they run on any base image.

They are reproducible: one Go version gives the same bytes anywhere.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

from kit.command import run
from kit.errors import ImageError
from kit.files import made_once
from kit.paths import asset
from kit.toolchain.toolbox import tool

ARCHITECTURES = ("amd64", "arm64")
BUILD_SECONDS = 600.0
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w -buildid=")
ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOOS": "linux",
    # What a user's own settings could change in the binary.
    "GOAMD64": "v1",
    "GOARM64": "v8.0",
    "GOEXPERIMENT": "",
    "GOFLAGS": "",
    "GOWORK": "off",
}


def source_key(name: str) -> str:
    """A digest of everything in the project that decides a program's binary: sources and build settings."""
    key = hashlib.sha256(json.dumps([FLAGS, ENVIRONMENT]).encode())
    for path in _sources(name):
        key.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return key.hexdigest()


def build(name: str, architecture: str, cache: Path) -> Path:
    """A folder in ``cache`` that holds the executable ``name`` for linux on ``amd64`` or ``arm64``.

    Takes some seconds the first time. Raises `ImageError` for another architecture, `MachineError` without Go,
    and `CommandFailed` with the compiler's last lines.
    """
    if architecture not in ARCHITECTURES:
        raise ImageError(f"The {name} is not built for {architecture!r}, only for {' and '.join(ARCHITECTURES)}.")
    place = cache / name / f"{architecture}-{source_key(name)[:32]}"
    return made_once(place, partial(_compile, name, architecture))


def _compile(name: str, architecture: str, folder: Path) -> None:
    run(
        [tool("go"), "build", *FLAGS, "-o", folder / name, "."],
        timeout_seconds=BUILD_SECONDS,
        env={**ENVIRONMENT, "GOARCH": architecture},
        cwd=asset("images") / name,
    )


def _sources(name: str) -> list[Path]:
    folder = asset("images") / name
    code = [path for path in folder.glob("*.go") if not path.name.endswith("_test.go")]
    return sorted([*code, folder / "go.mod"])
