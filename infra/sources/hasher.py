"""The hasher, the program that does the boot work in the images: compiled once from ``images/hasher`` with Go.

The binary is static, so it runs on any base image. It is reproducible: one Go version gives the same bytes anywhere.
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


def source_key() -> str:
    """A digest of everything in the project that decides the binary: sources and build settings."""
    key = hashlib.sha256(json.dumps([FLAGS, ENVIRONMENT]).encode())
    for path in _sources():
        key.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return key.hexdigest()


def build(architecture: str, cache: Path) -> Path:
    """A folder in ``cache`` that holds the executable ``hasher`` for linux on ``amd64`` or ``arm64``.

    Takes some seconds the first time. Raises `ImageError` for another architecture, `MachineError` without Go,
    and `CommandFailed` with the compiler's last lines.
    """
    if architecture not in ARCHITECTURES:
        raise ImageError(f"The hasher is not built for {architecture!r}, only for {' and '.join(ARCHITECTURES)}.")
    place = cache / "hasher" / f"{architecture}-{source_key()[:32]}"
    return made_once(place, partial(_compile, architecture))


def _compile(architecture: str, folder: Path) -> None:
    run(
        [tool("go"), "build", *FLAGS, "-o", folder / "hasher", "."],
        timeout_seconds=BUILD_SECONDS,
        env={**ENVIRONMENT, "GOARCH": architecture},
        cwd=asset("images") / "hasher",
    )


def _sources() -> list[Path]:
    folder = asset("images") / "hasher"
    code = [path for path in folder.glob("*.go") if not path.name.endswith("_test.go")]
    return sorted([*code, folder / "go.mod"])
