"""Token buckets, as AWS throttles by: a call or a launch takes a token, and tokens come back at a fixed rate."""

from __future__ import annotations

from math import ceil

from experiments.executors.simulation.parameters import Bucket
from experiments.records.phases import NS_PER_SECOND

EPSILON = 1e-9
"""Tokens come in fractions, whose sum may miss a whole one by rounding."""


class TokenBucket:
    """A full bucket; times are nanoseconds and must not run backwards."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._tokens = bucket.burst
        self._filled_ns: int | None = None

    def take(self, now_ns: int) -> bool:
        """Take a token, if there is one."""
        self._fill(now_ns)
        if self._tokens < 1 - EPSILON:
            return False
        self._tokens -= 1
        return True

    def next_ns(self, now_ns: int) -> int:
        """When the next token will be there."""
        self._fill(now_ns)
        missing = max(0.0, 1 - self._tokens)
        return now_ns + ceil(missing / self._bucket.per_second * NS_PER_SECOND)

    def _fill(self, now_ns: int) -> None:
        passed = 0 if self._filled_ns is None else now_ns - self._filled_ns
        self._tokens = min(self._bucket.burst, self._tokens + passed / NS_PER_SECOND * self._bucket.per_second)
        self._filled_ns = now_ns
