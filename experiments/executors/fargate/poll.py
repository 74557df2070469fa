"""When to ask again: after waits that grow, with jitter; a short round is seen soon, a long one not asked to death."""

from __future__ import annotations

from random import Random

GROWTH = 2.0
JITTER = 0.15
"""Waits differ by so much either way, so that many sweeps do not ask in step."""


class Backoff:
    """A series of waits: ``first`` seconds, then each twice the last, up to ``most``."""

    def __init__(self, random: Random, *, first: float, most: float) -> None:
        self._random = random
        self._next, self._most = first, most

    def seconds(self) -> float:
        """The next wait."""
        wait = min(self._next, self._most)
        self._next *= GROWTH
        return wait * self._random.uniform(1 - JITTER, 1 + JITTER)
