"""Samples what a task's seconds go into, while it lives: counters of its link, its cgroup, its daemons and its lazy
layers.

One thread looks at all tasks of a round in turn, rarely enough to disturb none (docs/why.md has its own CPU time).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from infra.lab.spent import Sample

LEAST_PERIOD_SECONDS = 0.02
SAMPLES_PER_SECOND = 200
"""Of all tasks of a round together."""
END_SECONDS = 10.0


class Gauges(Protocol):
    """What can be read of one task at any moment; `infra.lab.gauges.HostGauges` reads a host's."""

    def sample(self) -> Sample:
        """The counters now."""

    def close(self) -> None:
        """Give the files back."""


class Meter:
    """Samples in a thread of its own between `start` and `stop`; then ``series`` has each task's samples."""

    def __init__(self, gauges: Sequence[Gauges]) -> None:
        self._gauges = gauges
        self.series: list[list[Sample]] = [[] for _ in gauges]
        self.cpu_seconds = 0.0
        """What the sampling itself has used."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample during the block, once before it and once after it."""
        self._look()
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join(END_SECONDS)
            self._look()
            for gauges in self._gauges:
                gauges.close()

    def _run(self) -> None:
        period = max(LEAST_PERIOD_SECONDS, len(self._gauges) / SAMPLES_PER_SECOND)
        began = time.thread_time()
        while not self._ended.wait(period):
            self._look()
        self.cpu_seconds = time.thread_time() - began

    def _look(self) -> None:
        for gauges, samples in zip(self._gauges, self.series, strict=True):
            samples.append(gauges.sample())
