"""Compare two sweeps: what changed from one to the other, per treatment, task count and phase. Pure.

On one target, seconds are compared: the medians of rounds. Across targets, only the effect of a form on its own control
is compared (the logarithm of form ÷ control per block), because a second in the lab is not a second on Fargate. The
blocks of two sweeps are not paired (`statistics.unpaired`). They tell nothing of what changes from one sweep to the
next: where other sweeps of the same things do, that is added (`statistics.between`). Verdicts follow the rules of
`comparisons`, corrected over all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from experiments.analysis.cells import measured
from experiments.analysis.comparisons import Terms, bound, shares, taken_alone, verdict
from experiments.analysis.effects import not_lazy, primary_phases
from experiments.analysis.failures import claimable
from experiments.analysis.findings import Direction, Interval, Verdict
from experiments.analysis.noise import FOREIGN_PRESSURE
from experiments.analysis.shares import TREATMENT
from experiments.analysis.statistics import between, stopping, unpaired
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS
from experiments.compare import caught, comparable, lacking, repetitions
from experiments.compare.lacking import Booting
from experiments.compare.samples import Measure, Recorded, Samples, logarithms
from experiments.compare.samples import samples as samples_of
from experiments.records.origin import NOT_MEASURED
from experiments.store.sweeps import Sweep
from experiments.wording import percent, tasks
from kit.errors import SweepError
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd


class Change(Frozen):
    """One phase of one treatment at one task count, before and after; in seconds, or as the ratio to the control.

    Within one sweep, ``before`` is the control.
    """

    variant: str
    form: str
    task_count: int
    phase: str
    primary: bool = Field(description="whether the variant's verdict is about this phase")
    before: float = Field(description="geometric mean over the blocks, as is `after`, so that their ratio is `ratio`")
    after: float
    blocks_before: int
    blocks_after: int
    ratio: float = Field(description="after ÷ before")
    interval: Interval | None = Field(default=None, description="of the ratio; None if there are too few blocks")
    p_value: float | None = Field(default=None, description="permutation of blocks between the sweeps")
    p_adjusted: float | None = Field(default=None, description="Welch's t, corrected for the number of rows")
    verdict: Verdict = "undecided"
    margin: float | None = Field(default=None, description="no relative difference is larger")
    taken_alone: Direction | None = Field(
        default=None, description="the verdict of an undecided row if it were the only one"
    )
    as_deployed: bool = Field(default=False, description="whether tasks that did not load lazily are among them")
    lost_blocks: int = Field(default=0, description="blocks after in which at least half of the tasks never got there")
    lost_before: int = 0
    sweeps: int = Field(default=0, description="sweeps of the same thing that tell how much sweeps differ")
    between_sweeps: float | None = Field(
        default=None,
        description="how much they differ beyond their blocks, as a share; in interval and p; None: unknown",
    )
    could_catch: float | None = Field(
        default=None,
        description="smallest slow-down that 4 of 5 such pairs would call slower (by the limit, if one is given); of "
        "primary phases",
    )

    @property
    def too_many_failed(self) -> str | None:
        """Which sweep lost blocks because at least half of their tasks failed, in words; None: neither."""
        if self.lost_blocks:
            return "too many failed"
        return "too many failed before" if self.lost_before else None


class Versus(Frozen):
    """A comparison of two sweeps, or within one; ``differing`` lists what differs between them, by aspect."""

    schema_version: int = 3
    """3 — `control`: one sweep is compared within itself."""
    before: str
    after: str
    control: str | None = Field(
        default=None, description="of one sweep: what its others are compared with, block by block; None: two sweeps"
    )
    target: str = Field(description="of both, or BEFORE / AFTER")
    simulated: bool
    measure: Measure
    differing: dict[str, list[str]]
    changes: tuple[Change, ...]
    booting: tuple[Booting, ...] = ()
    warnings: tuple[str, ...] = Field(default=(), description="other possible explanations of a change")
    lost: tuple[str, ...] = Field(default=(), description="treatments measured before; planned but not measured after")
    unfinished: tuple[str, ...] = Field(
        default=(), description="a sentence per sweep that is not finished, or lacks rounds of a treatment"
    )


def compare(
    before: Recorded,
    after: Recorded,
    across: str | None,
    *,
    limit: float = 0.0,
    repeated: Sequence[Recorded] = (),
) -> Versus:
    """Compare two sweeps; raise `SweepError` if they cannot be compared or have no treatment in common.

    ``limit`` is the slow-down that `could_catch` asks about, as a share. ``repeated`` are other sweeps of the same
    things (`repetitions.is_one`): they tell how much sweeps differ among themselves.
    """
    differing = comparable.check(before.sweep, after.sweep, across)
    targets = [side.sweep.key_metadata.get("target", side.sweep.outputs.target) for side in (before, after)]
    measure: Measure = "ratio-to-control" if "target" in differing else "seconds"
    deployed = bool(not_lazy(before.tasks) | not_lazy(after.tasks))
    earlier, later = (logarithms(side, measure, deployed=deployed) for side in (before, after))
    _same_control(before.sweep, after.sweep, measure)
    told = repetitions.between(before, after, repeated if measure == "seconds" else ())
    samples, booting = list(samples_of(earlier, later, told)), tuple(lacking.booting(before, after))
    if not samples and not booting:
        raise SweepError(
            f"Sweeps {before.sweep.id} and {after.sweep.id} share no treatment at a task count that both measured in "
            "complete rounds."
        )
    return Versus(
        before=before.sweep.id,
        after=after.sweep.id,
        target=" / ".join(dict.fromkeys(targets)),
        simulated=any(target in NOT_MEASURED for target in targets),
        measure=measure,
        differing=differing,
        changes=changes(samples, _terms(before.sweep, after.sweep), limit),
        booting=booting,
        warnings=() if "target" in differing else tuple(_unequal_load(before.tasks, after.tasks)),
        lost=tuple(lacking.lost(earlier, later, after.sweep.plan.design)),
        unfinished=tuple(text for side in (before, after) for text in lacking.unfinished(side)),
    )


def _same_control(before: Sweep, after: Sweep, measure: Measure) -> None:
    """Ratios to different controls are no repetition of each other."""
    controls = [sweep.plan.design.against for sweep in (before, after)]
    if measure == "ratio-to-control" and controls[0] != controls[1]:
        raise SweepError(
            f"Sweeps {before.id} and {after.id} cannot be compared across targets: their treatments are measured "
            f"against other controls, {controls[0]} and {controls[1]}."
        )


def _terms(before: Sweep, after: Sweep) -> Terms:
    """Return stricter terms if either sweep may have stopped early."""
    if before.plan.stopping is None and after.plan.stopping is None:
        return Terms()
    return Terms(nominal_level=stopping.nominal_level(Terms().level), p_factor=stopping.P_FACTOR)


def _unequal_load(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    """Warn of treatments whose rounds ran on a much busier machine in one of the sweeps."""
    earlier, later = (_pressures(frame) for frame in (before, after))
    for treatment in sorted(earlier.keys() & later.keys()):
        variant, form, count = treatment
        if abs(later[treatment] - earlier[treatment]) > FOREIGN_PRESSURE:
            yield (
                f"CPU pressure of {variant} {form} with {tasks(count)} was {percent(earlier[treatment])} before and "
                f"{percent(later[treatment])} after: part of the change may come from the machine."
            )


def _pressures(tasks: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    """Return the median CPU pressure of the measured tasks' rounds, by variant, form and task count."""
    grouped = measured(tasks).groupby(TREATMENT, observed=True)["cpu_pressure"].median()
    return {(str(variant), str(form), int(count)): float(share) for (variant, form, count), share in grouped.items()}


