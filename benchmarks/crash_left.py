"""What of one user's Sociometer is on this machine: looked for by its folders, not by what Sociometer knows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.lab import cgroup
from kit.machine import mountinfo
from kit.machine.processes import environment, words


@dataclass(frozen=True)
class Home:
    """The folders of a user of the campaign's own: nothing of anybody else's Sociometer lies in them."""

    root: Path

    @property
    def data(self) -> Path:
        """Records, stacks, the lab."""
        return self.root / "data"

    @property
    def cache(self) -> Path:
        """Tools and images, which lie in the machine's cache, and room for large temporary files."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """Where programs put temporary files."""
        return self.root / "tmp"

    def environment(self) -> dict[str, str]:
        """What makes Sociometer live here."""
        places = {"SOCIOMETER_DATA": self.data, "SOCIOMETER_CACHE": self.cache, "TMPDIR": self.temporary}
        return {**os.environ, **{name: str(place) for name, place in places.items()}}


def processes(home: Home) -> list[psutil.Process]:
    """Processes of this home, by their arguments and their environment."""
    mark, found = str(home.root), []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            told = [*words(process), *environment(process).values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(mark in word for word in told):
                found.append(process)
    return found


def left(home: Home, started: Iterable[int]) -> list[str]:
    """All that is there of this home beside its records and its stack, one line each; ``started`` are the ids of the
    commands that ran in it.
    """
    return [
        *(
            f"process {process.pid}: {_words(process)}"
            for process in processes(home)
            if not _is_of_stack(process, home)
        ),
        *(f"mount {point}" for point in _mounts(home)),
        *(f"cgroup {name}" for name in _cgroups(started)),
        *(f"folder {path}" for path in _strays(home)),
    ]


def _words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(words(process))[:200]
    return "ended meanwhile"


def _is_of_stack(process: psutil.Process, home: Home) -> bool:
    """The registry of a stack outlives commands, as it should."""
    with suppress(psutil.Error):
        told = words(process)
        return told[1:2] == ["serve"] and told[-1].startswith(f"{home.data}/lab/crash/")
    return False


def _mounts(home: Home) -> list[str]:
    """Mount points below the home, in whichever namespace a process of this machine sees them."""
    points = set()
    for pid in psutil.pids():
        with suppress(OSError):
            points |= {str(mount.point) for mount in mountinfo.of(pid) if mount.point.is_relative_to(home.root)}
    return sorted(points)


def _cgroups(started: Iterable[int]) -> list[str]:
    ours = tuple(f"{pid}-" for pid in started)
    groups = cgroup.groups(mountinfo.Hierarchies.among(mountinfo.of()))
    return [name for name in groups if name.startswith(ours)] if ours else []


def _strays(home: Home) -> list[str]:
    """Folders of labs, scratch folders, temporary files, locks of stacks, and halves of files."""
    places = (
        *(home.data / "lab" / "run").glob("*"),
        *(path for path in (home.cache / "scratch").glob("*") if path.is_dir()),
        *home.temporary.glob("*"),
        *(home.data / "pulumi/.pulumi/locks").rglob("*.json"),
        *(path for path in home.data.rglob(".*") if path.is_file() and "pulumi" not in path.parts),
    )
    return sorted(map(str, places))
