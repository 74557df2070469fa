"""The hasher, the program that does the boot work in the images: see `infra.sources.programs`."""

from __future__ import annotations

from pathlib import Path

from infra.sources import programs

NAME = "hasher"


def source_key() -> str:
    """A digest of everything in the project that decides the binary: sources and build settings."""
    return programs.source_key(NAME)


def build(architecture: str, cache: Path) -> Path:
    """A folder in ``cache`` that holds the executable ``hasher``; architectures and errors as `programs.build`."""
    return programs.build(NAME, architecture, cache)
