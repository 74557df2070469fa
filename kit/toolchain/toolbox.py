"""Where the tools are: on PATH if that version is recent enough, else in the cache, downloaded or built."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.documents import object_of
from kit.errors import MachineError
from kit.paths import cache_dir
from kit.toolchain.pins import TOOLS, Tool
from kit.toolchain.programs import show_version, version_of

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Searched after PATH: a sparse PATH often lacks the folders for root's programs."""


@dataclass(frozen=True)
class Located:
    """Where a tool is: its folder of programs and its version, or why it cannot be used (``folder`` is None)."""

    tool: Tool
    folder: Path | None
    version: str | None
    origin: Literal["path", "cache", "missing"]
    note: str = ""


def tool(name: str) -> Path:
    """The executable of a program; raises a `MachineError` that says what is wrong and how to install it."""
    owner = _owners().get(name)
    if owner is None:
        return _other(name)
    located = locate(owner)
    if located.folder is None:
        raise MachineError(f"{name} is missing: {located.note}. `sociometer tools install` installs it.")
    return located.folder / name


def version(name: str) -> str:
    """The version of the tool that a program, which is there, belongs to."""
    return locate(_owners()[name]).version or ""


def tools_path() -> str:
    """A PATH for child processes that look up programs themselves: the cached tools first, then the usual folders."""
    cached = [str(entry.folder) for entry in map(locate, TOOLS) if entry.origin == "cache"]
    return os.pathsep.join(dict.fromkeys([*cached, *_search_path().split(os.pathsep)]))


def versions() -> dict[str, str]:
    """The versions, by name, of the tools that are part of what the lab measures; recorded with each sweep."""
    return {entry.tool.name: entry.version for entry in map(locate, TOOLS) if entry.tool.measured and entry.version}


def key() -> str:
    """Changes with any pin or flag of any tool, so that a cache of all of them can be kept under it."""
    return hashlib.sha256("\n".join(key for wanted in TOOLS for key in wanted.keys).encode()).hexdigest()[:16]


def locate(wanted: Tool) -> Located:
    """Where a tool is on this machine; remembered for the life of the process."""
    return _locate(wanted, _search_path(), tools_dir())


def forget() -> None:
    """Forget where the tools are; called when something was installed."""
    _locate.cache_clear()


def tools_dir() -> Path:
    """The cache's folder of tools."""
    return cache_dir() / "tools"


def in_cache(wanted: Tool, cache: Path) -> Located:
    """The tool in the cache if it is as whole as its manifest says; else why not (no note if never there)."""
    found = [_whole(wanted, cache / key) for key in wanted.keys]
    return next((each for each in found if each.folder), max(found, key=lambda each: each.note))


def _whole(wanted: Tool, folder: Path) -> Located:
    if not folder.exists():
        return _missing(wanted, "")
    try:
        manifest = object_of((folder / "manifest.json").read_bytes())
        whole = manifest["sizes"] == {name: (folder / "bin" / name).stat().st_size for name in wanted.programs}
        known = str(manifest["version"])
    except (OSError, ValueError, LookupError, TypeError):
        whole = False
    return Located(wanted, folder / "bin", known, "cache") if whole else _missing(wanted, f"{folder} is damaged")


@functools.cache
def _locate(wanted: Tool, search_path: str, cache: Path) -> Located:
    on_path = _on_path(wanted, search_path, cache / "answers.json")
    if on_path.folder is not None:
        return on_path
    cached = in_cache(wanted, cache)
    return cached if cached.folder is not None or cached.note else on_path


def _on_path(wanted: Tool, search_path: str, answers: Path) -> Located:
    first = shutil.which(wanted.programs[0], path=search_path)
    if first is None:
        return _missing(wanted, f"there is no {wanted.programs[0]} on PATH")
    folder = Path(first).absolute().parent
    lacking = [name for name in wanted.programs if shutil.which(name, path=str(folder)) is None]
    if lacking:
        return _missing(wanted, f"{first} has no {', '.join(lacking)} beside it")
    found = version_of(folder / wanted.ask[0], wanted.ask[1:], answers)
    if found is None:
        return _missing(wanted, f"{first} does not report its version")
    if found < wanted.minimum:
        needed = show_version(wanted.minimum)
        return _missing(wanted, f"{first} is version {show_version(found)}, but at least {needed} is needed")
    return Located(wanted, folder, show_version(found), "path")


def _missing(wanted: Tool, note: str) -> Located:
    return Located(wanted, None, None, "missing", note)


def _other(name: str) -> Path:
    """A program that every Linux distribution has (``nsenter``, ``mount``)."""
    path = shutil.which(name, path=_search_path())
    if path is None:
        raise MachineError(f"{name} is not on this machine. Install the package of your distribution that contains it.")
    return Path(path)


@functools.cache
def _owners() -> dict[str, Tool]:
    return {program: wanted for wanted in TOOLS for program in wanted.programs}


def _search_path() -> str:
    path = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*filter(None, path), *SYSTEM_FOLDERS]))
