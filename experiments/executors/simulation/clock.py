"""A clock that stands still while code runs: time passes only in sleeps, during which due events happen in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from math import ceil

from experiments.records.phases import NS_PER_SECOND

EPOCH_NS = 1_000_000_000 * NS_PER_SECOND
"""2001-09-09: nobody will mistake it for the time of a measurement."""

Event = Callable[[], None]


class SimulatedClock:
    """An `experiments.executors.fargate.aws.Clock`. ``now_ns`` is AWS's time; this machine's is ``ahead_ns`` later."""

    def __init__(self, start_ns: int = EPOCH_NS, *, ahead_ns: int = 0) -> None:
        self._start_ns = self.now_ns = start_ns
        self._ahead_ns = ahead_ns
        self._events: list[tuple[int, int, Event]] = []
        self._numbers = count()

    def time_ns(self) -> int:
        """Nanoseconds since the epoch by this machine's clock."""
        return self.now_ns + self._ahead_ns

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return (self.now_ns - self._start_ns) / NS_PER_SECOND

    def sleep(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due by then; rounded up, so that no wait is lost to rounding."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")  # as `time.sleep` does
        self.advance_to(self.now_ns + ceil(seconds * NS_PER_SECOND))

    def at(self, time_ns: int, event: Event) -> None:
        """Schedule an event; events that are due at the same time happen in the order in which they were scheduled."""
        heapq.heappush(self._events, (time_ns, next(self._numbers), event))

    def advance_to(self, time_ns: int) -> None:
        """Move on to a time that is not in the past."""
        while self._events and self._events[0][0] <= time_ns:
            due_ns, _, event = heapq.heappop(self._events)
            self.now_ns = max(self.now_ns, due_ns)
            event()
        self.now_ns = max(self.now_ns, time_ns)
