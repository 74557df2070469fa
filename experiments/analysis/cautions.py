"""What must be known before a figure is believed: what is missing, too little or left out. Pure.

`noise` has the warnings about what was measured; here are those about what was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.cells import left_out
from experiments.analysis.effects import primary_phase
from experiments.analysis.findings import Comparison, Finding
from experiments.analysis.precision import look
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.analysis.watching import watching
from experiments.plan.schedule import due_rounds
from experiments.records.model import RoundStatus
from experiments.store.sweeps import Sweep
from experiments.wording import percent, tasks_of
from infra.outputs import CONTROL

if TYPE_CHECKING:
    import pandas as pd


def cautions(
    sweep: Sweep, tasks: pd.DataFrame, rounds: pd.DataFrame, comparisons: Sequence[Comparison], precision: float
) -> Iterator[Finding]:
    """Warnings about a sweep's completeness, the most important first."""
    if rounds.empty:
        yield Finding(kind="too-few", text="No round has run: nothing can be concluded.")
        return
    if CONTROL not in sweep.plan.design.forms:
        text = f"The plan has no {CONTROL!r} form: there is nothing to compare with."
        yield Finding(kind="no-control", text=text)
    elif not comparisons and len(sweep.plan.design.forms) > 1:
        text = f"No block has both a form and {CONTROL!r} measured: a verdict needs at least {LEAST_BLOCKS} that have."
        yield Finding(kind="too-few", text=text)
    yield from _too_few(comparisons, precision)
    yield from _stopped(sweep, tasks, rounds)
    yield from _incomplete(sweep, rounds)
    for text in left_out(tasks, rounds):
        yield Finding(kind="left-out", text=text)
    for text in watching(tasks, rounds):
        yield Finding(kind="watching", text=text)


def _too_few(comparisons: Sequence[Comparison], precision: float) -> Iterator[Finding]:
    without = [one for one in comparisons if one.interval is None]
    if without:
        most = max(one.blocks for one in without)
        yield Finding(
            kind="too-few",
            text=f"{len(without)} of {len(comparisons)} comparisons have no interval, for both sides were measured in "
            f"{most} {'block' if most == 1 else 'blocks'} at most: at least {LEAST_BLOCKS} are needed to tell a "
            "difference from chance.",
        )
    primary = [one for one in comparisons if one.phase == primary_phase(comparisons, one.variant)]
    wide = [one for one in primary if one.interval is not None and one.blocks_needed != 0]
    if wide:
        needed = [one.blocks_needed for one in wide if one.blocks_needed is not None]
        forecast = (
            f"about {max(needed)} more blocks" if len(needed) == len(wide) else "more blocks than a plan can have"
        )
        worst = max(wide, key=lambda one: one.blocks_needed or float("inf"))
        yield Finding(
            kind="too-few",
            text=f"The intervals of {len(wide)} comparisons are wider than {percent(precision)} to either side: "
            f"{forecast} are needed, most for {worst.variant} as {worst.form} with {tasks_of(worst.task_count)} "
            f"({worst.phase}).",
        )


def _stopped(sweep: Sweep, tasks: pd.DataFrame, rounds: pd.DataFrame) -> Iterator[Finding]:
    rule, most = sweep.plan.stopping, sweep.plan.design.blocks
    if rule is None or sweep.status != "finished":
        return
    seen = look(sweep.plan.design, rule, tasks)
    blocks = rounds["block"].nunique()
    if seen.narrow_enough:
        why = f"every interval was within {percent(rule.precision)} to either side"
    elif blocks < most:
        why = "its time was used up, before every interval was as narrow as wanted"
    else:
        why = "a plan has no more, before every interval was as narrow as wanted"
    yield Finding(kind="stopped", text=f"The sweep ended after {blocks} of at most {most} blocks, for {why}.")


def _incomplete(sweep: Sweep, rounds: pd.DataFrame) -> Iterator[Finding]:
    due = due_rounds(sweep.plan, set(rounds["index"]))
    complete = set(rounds.loc[rounds["status"] == RoundStatus.COMPLETE.value, "index"])
    missing = [round_ for round_ in due if round_.index not in complete]
    if missing or sweep.status != "finished":
        again = "" if sweep.status == "finished" else f" `sociometer sweep --resume {sweep.id}` goes on with it."
        yield Finding(
            kind="incomplete",
            text=f"The sweep is {sweep.status}; {len(missing)} of {len(due)} rounds have no complete attempt.{again}",
        )
