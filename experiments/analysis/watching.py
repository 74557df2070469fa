"""Notes on how rounds on Fargate were watched: requests that failed, and clocks that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from experiments.records.model import MAX_OFFSET_ERROR_MS, Outcome
from experiments.wording import plural

if TYPE_CHECKING:
    import pandas as pd

OFFSET_MS = 1000.0
"""A clock that is certainly further off than this is wrong, and worth a note although no duration depends on it."""
TASK_CLOCK_MS = 50.0
"""Above this error of a task's own clock, `boot` is not accurate to a tenth of a second."""


def watching(tasks: pd.DataFrame, rounds: pd.DataFrame) -> Iterator[str]:
    """Yield notes for a report, from the `frames` of a sweep; none for rounds in the lab."""
    watched = rounds[rounds["api_calls"].notna()]
    if len(watched):
        yield _requests(watched)
        yield from _offsets(watched)
        yield from _task_clocks(tasks)


def _requests(rounds: pd.DataFrame) -> str:
    def total(name: str) -> int:
        return int(rounds[name].sum())

    aws = (
        f"Watching took {total('api_calls')} requests to AWS, {total('api_retries')} of them retries (throttled, "
        "failed or lost)"
    )
    if not total("balancer_gets"):
        return f"{aws}."
    return (
        f"{aws}, and {total('balancer_gets')} to the load balancer, {total('balancer_in_vain')} of them without an "
        "answer from a task of the round."
    )


def _offsets(rounds: pd.DataFrame) -> Iterator[str]:
    known = rounds[rounds["clock_error_ms"] <= MAX_OFFSET_ERROR_MS]
    timed_here = known["balancer_gets"] > 0  # else a probe timed them, on the task's own clock
    if unknown := int((rounds["balancer_gets"] > 0).sum() - timed_here.sum()):
        yield (
            f"In {plural(unknown, 'round')} the offset from AWS's clock was not known to within "
            f"{MAX_OFFSET_ERROR_MS / 1000:.0f} s: their `ready` is left out."
        )
    if timed_here.any():
        worst = known.loc[timed_here, "clock_error_ms"].max()
        yield (
            "This machine timed `ready` through the load balancer, so it may come after `boot`; the offset of its "
            f"clock from AWS's is known to within {worst:.0f} ms."
        )
    off = known["clock_offset_ms"].abs()
    surely_off = off[off - known["clock_error_ms"] > OFFSET_MS]
    if len(surely_off):
        worst = surely_off.max()
        yield f"This machine's clock is up to {worst / 1000:.1f} s off AWS's: correct it. No duration depends on it."


def _task_clocks(tasks: pd.DataFrame) -> Iterator[str]:
    bounds = tasks.loc[tasks["outcome"] == Outcome.BOOTED.value, "clock_error_bound_ms"]
    worst = bounds.max()
    if worst > TASK_CLOCK_MS:
        yield f"Tasks' own clocks may be off by up to {worst:.0f} ms, and so may `boot`."
    if unknown := int(bounds.isna().sum()):
        yield f"The clock error of {plural(unknown, 'booted task')} is unknown, and so is the error of their `boot`."
