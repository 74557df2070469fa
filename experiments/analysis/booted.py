"""How many tasks booted, in words: with the exact interval, and of which form the others are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.analysis.cells import Cell, Share
from experiments.analysis.left_out import TASKS
from experiments.analysis.sentences import bounds
from experiments.analysis.shares import total
from experiments.records.model import Outcome
from experiments.wording import plural

FAILED = (Outcome.TIMEOUT.value, Outcome.STOPPED.value, Outcome.NOT_LAZY.value)
MOST_NAMED = 2
"""Treatments that a headline names; a note names each."""


def of_tasks(share: Share, did: str = "") -> str:
    """Return 3 of 4 tasks (19-99 %), with what they ``did`` before the interval."""
    return f"{share.booted:,} of {plural(share.tasks, 'task')}{did and f' {did}'} ({bounds(share)})"


def all_tasks(cells: Sequence[Cell]) -> str | None:
    """Return how many tasks of the sweep booted and of which form the others are; None if none ran."""
    share = total(cells)
    if share is None:
        return None
    did = "booted as promised" if any(cell.outcomes.get(Outcome.NOT_LAZY.value) for cell in cells) else "booted"
    failing = [said for cell in cells if (said := _failed(cell))]
    more = len(failing) - MOST_NAMED
    named = [*failing[:MOST_NAMED], *([f"and {more} more below"] if more > 0 else [])]
    return "; ".join([of_tasks(share, did), *named])


def fates(cell: Cell) -> Iterator[str]:
    """Yield how many tasks of a treatment did not boot as promised, by what became of them."""
    return (f"{cell.outcomes[name]:,} {TASKS[name]}" for name in FAILED if cell.outcomes.get(name))


def _failed(cell: Cell) -> str:
    """Of tasks that did not boot as promised: movie as soci-v2 with 8 tasks: 2 timed out; empty if there are none."""
    told = ", ".join(fates(cell))
    return told and f"{cell.variant} as {cell.form} with {plural(cell.task_count, 'task')}: {told}"
