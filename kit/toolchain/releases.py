"""The files that publishers release, as ``tools/releases.json`` pins them: address, SHA-256, and who says so.

A release and the build from source of a tool have one version, so that either may stand for the other.
"""

from __future__ import annotations

import functools
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from kit.addresses import shown
from kit.errors import SettingsError
from kit.paths import asset

PUBLISHER = "https://github.com"
"""Where all of them are released; ``SOCIOMETER_MIRROR`` takes its place."""
MIRROR = "SOCIOMETER_MIRROR"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Release:
    """One published file: an archive (tar) of programs, or a program itself.

    ``system`` is such as ``linux/amd64``; ``inside`` pairs of a program's name here and in the archive where they
    differ; ``glibc`` whether its programs need that C library.
    """

    version: str
    system: str
    url: str
    sha256: str
    inside: tuple[tuple[str, str], ...] = ()
    glibc: bool = False

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        """Whether it has to be unpacked."""
        return self.file.endswith((".tar.gz", ".tgz"))

    @property
    def address(self) -> str:
        """Where to get it: at the publisher's, or at the mirror's, under the same path. Raises as `place` does."""
        return f"{place()}{self.url.removeprefix(PUBLISHER)}"


def place() -> str:
    """The address before every path: the publisher's or the mirror's. Raises `SettingsError` when it is none."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    if mirror and not mirror.startswith(("https://", "http://")):
        raise SettingsError(f"{MIRROR}={shown(mirror)} is no address. It takes the place of {PUBLISHER}: https://….")
    return mirror or PUBLISHER


def where() -> str:
    """`place` as it may be printed: without the name and password of a mirror."""
    return shown(place())


def of(tool: str) -> tuple[Release, ...]:
    """All releases of a tool, one for each system; none when it is not released."""
    return _pinned(asset("tools") / "releases.json").get(tool, ())


def for_this_machine(releases: tuple[Release, ...]) -> Release | None:
    """The one that runs here, if there is one."""
    return next((each for each in releases if each.system == this_system() and (not each.glibc or _has_glibc())), None)


def this_system() -> str:
    """This machine, as releases name it: ``linux/amd64``."""
    return f"{platform.system().lower()}/{_ARCHITECTURES.get(platform.machine(), platform.machine())}"


@functools.cache
def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"


@functools.cache
def _pinned(file: Path) -> dict[str, tuple[Release, ...]]:
    return {
        entry["tool"]: tuple(
            Release(
                version=entry["version"],
                system=system,
                url=pin["url"],
                sha256=pin["sha256"],
                inside=tuple(entry.get("inside", {}).items()),
                glibc=entry.get("glibc", False),
            )
            for system, pin in entry["files"].items()
        )
        for entry in json.loads(file.read_text())
    }
