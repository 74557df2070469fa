"""What a reader must know of how rounds on Fargate were watched: requests that failed, and clocks that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from experiments.records.model import MAX_OFFSET_ERROR_MS, Outcome

if TYPE_CHECKING:
    import pandas as pd

OFFSET_MS = 1000.0
"""A clock that is surely further off than this is set wrong; it is worth a word, although no duration depends on it."""
TASK_CLOCK_MS = 50.0
"""Error of a task's own clock from which `boot` cannot be read to the tenth of a second."""


def watching(tasks: pd.DataFrame, rounds: pd.DataFrame) -> Iterator[str]:
    """Notes for a report, from the `frames` of a sweep; none for rounds in the lab."""
    watched = rounds[rounds["api_calls"].notna()]
    if len(watched):
        yield _requests(watched)
        yield from _offsets(watched)
        yield from _task_clocks(tasks)


def _requests(rounds: pd.DataFrame) -> str:
    def total(name: str) -> int:
        return int(rounds[name].sum())

    return (
        f"Watching took {total('api_calls')} requests to AWS, {total('api_retries')} of them sent again (throttled, "
        f"failed or lost), and {total('balancer_gets')} to the load balancer, {total('balancer_in_vain')} of them in "
        "vain."
    )


def _offsets(rounds: pd.DataFrame) -> Iterator[str]:
    known = rounds[rounds["clock_error_ms"] <= MAX_OFFSET_ERROR_MS]
    if unknown := len(rounds) - len(known):
        yield (
            f"In {unknown} rounds AWS's clock was not known to {MAX_OFFSET_ERROR_MS / 1000:.0f} s on this machine: "
            "their `ready` is left out."
        )
    if len(known):
        worst = known["clock_error_ms"].max()
        yield f"`ready` is seen by this machine; the difference of its clock to AWS's is known within {worst:.0f} ms."
    off = known["clock_offset_ms"].abs()
    surely_off = off[off - known["clock_error_ms"] > OFFSET_MS]
    if len(surely_off):
        worst = surely_off.max()
        yield f"This machine's clock is up to {worst / 1000:.1f} s off AWS's: set it right. No duration depends on it."


def _task_clocks(tasks: pd.DataFrame) -> Iterator[str]:
    bounds = tasks.loc[tasks["outcome"] == Outcome.BOOTED.value, "clock_error_bound_ms"]
    worst = bounds.max()
    if worst > TASK_CLOCK_MS:
        yield f"Tasks' own clocks may be off by up to {worst:.0f} ms, and so may `boot`."
    if unknown := int(bounds.isna().sum()):
        yield f"{unknown} booted tasks do not know the error of their clocks: that of their `boot` is unknown."
