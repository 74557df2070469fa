"""Warnings about missing data: no rounds, no control, too few blocks, an unfinished sweep. Pure.

`noise` warns about what was measured; this module warns about what was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.deciding import lasting, likely
from experiments.analysis.findings import Comparison, Finding
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.analysis.watching import watching
from experiments.plan.plan import Look, Plan
from experiments.plan.schedule import due_rounds
from experiments.records.model import RoundStatus
from experiments.store.sweeps import Sweep
from experiments.wording import percent, plural
from experiments.wording import tasks as count_of_tasks

if TYPE_CHECKING:
    import pandas as pd

EARLY = (
    "Its intervals hold as often as promised over all sweeps with this rule. Of those that end early, perhaps because "
    "their spread happened to look small, they hold in 91 to 93 % where half of all sweeps do, and in 81 to 89 % where "
    "only one in ten does."
)
"""By `benchmarks/bench_stopping.py`, with at most 8 to 40 blocks."""


def cautions(
    sweep: Sweep,
    tasks: pd.DataFrame,
    rounds: pd.DataFrame,
    comparisons: Sequence[Comparison],
    primary_phases: Mapping[str, str],
    last_look: Look | None,
    block_seconds: float | None,
) -> Iterator[Finding]:
    """Yield warnings about a sweep's completeness, the most important first; ``block_seconds`` is what a block took."""
    if rounds.empty:
        yield Finding(kind="too-few", text="No round has run: nothing can be concluded.")
        return
    design = sweep.plan.design
    if design.against.form not in (None, *design.forms):
        text = f"The plan has no {design.against.form!r} form: there is nothing to compare with."
        yield Finding(kind="no-control", text=text)
    elif not comparisons and any(design.control_of(*treatment) for treatment in design.treatments):
        text = (
            f"No block measured both a treatment and its control ({design.against}): a verdict needs at least "
            f"{LEAST_BLOCKS} that did."
        )
        yield Finding(kind="too-few", text=text)
    yield from _too_few(comparisons, primary_phases, block_seconds)
    if last_look is not None and sweep.status == "finished":
        yield _stopped(last_look, sweep.plan)
    yield from _incomplete(sweep, rounds)
    for text in watching(tasks, rounds):
        yield Finding(kind="watching", text=text)


def _too_few(
    comparisons: Sequence[Comparison], primary_phases: Mapping[str, str], block_seconds: float | None
) -> Iterator[Finding]:
    without = [comparison for comparison in comparisons if comparison.interval is None]
    if without:
        most = max(comparison.blocks for comparison in without)
        yield Finding(
            kind="too-few",
            text=f"{len(without)} of {len(comparisons)} comparisons have no interval: both sides were measured in at "
            f"most {plural(most, 'block')}, and at least {LEAST_BLOCKS} are needed to tell a difference from chance.",
        )
    primary = [each for each in comparisons if each.phase == primary_phases[each.variant]]
    undecided = [each for each in primary if each.verdict == "undecided" and each.interval and not each.lost_blocks]
    if undecided:
        worst = max(undecided, key=lambda each: each.blocks_to_decide or float("inf"))
        yield Finding(kind="too-few", text=_forecast(worst, len(undecided), len(primary), block_seconds))


def _forecast(worst: Comparison, undecided: int, compared: int, block_seconds: float | None) -> str:
    """Say what would decide the comparison that needs most, and so all of them."""
    subject = f"{worst.variant} as {worst.form} with {count_of_tasks(worst.task_count)} ({worst.phase})"
    if compared == 1:
        text = "The comparison that matters cannot be decided yet"
    else:
        text = f"{undecided} of the {compared} comparisons that matter ({worst.phase}) cannot be decided yet"
    if worst.blocks_to_decide is None:
        return f"{text}. {subject} scatters too much for any sweep to tell."
    blocks = worst.blocks_to_decide_range or (worst.blocks_to_decide,) * 2
    time = f", which takes {lasting(*blocks, block_seconds)}," if block_seconds else ""
    most = ", which needs most" if undecided > 1 else ""
    return f"{text}. A sweep of {likely(*blocks)} blocks{time} should decide {subject}{most}."


def _stopped(last_look: Look, plan: Plan) -> Finding:
    most = plan.design.blocks
    if last_look.narrow_enough:
        points = " of the control's time" if plan.stopping and plan.stopping.points else ""
        why = f"every interval was within ±{percent(last_look.wanted)}{points}"
    elif last_look.blocks < most:
        why = "its time ran out before every interval was narrow enough"
    else:
        why = "the plan has no more, although some intervals are still too wide"
    early = f" {EARLY}" if stopped_early(last_look, most) else ""
    text = f"The sweep ended after {last_look.blocks} of at most {most} blocks: {why}.{early}"
    return Finding(kind="stopped", text=text)


def stopped_early(last_look: Look | None, most: int) -> bool:
    """Whether a sweep ended because its spread looked small, before the ``most`` blocks that it could have had."""
    return last_look is not None and last_look.narrow_enough and last_look.blocks < most


def _incomplete(sweep: Sweep, rounds: pd.DataFrame) -> Iterator[Finding]:
    due = due_rounds(sweep.plan, set(rounds["index"]))
    complete = set(rounds.loc[rounds["status"] == RoundStatus.COMPLETE.value, "index"])
    missing = [round_ for round_ in due if round_.index not in complete]
    if missing or sweep.status != "finished":
        advice = "" if sweep.status == "finished" else f" `{sweep.resume_command}` continues it."
        text = f"{_STATES.get(sweep.status, '')}{_missing(len(missing), len(due))}.{advice}"
        yield Finding(kind="incomplete", text=text)


_STATES = {
    "failed": "The sweep gave up: ",
    "interrupted": "The sweep was interrupted: ",
    "running": "The sweep is running, or was killed: ",
}


def _missing(count: int, due: int) -> str:
    if not count:
        return f"all {plural(due, 'round')} are there"
    return f"{count:,} of {plural(due, 'round')} {'is' if count == 1 else 'are'} missing"
