"""How busy this machine was during a round: the hosts share its CPUs, and a round that lacked CPU must say so."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Sample:
    """Counters at one moment: seconds since boot, of waiting for a CPU (PSI) and of stolen CPU time."""

    at_seconds: float
    waited_seconds: float | None
    stolen_seconds: float


def sample() -> Sample:
    """Read the counters now; ``waited_seconds`` is None where the kernel does not report pressure."""
    return Sample(time.monotonic(), pressure_seconds(_read("/proc/pressure/cpu")), psutil.cpu_times().steal)


def cpu_pressure(before: Sample, after: Sample) -> float | None:
    """Share of the time in which some task waited for a CPU; None where the kernel does not report it."""
    if before.waited_seconds is None or after.waited_seconds is None:
        return None
    return _share(after.waited_seconds - before.waited_seconds, after.at_seconds - before.at_seconds)


def steal(before: Sample, after: Sample) -> float:
    """Share of all CPUs' time that the hypervisor gave to other machines."""
    cpus = os.cpu_count() or 1
    return _share(after.stolen_seconds - before.stolen_seconds, (after.at_seconds - before.at_seconds) * cpus)


def pressure_seconds(text: str | None) -> float | None:
    """Total of the "some" line of /proc/pressure/cpu, converted from microseconds to seconds."""
    for line in (text or "").splitlines():
        if line.startswith("some"):
            return int(line.rpartition("total=")[2]) / 1e6
    return None


def memory_kills() -> int:
    """How many processes the kernel has killed since it started because memory was used up, a group's or the machine's
    (`oom_kill` in /proc/vmstat); 0 where it does not count them."""
    counts = dict(line.split() for line in (_read("/proc/vmstat") or "").splitlines())
    return int(counts.get("oom_kill", 0))


def _share(part: float, whole: float) -> float:
    return max(0.0, part / whole) if whole > 0 else 0.0


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None  # PSI is off in this kernel
