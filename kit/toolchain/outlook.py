"""What installing a missing tool will mean on this machine: a download and how large, or a build and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.toolchain import fetch, packages
from kit.toolchain.pins import Tool
from kit.toolchain.releases import where
from kit.toolchain.source import DebianPackage, GoModules, Wheel

MEGABYTES_PER_SECOND = 12.5
"""100 Mbit/s, to say how long a download takes."""


@dataclass(frozen=True)
class Outlook:
    """Whether releases are in reach (empty when none is missing), and what will be done for each tool, by its name."""

    releases: str
    tools: dict[str, str]


def outlook(missing: Sequence[Tool]) -> Outlook:
    """Asks the publisher once whether it is in reach, then for sizes."""
    released = {tool.name: tool.release for tool in missing if tool.release is not None}
    if not released:
        return Outlook("", {tool.name: _other(tool) for tool in missing})
    reason = fetch.why_not(next(iter(released.values())))
    if reason is not None:
        return Outlook(f"{reason}; tools will be built", {tool.name: _other(tool) for tool in missing})
    sizes = fetch.sizes(tuple(released.values()))
    ahead = {tool.name: _download(sizes[tool.release]) if tool.release else _other(tool) for tool in missing}
    return Outlook(f"{where()} answers", ahead)


def _download(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "will be downloaded"
    megabytes = size_bytes / 1e6
    return f"will be downloaded: {megabytes:.0f} MB, {max(1, round(megabytes / MEGABYTES_PER_SECOND))} s at 100 Mbit/s"


def _other(tool: Tool) -> str:
    match tool.source:
        case GoModules():
            return f"will be built in about {_minutes(tool.build_seconds)} on two cores"
        case Wheel():
            return "will be fetched from PyPI"
        case DebianPackage(package=package):
            found = packages.manager()
            return f"will be installed with {found.program}" if found else f"package {package} has to be installed"


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} min"
