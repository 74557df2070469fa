"""This machine's clock may be set at any time, by hand or by its time service: a time that is not moved by it, and a
way to notice it, because what a container reports comes from the clock that was set.

A step moves the wall clock alone. What time synchronisation does otherwise, it does to the speed of both clocks, so
that their difference stays; a machine that slept shows the time for which its monotonic clock stood.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

STEP_NS = 5_000_000
"""From 5 ms on it counts: less is this program's own delay between two readings."""
_READINGS = 5


@dataclass(frozen=True)
class Steady:
    """The wall clock as it was when it was looked at, and from then on by the monotonic clock: no step moves it."""

    began_ns: int
    monotonic_ns: int

    @classmethod
    def start(cls) -> Self:
        """Look at the wall clock now."""
        return cls(time.time_ns(), time.monotonic_ns())

    def now_ns(self) -> int:
        """Now, in ns since the epoch."""
        return self.began_ns + time.monotonic_ns() - self.monotonic_ns


def reading() -> int:
    """The wall clock minus the monotonic clock, in ns: of some readings the one that was disturbed least."""
    return min(map(_read, range(_READINGS)))[1]


def step_between(before: int, after: int) -> str:
    """What happened to the clock between two readings, as a sentence; empty if nothing did."""
    step = after - before
    if abs(step) < STEP_NS:
        return ""
    way = "forward" if step > 0 else "back"
    return f"This machine's clock was set {way} by {abs(step) / 1e9:.3f} s meanwhile."


def _read(_turn: int) -> tuple[int, int]:
    """How long the reading took, and what it gave."""
    before = time.monotonic_ns()
    wall = time.time_ns()
    after = time.monotonic_ns()
    return after - before, wall - (before + after) // 2
