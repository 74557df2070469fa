"""What a reader must know of how rounds on Fargate were watched: requests that failed, and clocks that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sociometer.experiments.records import MAX_OFFSET_ERROR_MS, Outcome, RoundRecord

OFFSET_MS = 1000.0
"""A clock that is surely further off than this is set wrong; it is worth a word, although no duration depends on it."""
TASK_CLOCK_MS = 50.0
"""Error of a task's own clock from which `boot` cannot be read to the tenth of a second."""


def watching(records: Sequence[RoundRecord]) -> Iterator[str]:
    """Notes for a report; none for rounds in the lab."""
    watched = [record for record in records if record.observation.requests.api_calls is not None]
    if watched:
        yield _requests(watched)
        yield from _offsets(watched)
        yield from _task_clocks(watched)


def _requests(records: Sequence[RoundRecord]) -> str:
    def total(name: str) -> int:
        return sum(getattr(record.observation.requests, name) or 0 for record in records)

    return (
        f"Watching took {total('api_calls')} requests to AWS, {total('api_retries')} of them sent again (throttled, "
        f"failed or lost), and {total('balancer_gets')} to the load balancer, {total('balancer_in_vain')} of them in "
        "vain."
    )


def _offsets(records: Sequence[RoundRecord]) -> Iterator[str]:
    clocks = [record.observation.clock for record in records]
    known = [clock for clock in clocks if clock is not None and clock.error_ms <= MAX_OFFSET_ERROR_MS]
    if unknown := len(clocks) - len(known):
        yield (
            f"In {unknown} rounds AWS's clock was not known to {MAX_OFFSET_ERROR_MS / 1000:.0f} s on this machine: "
            "their `ready` is left out."
        )
    if known:
        worst = max(clock.error_ms for clock in known)
        yield f"`ready` is seen by this machine; the difference of its clock to AWS's is known within {worst:.0f} ms."
    off = max((abs(clock.offset_ms) for clock in known if abs(clock.offset_ms) - clock.error_ms > OFFSET_MS), default=0)
    if off:
        yield f"This machine's clock is up to {off / 1000:.1f} s off AWS's: set it right. No duration depends on it."


def _task_clocks(records: Sequence[RoundRecord]) -> Iterator[str]:
    booted = [
        task.clock_error_bound_ms
        for record in records
        for task in record.observation.tasks
        if task.outcome is Outcome.BOOTED
    ]
    worst = max((bound for bound in booted if bound is not None), default=0.0)
    if worst > TASK_CLOCK_MS:
        yield f"Tasks' own clocks may be off by up to {worst:.0f} ms, and so may `boot`."
    if unknown := booted.count(None):
        yield f"{unknown} booted tasks do not know the error of their clocks: that of their `boot` is unknown."
