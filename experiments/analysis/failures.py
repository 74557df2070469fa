"""What tasks that did not boot as promised do to a sweep's conclusions, and how the report says it. Pure.

`effects` counts them as slower than every other task of their round, `shares` compares how many there are. This module
keeps a verdict from standing on rounds that are left over: a form is not `faster` in the blocks in which enough of its
tasks booted, when in others they did not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.analysis import shares
from experiments.analysis.booted import fates, of_tasks
from experiments.analysis.cells import Cell
from experiments.analysis.comparisons import geometric_mean
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison, Finding, Verdict
from experiments.analysis.sentences import share as share_in_words
from experiments.analysis.shares import NEVER_BOOTED, TREATMENT, Counts, Key
from experiments.analysis.statistics import permutation
from experiments.analysis.statistics.permutation import Permuted
from experiments.plan.control import beside
from experiments.plan.plan import Design
from experiments.records.model import Outcome, RoundStatus
from experiments.records.phases import PHASES
from experiments.wording import plural, tasks

if TYPE_CHECKING:
    import pandas as pd


def guarded(comparison: Comparison, pair: Pairs) -> Comparison:
    """Return a comparison that claims nothing that its lost blocks could turn round."""
    kept = claimable(comparison.verdict, lost=pair.lost, control_lost=pair.control_lost)
    alone = comparison.taken_alone
    return comparison.model_copy(
        update={
            "as_deployed": pair.as_deployed,
            "lost_blocks": pair.lost,
            "control_lost_blocks": pair.control_lost,
            "verdict": kept,
            "margin": comparison.margin if kept == "no-difference" else None,
            "taken_alone": alone
            if alone and claimable(alone, lost=pair.lost, control_lost=pair.control_lost) == alone
            else None,
        }
    )


def claimable(verdict: Verdict, *, lost: int, control_lost: int) -> Verdict:
    """Return the verdict, or `undecided` if the blocks that either side lost speak against it.

    In a lost block at least half of that side's tasks were slower than anything.
    """
    against_form = lost > 0 and verdict in ("faster", "no-difference")
    against_control = control_lost > 0 and verdict in ("slower", "no-difference")
    return "undecided" if against_form or against_control else verdict


def described(
    design: Design,
    cells: Sequence[Cell],
    counted: Mapping[Key, Counts],
    medians: pd.DataFrame,
    phases: Mapping[str, str],
) -> tuple[Cell, ...]:
    """Return the cells with shares, whether these are smaller than their controls', lost rounds and typical seconds.

    ``counted`` is from `shares.counts`, ``medians`` from `effects.round_medians`; ``phases`` are the primary ones.
    """
    sides = {
        key: (counts, counted[control])
        for key, counts in counted.items()
        if (control := control_key(design, key)) is not None and control in counted
    }
    rounds = {
        (str(variant), str(form), int(count)): group
        for (variant, form, count), group in medians.groupby(TREATMENT, observed=True)
    }
    less = shares.smaller(sides, _permuted)
    return tuple(
        cell.model_copy(
            update={
                "booted": counted[key].share if key in counted else None,
                "boots_less": less.get(key, False),
                "lost_rounds": int(rounds[key][f"{phases[cell.variant]}_lost"].sum()) if key in rounds else 0,
                "seconds": _typical(rounds[key]) if key in rounds else {},
            }
        )
        for cell in cells
        for key in (cell.key,)
    )


def with_shares(comparisons: Sequence[Comparison], cells: Sequence[Cell]) -> tuple[Comparison, ...]:
    """Return the comparisons with what `described` cells say of their two sides."""
    by_key = {cell.key: cell for cell in cells}
    return tuple(
        each.model_copy(update={"booted": form.booted, "control_booted": control.booted, "boots_less": form.boots_less})
        for each in comparisons
        for form in (by_key[each.variant, each.form, each.task_count],)
        for control in (by_key[each.control_variant, each.control, each.task_count],)
    )


def control_key(design: Design, key: Key) -> Key | None:
    """The control of a treatment at a task count; None where it has none."""
    variant, form, count = key
    control = design.control_of(variant, form)
    return None if control is None else (*control, count)


def failures(design: Design, frame: pd.DataFrame, cells: Sequence[Cell]) -> Iterator[Finding]:
    """Yield a finding per treatment with tasks that did not boot as promised, and per treatment with late ones."""
    by_key = {cell.key: cell for cell in cells}
    for cell in cells:
        if cell.booted is not None and cell.booted.booted < cell.booted.tasks:
            control = control_key(design, cell.key)
            text = _failed(cell, by_key[control] if control else None)
            yield Finding(kind="failures", text=text, variant=cell.variant, form=cell.form, task_count=cell.task_count)
    yield from _late(frame)


def _typical(rounds: pd.DataFrame) -> dict[str, float]:
    """Return the geometric mean of a treatment's round medians in each phase that it has."""
    positive = {phase: rounds.loc[rounds[f"{phase}_seconds"] > 0, f"{phase}_seconds"].to_numpy() for phase in PHASES}
    return {phase: geometric_mean(seconds) for phase, seconds in positive.items() if len(seconds)}


def _failed(cell: Cell, control: Cell | None) -> str:
    subject = f"{cell.variant} as {cell.form} with {tasks(cell.task_count)}"
    share = "" if cell.booted is None else of_tasks(cell.booted, "booted as promised")
    text = f"{subject}: {share}; {', '.join(fates(cell))}."
    if any(cell.outcomes.get(name) for name in NEVER_BOOTED):
        text += " A task that never booted counts as slower than every task that did."
    if cell.lost_rounds:
        none = "so it has no median" if cell.lost_rounds == 1 else "so they have no median"
        text += f" In {plural(cell.lost_rounds, 'round')} at least half of the tasks did not, {none}."
    if cell.boots_less and control is not None:
        other = beside((control.variant, control.form), (cell.variant, cell.form))
        word = "As" if control.variant == cell.variant else "Of"
        text += f" {word} {other}, {share_in_words(control.booted)} did: the difference is more than chance."
    return text


def _late(frame: pd.DataFrame) -> Iterator[Finding]:
    booted = (frame["outcome"] == Outcome.BOOTED.value) & (frame["round_status"] == RoundStatus.COMPLETE.value)
    late = frame.loc[booted & frame["reason"].notna(), [*TREATMENT, "reason"]]
    for (variant, form, count), group in late.groupby(TREATMENT, observed=True):
        text = (
            f"{variant} as {form} with {tasks(int(count))}: {plural(len(group), 'task')} booted after the time limit "
            f"(the first {group['reason'].iat[0]}). They are in the figures as they were."
        )
        yield Finding(kind="late", text=text, variant=str(variant), form=str(form), task_count=int(count))


def _permuted(form: Counts, control: Counts) -> Permuted:
    """Exchange form and control within blocks, for their shares of tasks that did not boot."""
    ours = dict(zip(form.blocks.tolist(), form.failed.tolist(), strict=True))
    theirs = dict(zip(control.blocks.tolist(), control.failed.tolist(), strict=True))
    return permutation.test(np.array([ours[block] - theirs[block] for block in sorted(ours.keys() & theirs.keys())]))