def changes(samples: Sequence[Samples], terms: Terms, limit: float) -> tuple[Change, ...]:
    """Return one change per element of ``samples``, with the slow-down that those of primary phases could catch."""
    found = judged(samples, terms)
    weights = shares([change.primary for change in found])
    return tuple(
        change.model_copy(
            update={
                "could_catch": caught.slowdown(
                    each.before.logarithms, each.after.logarithms, terms, weight, limit, each.least, each.between
                )
            }
        )
        if change.primary and _testable(each)
        else change
        for each, change, weight in zip(samples, found, weights, strict=True)
    )


def judged(samples: Sequence[Samples], terms: Terms) -> tuple[Change, ...]:
    """Return one change per element of ``samples``, corrected for all of them together."""
    p_values = np.array([_p_value(each) if _testable(each) else 1.0 for each in samples])
    phases = primary_phases((each.row.variant, each.row.phase) for each in samples)
    descriptions = [_described(each, primary=each.row.phase == phases[each.row.variant]) for each in samples]
    weights = shares([change.primary for change in descriptions])
    adjusted = holm(np.minimum(1.0, p_values * terms.p_factor), weights)
    return tuple(
        _judged(each, float(p), change, terms) if _testable(each) else change
        for each, p, change in zip(samples, adjusted, descriptions, strict=True)
    )


def _p_value(each: Samples) -> float:
    before, after = each.before.logarithms, each.after.logarithms
    return between.p_value(before, after, each.between or between.WITHIN, each.least)


def _interval(each: Samples, level: float) -> tuple[float, float]:
    before, after = each.before.logarithms, each.after.logarithms
    return between.interval(before, after, each.between or between.WITHIN, level, each.least)


def _testable(each: Samples) -> bool:
    return min(len(each.before.logarithms), len(each.after.logarithms)) >= LEAST_BLOCKS


def _described(each: Samples, *, primary: bool) -> Change:
    before, after = each.before.logarithms, each.after.logarithms
    return Change(
        **each.row._asdict(),
        primary=primary,
        before=float(np.exp(before.mean())),
        after=float(np.exp(after.mean())),
        blocks_before=len(before),
        blocks_after=len(after),
        lost_before=each.before.lost,
        lost_blocks=each.after.lost,
        sweeps=each.between.sweeps if each.between else 0,
        between_sweeps=float(np.expm1(each.between.deviation)) if each.between else None,
        ratio=float(np.exp(after.mean() - before.mean())),
    )


def _judged(each: Samples, p_adjusted: float, description: Change, terms: Terms) -> Change:
    before, after = each.before.logarithms, each.after.logarithms
    low, high = np.exp(_interval(each, terms.nominal_level))
    interval = Interval(low=low, high=high, level=terms.level)
    permuted = unpaired.permuted(before, after)
    lost = {"lost": each.after.lost, "control_lost": each.before.lost}
    decision = claimable(verdict(interval, p_adjusted, permuted, terms.margin), **lost)
    alone = taken_alone(interval, permuted) if decision == "undecided" else None
    return description.model_copy(
        update={
            "interval": interval,
            "p_value": permuted.p_value,
            "p_adjusted": p_adjusted,
            "verdict": decision,
            "taken_alone": alone if alone and claimable(alone, **lost) == alone else None,
            "margin": bound(interval) if decision == "no-difference" else None,
        }
    )
