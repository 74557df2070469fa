"""What was wrong between a host and its registry. Pure.

A round counts only if its registry answered as it does when nothing is wrong: what disturbs it takes time that is not
the form's, and neither containerd nor the soci-snapshotter tells of it when they get over it. So each request must have
one answer, in time, without an error, to its end; and no bytes twice, because that is how damaged ones are mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.lab.exchanges import Exchange
from infra.lab.spent import Sample

LATE_SECONDS = 2.5
"""The soci-snapshotter gives up after 3 s (`defaultResponseHeaderTimeoutMsec`). The longest that a registry was seen to
take on a busy machine was 1.3 s, with three pulls for each CPU."""
SLOW_SECONDS = 0.05
"""More than the profile's round trip for even the quickest answer, which no load explains."""
LEAST_ANSWERS = 5
"""So many tell how long even the quickest answer takes."""
SILENT_SECONDS = 2.0
SILENT_SHARE = 0.01
"""Of the link's rate: as good as nothing. Eight pulls that shared two CPUs got twenty times as much each."""
SILENT_RATE = 10**9
"""Where the link has no rate."""
TASKS_PER_CPU = 2
"""So many tasks share a CPU before the registry, which needs it too, is given more time."""
LEAST_OWED_BYTES = 1 << 18
PROBE_BYTES = 2
"""The soci-snapshotter asks for the first two bytes of a layer to learn where it lies, as often as it mounts it."""
_SECOND = 10**9
_TEMPORARY = (408, 429)


@dataclass(frozen=True)
class Link:
    """What the profile promises of a host's way to the registry, and with how much `patience` it is held to that."""

    bits_per_second: int | None = None
    round_trip_seconds: float = 0.0
    patience: float = 1.0


def patience(tasks: int, cpus: int) -> float:
    """How many times as long things may take when so many tasks share this machine's CPUs."""
    return max(1.0, tasks / cpus / TASKS_PER_CPU)


def told(heard: Sequence[Exchange], samples: Sequence[Sample], link: Link, until_ns: int) -> str:
    """What was wrong until some moment, as a sentence; empty if nothing was. See `faults` and `silences`."""
    clauses = (*faults(heard, link, until_ns), *silences(heard, samples, link, until_ns))
    return f"Between the host and the registry: {'; '.join(clauses)}." if clauses else ""


def faults(heard: Sequence[Exchange], link: Link, until_ns: int) -> tuple[str, ...]:
    """What was wrong, one clause each, the same kind once with its number; empty if nothing was.

    What began after ``until_ns`` does not count. A request that is still open then has no fault unless it is late.
    """
    counted = [each for each in heard if each.asked_ns <= until_ns]
    found: dict[str, list[str]] = {}
    for each in counted:
        for kind, clause in _wrong(each, link, until_ns):
            found.setdefault(kind, []).append(clause)
    for clause in _twice(counted):
        found.setdefault("twice", []).append(clause)
    counts = [clauses[0] + (f" ({len(clauses)} times)" if len(clauses) > 1 else "") for clauses in found.values()]
    return (*counts, *_slow(counted, link))


def silences(heard: Sequence[Exchange], samples: Sequence[Sample], link: Link, until_ns: int) -> tuple[str, ...]:
    """That the registry sent as good as nothing though it had begun answers that were not over; empty if it never did.

    ``samples`` are of the bytes that came over the link: nearly all are of bodies.
    """
    allowed = SILENT_SECONDS * SILENT_SHARE * (link.bits_per_second or SILENT_RATE) / 8
    promised = sorted(_promises(heard))
    owed, longest, since = 0, 0, None
    for sample in samples:
        if sample.at_ns > until_ns:
            break
        while promised and promised[0][0] <= sample.at_ns:
            owed += promised.pop(0)[1]
        left = owed - (sample.received_bytes - samples[0].received_bytes)
        if left < LEAST_OWED_BYTES or since is None or sample.received_bytes - since.received_bytes > allowed:
            since = sample
        longest = max(longest, sample.at_ns - since.at_ns)
    if longest < SILENT_SECONDS * link.patience * _SECOND:
        return ()
    return (f"for {longest / _SECOND:.1f} s the registry sent as good as nothing of answers that it had begun",)


def _wrong(each: Exchange, link: Link, until_ns: int) -> Iterator[tuple[str, str]]:
    """Kind and clause of what was wrong with one exchange."""
    if not each.path:
        yield each.ended or "", f"a connection to the registry was {each.ended}"
        return
    if each.status is not None and (each.status >= 500 or each.status in _TEMPORARY):
        yield f"status {each.status}", f"the registry answered {each.status} for {each.name}"
    if each.ended is not None:
        came = "before an answer for" if each.arrived is None else f"after {each.arrived} of {each.length} bytes of"
        yield each.ended, f"the connection was {each.ended} {came} {each.name}"
    waited = ((each.answered_ns or each.over_ns or until_ns) - each.asked_ns) / _SECOND
    if each.ended is None and waited > LATE_SECONDS * link.patience + link.round_trip_seconds:
        yield "late", f"the registry took {waited:.1f} s to answer for {each.name}"


def _twice(heard: Sequence[Exchange]) -> Iterator[str]:
    """A part of a layer that came whole, and was asked for again all the same. (What is fetched as a whole blob, both
    daemons may fetch, each for itself.)"""
    seen: set[tuple[str, str]] = set()
    for each in heard:
        key = (each.path, each.wanted)
        whole = bool(each.wanted) and each.ended is None and (each.length or 0) > PROBE_BYTES
        if whole and key in seen:
            yield f"the same {each.length} bytes of {each.name} were fetched again, as after damaged ones"
        if whole:
            seen.add(key)


def _promises(heard: Sequence[Exchange]) -> Iterator[tuple[int, int]]:
    """When so many bytes were promised, or will not come any more."""
    for each in heard:
        if each.answered_ns is not None and each.length is not None:
            yield each.answered_ns, each.length
            if each.over_ns is not None and each.arrived is not None:
                yield each.over_ns, each.arrived - each.length


def _slow(heard: Sequence[Exchange], link: Link) -> Iterator[str]:
    waits = [(each.answered_ns - each.asked_ns) / _SECOND for each in heard if each.answered_ns is not None]
    if len(waits) >= LEAST_ANSWERS and min(waits) > SLOW_SECONDS * link.patience + link.round_trip_seconds:
        promised = f"the profile's round trip is {link.round_trip_seconds * 1000:g} ms"
        yield f"even the quickest answer of the registry took {min(waits) * 1000:.0f} ms; {promised}"
