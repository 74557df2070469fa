"""Install the missing tools, once: packages from the distribution, the rest into the cache.

What its publisher releases is downloaded; where that is not possible, it is made from its source. A file with another
SHA-256 than its pin is an error, and never a reason to go another way.

Being killed at any moment leaves at most a draft, which the next installation removes, and unfinished downloads, which
it goes on with. A lock allows one installation at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

from kit import locks
from kit.errors import ChecksumError, DownloadError, MachineError
from kit.toolchain import cached, fetch, packages, toolbox
from kit.toolchain.pins import TOOLS, Tool
from kit.toolchain.releases import Release, where
from kit.toolchain.source import DebianPackage, GoModules
from kit.toolchain.toolbox import Located
from kit.values import Notify

BUILD_BYTES = 2_000_000_000
"""Disk space that building one tool may take, including Go's own caches; all tools together took 6.4 GB."""
RELEASE_BYTES = 300_000_000
"""Disk space for one release and what is taken out of it."""

Progress = Callable[[str, int, int], AbstractContextManager[Notify]]
"""Called with what is being done, the step's number and the number of steps; entered while the step runs. Gives what
to call with how far it is."""

_DOWNLOADS = ".downloads"


def silent(_doing: str, _step: int, _steps: int) -> AbstractContextManager[Notify]:
    """Show no progress."""
    return nullcontext(lambda _line: None)


def install(
    tools: Sequence[Tool] = TOOLS, progress: Progress = silent, *, build: bool | None = None
) -> tuple[Located, ...]:
    """Install the missing ones of ``tools`` and return where each tool is.

    ``build`` is None to build what cannot be downloaded, true to download no release, false to build nothing.

    Raises `MachineError` when this machine cannot (no root for packages, no disk space, nothing to download where
    nothing is to be built), `ChecksumError` when a download is not what is pinned, `CommandError` when a build fails;
    what was installed before that stays.
    """
    toolbox.forget()
    if _missing(tools):
        with _alone(toolbox.tools_dir(), progress):
            toolbox.forget()
            _install_missing(_missing(tools), progress, build=build)
    entries = tuple(toolbox.locate(tool) for tool in tools)
    for entry in entries:
        if entry.folder is None:
            raise MachineError(f"{entry.tool.name} was installed but is still not usable: {entry.note}.")
    return entries


def _missing(tools: Sequence[Tool]) -> list[Tool]:
    return [tool for tool in tools if toolbox.locate(tool).folder is None]


def _install_missing(missing: list[Tool], progress: Progress, *, build: bool | None) -> None:
    released = {} if build else {tool: tool.release for tool in missing if tool.release is not None}
    packages.require_able(_packages([tool for tool in missing if tool not in released]))
    if released and _in_reach(next(iter(released.values())), progress, may_build=build is not False):
        _require_room(len(released) * RELEASE_BYTES, {toolbox.tools_dir()})
        _download(released, progress)
        toolbox.forget()
    if build is False:
        _require_nothing_to_build(_missing(missing))
    _make_from_sources(_missing(missing), progress)
    shutil.rmtree(toolbox.tools_dir() / _DOWNLOADS, ignore_errors=True)


def _require_nothing_to_build(missing: list[Tool]) -> None:
    if names := [tool.name for tool in missing if isinstance(tool.source, GoModules)]:
        raise MachineError(
            f"{', '.join(names)} could not be downloaded from {where()}, and nothing is to be built. Name another "
            "place in SOCIOMETER_MIRROR, or leave out --no-build."
        )


def _in_reach(release: Release, progress: Progress, *, may_build: bool) -> bool:
    """Whether releases can be downloaded from here; if not, the step says why."""
    with progress(f"asking {where()} for releases", 0, 0) as note:
        reason = fetch.why_not(release)
        note("it answers" if reason is None else f"{reason}{'; tools are built instead' if may_build else ''}")
    return reason is None


def _download(released: dict[Tool, Release], progress: Progress) -> None:
    """Put into the cache what can be downloaded; the step says what cannot, and why."""
    owners = {release: tool for tool, release in released.items()}
    cache = toolbox.tools_dir()
    downloads = cache / _DOWNLOADS
    downloads.mkdir(exist_ok=True)
    lines = []
    with progress(f"downloading {', '.join(tool.name for tool in released)}", 0, 0) as note:
        with closing(fetch.fetch(tuple(owners), downloads, note)) as files:
            for release, file in files:
                tool = owners[release]
                try:
                    with cached.naming_a_full_disk(tool, cache):
                        came = file.result()
                    cached.put_release(tool, release, came, cache)
                except ChecksumError:
                    raise
                except DownloadError as error:
                    lines.append(f"{error} {tool.name} is made from its source instead.")
        note(" ".join(lines) or f"{fetch.megabytes(downloads):.0f} MB")


def _make_from_sources(missing: list[Tool], progress: Progress) -> None:
    names = _packages(missing)
    packages.require_able(names)
    ours = [tool for tool in missing if not _from_distribution(tool)]
    _require_room(min(len(ours), 4) * BUILD_BYTES, {toolbox.tools_dir(), Path.home()})
    steps = len(ours) + bool(names)
    if names:
        with progress(f"installing packages {' '.join(names)}", 1, steps):
            packages.install(names)
    for step, tool in enumerate(ours, start=1 + bool(names)):
        with progress(f"{_verb(tool)} {tool.name} {tool.source_version}", step, steps):
            cached.make(tool, toolbox.tools_dir())
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


def _require_room(needed: int, folders: set[Path]) -> None:
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise MachineError(
                f"Installing the tools needs {needed / 1e9:.1f} GB at {folder}, but only {free / 1e9:.1f} GB are free. "
                "Make room, or move the cache with SOCIOMETER_CACHE."
            )


@contextmanager
def _alone(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the installation lock; the kernel releases it however this process ends."""
    cache.mkdir(parents=True, exist_ok=True)
    with locks.turn(cache / ".lock", lambda holder: progress(f"waiting for another installation, {holder}", 0, 0)):
        cached.remove_drafts(cache)
        yield
