"""What a task's seconds went into, from what was sampled while it lived. Pure.

The pull is divided by the link: as many seconds as its bytes take at the link's rate were spent on the wire, however
the tools interleave their work; the rest is unpacking, or for a lazy image mounting. After that, CPU time is the
kernel's own counter, and what the container could not do meanwhile is sampled (`meter`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from infra.lab.cgroup import PERIOD_MICROSECONDS

SECOND = 10**9


class Sample(NamedTuple):
    """Counters at one moment. Times in ns; ``throttled`` counts the periods in which the quota was used up.

    The container ``could_run`` if any of its threads runs or waits for a CPU; it ``waits`` for a lazy layer if none
    does and a request is open.
    """

    at_ns: int
    received_bytes: int
    container_ns: int
    throttled: int
    containerd_ns: int
    snapshotter_ns: int
    could_run: bool
    waits: bool


COUNTERS = tuple(name for name in Sample._fields if name not in ("at_ns", "could_run", "waits"))


@dataclass(frozen=True)
class Life:
    """The moments of a task's life in ns since the epoch, and how it is loaded. ``end_ns`` is when its work was done:
    the end of its boot, or when it was ready; ``mixed`` says that some layers are lazy and some are not."""

    created_ns: int
    pull_started_ns: int
    pull_stopped_ns: int
    started_ns: int
    end_ns: int
    lazy: bool
    mixed: bool


@dataclass(frozen=True)
class Spent:
    """From the task's release to its end, in seconds, and bytes; see `experiments.records.model.Spent`."""

    wire_seconds: float | None
    unpack_seconds: float
    mount_seconds: float
    span_wait_seconds: float
    cpu_seconds: float
    quota_seconds: float
    containerd_seconds: float
    snapshotter_seconds: float
    started_bytes: int
    ready_bytes: int
    sample_gap_seconds: float


def spent(samples: Sequence[Sample], life: Life, bits_per_second: int | None, vcpu: float) -> Spent | None:
    """Account for a life at a link's rate and a CPU quota; None without samples on both sides of its end.

    Without a rate the link is no limit, and ``wire_seconds`` is None: then the whole pull is unpacking or mounting.
    """
    if not samples or samples[-1].at_ns < life.end_ns or samples[0].at_ns > life.pull_started_ns:
        return None
    pull = _between(samples, life.pull_started_ns, life.pull_stopped_ns)
    starting = _between(samples, life.pull_stopped_ns, life.started_ns)
    running = _between(samples, life.started_ns, life.end_ns)
    first, last = _at(samples, life.created_ns), _at(samples, life.end_ns)
    wire, unpack, mount = _pull(pull, life, bits_per_second)
    waited_to_start = _share_of(starting, "waits")
    return Spent(
        wire_seconds=wire,
        unpack_seconds=unpack,
        mount_seconds=mount + _seconds(starting) - waited_to_start,
        span_wait_seconds=waited_to_start + _share_of(running, "waits"),
        cpu_seconds=(last.container_ns - first.container_ns) / SECOND,
        quota_seconds=_quota(running, vcpu),
        containerd_seconds=(last.containerd_ns - first.containerd_ns) / SECOND,
        snapshotter_seconds=(last.snapshotter_ns - first.snapshotter_ns) / SECOND,
        started_bytes=_at(samples, life.started_ns).received_bytes - first.received_bytes,
        ready_bytes=last.received_bytes - first.received_bytes,
        sample_gap_seconds=max((b.at_ns - a.at_ns for a, b in pairwise(running)), default=0) / SECOND,
    )


def _pull(pull: Sequence[Sample], life: Life, bits_per_second: int | None) -> tuple[float | None, float, float]:
    """Seconds on the wire, unpacking and mounting, which together are the pull.

    Of a lazy image both daemons prepare layers: containerd unpacks those that are not lazy, the snapshotter mounts the
    others. Their shares are those of the CPU time that they use during the pull.
    """
    wire = _crossing(pull, bits_per_second) if bits_per_second else 0.0
    rest = _seconds(pull) - wire
    unpacking = rest * _unpacking(pull[0], pull[-1], life)
    return wire if bits_per_second else None, unpacking, rest - unpacking


def _crossing(samples: Sequence[Sample], bits_per_second: int) -> float:
    """Seconds for which the bytes that came would keep the link busy, never more than passed. What comes in a burst,
    faster than the rate, counts in the intervals that follow."""
    crossing = owed = 0.0
    for earlier, later in pairwise(samples):
        owed += (later.received_bytes - earlier.received_bytes) * 8 / bits_per_second
        paid = min(owed, (later.at_ns - earlier.at_ns) / SECOND)
        crossing, owed = crossing + paid, owed - paid
    return crossing


def _unpacking(first: Sample, last: Sample, life: Life) -> float:
    """The part of a pull's rest that is unpacking."""
    if not (life.lazy and life.mixed):
        return 0.0 if life.lazy else 1.0
    containerd = last.containerd_ns - first.containerd_ns
    both = containerd + last.snapshotter_ns - first.snapshotter_ns
    return containerd / both if both else 0.0


def _quota(running: Sequence[Sample], vcpu: float) -> float:
    """For how long the container could have run and did not, as far as its quota explains that: work takes its CPU time
    ÷ quota, and a used-up period ends with the next. What is left is this machine's other work.

    The kernel's own sum of this time is no use here: it counts each CPU by itself, so that it can exceed the time that
    passes.
    """
    first, last = running[0], running[-1]
    used = (last.container_ns - first.container_ns) / SECOND
    idle = _share_of(running, "could_run") - used
    periods = (last.throttled - first.throttled) * PERIOD_MICROSECONDS / 1e6
    return max(min(idle, used / vcpu - used, periods), 0.0)


def _share_of(samples: Sequence[Sample], state: str) -> float:
    """Seconds in a state. Each sample stands for half the time to its neighbours."""
    doubled = 0
    for earlier, later in pairwise(samples):
        doubled += (later.at_ns - earlier.at_ns) * (getattr(earlier, state) + getattr(later, state))
    return doubled / 2 / SECOND


def _seconds(samples: Sequence[Sample]) -> float:
    return (samples[-1].at_ns - samples[0].at_ns) / SECOND


def _between(samples: Sequence[Sample], begin_ns: int, end_ns: int) -> list[Sample]:
    """The samples of a phase, with one at either end."""
    inside = [sample for sample in samples if begin_ns < sample.at_ns < end_ns]
    return [_at(samples, begin_ns), *inside, _at(samples, end_ns)]


def _at(samples: Sequence[Sample], moment_ns: int) -> Sample:
    """The counters at a moment, on a straight line between the samples around it; before the first, as in the first."""
    index = bisect_left(samples, moment_ns, key=lambda sample: sample.at_ns)
    if index == 0 or index == len(samples):
        return samples[min(index, len(samples) - 1)]._replace(at_ns=moment_ns)
    before, after = samples[index - 1], samples[index]
    share = (moment_ns - before.at_ns) / (after.at_ns - before.at_ns)
    counters = {
        name: round(getattr(before, name) + (getattr(after, name) - getattr(before, name)) * share) for name in COUNTERS
    }
    return before._replace(at_ns=moment_ns, **counters)
