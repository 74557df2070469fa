"""What the machine has: disk space, memory, processors, tools, and internet access."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil

from kit.machine.check import Check
from kit.paths import cache_dir, data_dir
from kit.toolchain import toolbox
from kit.toolchain.outlook import outlook
from kit.toolchain.pins import Tool

GB = 1_000_000_000

DATA_BYTES = (6 * GB, 30 * GB)
"""Disk space for the default and the full plan in the data directory: registry, and eight unpacked images at once."""

CACHE_BYTES = (6 * GB, 10 * GB)
"""Disk space for built tools and for payloads of reduced and full size, with what builds leave in Go's caches."""

MEMORY_BYTES = (2 * GB, 8 * GB)
"""Memory for two and for eight hosts: 512 MiB for each task, plus its daemons."""

PROCESSORS = 2
"""With fewer, a host's daemons and its task compete for the CPU."""

REGISTRY = "https://registry-1.docker.io/v2/"


def room(name: str, place: Path, needed: tuple[int, int], setting: str) -> Check:
    """Compare the free disk space at ``place`` with the bytes that the default and the full plan need."""
    existing = next(folder for folder in (place, *place.parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    found = f"{free / GB:.0f} GB free at {existing}"
    least, full = needed
    advice = f"Make room, or move it with {setting}."
    if free < least:
        return Check(name, "failure", found, f"the default plan needs {least / GB:.0f} GB", advice)
    if free < full:
        return Check(
            name, "warning", found, f"enough for the default plan; the full one needs {full / GB:.0f} GB", advice
        )
    return Check(name, "ok", found)


def data_room() -> Check:
    """Disk space for records, the registry and the lab's hosts."""
    return room("disk for data", data_dir(), DATA_BYTES, "SOCIOMETER_DATA")


def cache_room() -> Check:
    """Disk space for tools, payloads and base images."""
    return room("disk for caches", cache_dir(), CACHE_BYTES, "SOCIOMETER_CACHE")


def memory() -> Check:
    """Memory that is available now."""
    free = psutil.virtual_memory().available
    found = f"{free / GB:.1f} GB available"
    least, full = MEMORY_BYTES
    if free < least:
        return Check(
            "memory", "failure", found, f"a task and its daemons need {least / GB:.0f} GB", "Free some memory."
        )
    if free < full:
        meaning = f"enough for a few hosts; eight at once need {full / GB:.0f} GB"
        return Check("memory", "warning", found, meaning, "Plan fewer tasks at once.")
    return Check("memory", "ok", found)


def processors() -> Check:
    """Processors that this process may use."""
    count = len(os.sched_getaffinity(0))
    if count < PROCESSORS:
        meaning = "the daemons compete with the tasks they serve, and the figures show it"
        return Check("processors", "warning", str(count), meaning, f"Use a machine with {PROCESSORS} or more.")
    return Check("processors", "ok", str(count))


def tool(wanted: Tool, ahead: str = "") -> Check:
    """Whether a tool is usable, from this machine or from the cache; ``ahead`` is what installing it will mean."""
    located = toolbox.locate(wanted)
    if located.folder is None:
        meaning = f"{', '.join(wanted.programs)} cannot be run"
        found = "; ".join(filter(None, (located.note, ahead)))
        return Check(wanted.name, "failure", found, meaning, "Run `sociometer tools install`.")
    where = f"in {cache_dir()}" if located.origin == "cache" else str(located.folder)
    return Check(wanted.name, "ok", f"{located.version}, {where}")


def tools(wanted: Sequence[Tool], *, with_outlook: bool) -> list[Check]:
    """Whether each tool is usable, and where releases come from if one is missing.

    ``with_outlook`` adds what installing the missing ones will mean here, for which the network is asked.
    """
    missing = [each for each in wanted if toolbox.locate(each).folder is None] if with_outlook else []
    ahead = outlook(missing)
    releases = [Check("releases", "ok", ahead.releases)] if ahead.releases else []
    return [*releases, *(tool(each, ahead.tools.get(each.name, "")) for each in wanted)]


def internet(url: str = REGISTRY) -> Check:
    """Whether a public registry answers; only decides where base images come from, so it is never a failure."""
    import httpx  # slow to import, and only needed here

    try:
        httpx.head(url, timeout=3.0)
    except httpx.HTTPError:
        return Check("internet", "ok", "no public registry answers: base images are made from Debian packages")
    return Check("internet", "ok", "a public registry answers")
