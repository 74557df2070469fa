"""Compare two sweeps: what changed from one to the other, per treatment, task count and phase. Pure.

On one target, seconds are compared: the medians of rounds. Across targets, only the effect of a form on its own control
is compared (the logarithm of form ÷ control per block), because a second in the lab is not a second on Fargate. The
blocks of two sweeps are not paired (`statistics.unpaired`). Verdicts follow the rules of `comparisons`, corrected over
all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from experiments.analysis.cells import measured
from experiments.analysis.comparisons import Terms, bound, shares, taken_alone, verdict
from experiments.analysis.effects import pairs, primary_phases, round_medians
from experiments.analysis.findings import Direction, Interval, Verdict
from experiments.analysis.noise import FOREIGN_PRESSURE, TREATMENT
from experiments.analysis.statistics import stopping, unpaired
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.compare import comparable
from experiments.plan.plan import Design
from experiments.records.origin import NOT_MEASURED
from experiments.records.phases import COMPARED_PHASES
from experiments.store.sweeps import Sweep
from experiments.wording import percent, tasks
from kit.errors import SweepError
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["seconds", "ratio-to-plain"]


class Change(Frozen):
    """One phase of one treatment at one task count, before and after; in seconds, or as the ratio to the control."""

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


class Versus(Frozen):
    """A comparison of two sweeps; ``differing`` lists what differs between them, by aspect."""

    schema_version: int = 1
    before: str
    after: str
    target: str = Field(description="of both, or BEFORE / AFTER")
    simulated: bool
    measure: Measure
    differing: dict[str, list[str]]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = Field(default=(), description="other possible explanations of a change")
    lost: tuple[str, ...] = Field(default=(), description="treatments measured before; planned but not measured after")
    unfinished: tuple[str, ...] = Field(default=(), description="a sentence per sweep that is not finished")


@dataclass(frozen=True)
class Recorded:
    """A sweep with the frame of its tasks."""

    sweep: Sweep
    tasks: pd.DataFrame


@dataclass(frozen=True)
class _Samples:
    """The logarithms to compare, one per block of each sweep."""

    variant: str
    form: str
    task_count: int
    phase: str
    before: Floats
    after: Floats


def compare(before: Recorded, after: Recorded, across: str | None) -> Versus:
    """Compare two sweeps; raise `SweepError` if they cannot be compared or have no treatment in common."""
    differing = comparable.check(before.sweep, after.sweep, across)
    targets = [side.sweep.key_metadata.get("target", side.sweep.outputs.target) for side in (before, after)]
    measure: Measure = "ratio-to-plain" if "target" in differing else "seconds"
    earlier, later = (_logarithms(side, measure) for side in (before, after))
    samples = list(_samples(earlier, later))
    if not samples:
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
        changes=_changes(samples, _terms(before.sweep, after.sweep)),
        warnings=() if "target" in differing else tuple(_unequal_load(before.tasks, after.tasks)),
        lost=tuple(_lost(earlier, later, after.sweep.plan.design)),
        unfinished=tuple(
            f"Sweep {side.sweep.id} is not finished ({side.sweep.status})."
            for side in (before, after)
            if side.sweep.status != "finished"
        ),
    )


def _terms(before: Sweep, after: Sweep) -> Terms:
    """Return stricter terms if either sweep may have stopped early."""
    if before.plan.stopping is None and after.plan.stopping is None:
        return Terms()
    return Terms(nominal_level=stopping.nominal_level(Terms().level), p_factor=stopping.P_FACTOR)


def _lost(before: dict[RowKey, Floats], after: dict[RowKey, Floats], planned: Design) -> Iterator[str]:
    """Name the treatments and task counts that broke: without them a comparison would look clean."""
    earlier, later = ({key[:3]: None for key, values in side.items() if len(values)} for side in (before, after))
    for variant, form, count in earlier:
        is_planned = variant in planned.variants and form in planned.forms and count in planned.task_counts
        if is_planned and (variant, form, count) not in later:
            yield f"{variant} {form} with {tasks(count)}"


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


RowKey = tuple[str, str, int, str]


def _logarithms(side: Recorded, measure: Measure) -> dict[RowKey, Floats]:
    """Return one logarithm per block, by variant, form, task count and phase."""
    medians = round_medians(side.tasks)
    if measure == "ratio-to-plain":
        all_pairs = pairs(side.sweep.plan.design, medians)
        return {(pair.variant, pair.form, pair.task_count, pair.phase): pair.differences for pair in all_pairs}
    grouped = medians.groupby(["variant", "form", "task_count"], observed=True)
    return {
        (str(variant), str(form), int(count), phase): _positive_logarithms(rounds[f"{phase}_seconds"])
        for ((variant, form, count), rounds), phase in product(grouped, COMPARED_PHASES)
    }


def _positive_logarithms(seconds: pd.Series) -> Floats:
    values = seconds.dropna().to_numpy(dtype=float)
    return np.asarray(np.log(values[values > 0]))


def _samples(before: dict[RowKey, Floats], after: dict[RowKey, Floats]) -> Iterator[_Samples]:
    for key in before:
        if key in after and len(before[key]) and len(after[key]):
            yield _Samples(*key, before[key], after[key])


def _changes(samples: Sequence[_Samples], terms: Terms) -> tuple[Change, ...]:
    p_values = np.array([unpaired.p_value(row.before, row.after) if _testable(row) else 1.0 for row in samples])
    phases = primary_phases((row.variant, row.phase) for row in samples)
    descriptions = [_described(row, primary=row.phase == phases[row.variant]) for row in samples]
    adjusted = holm(np.minimum(1.0, p_values * terms.p_factor), shares([change.primary for change in descriptions]))
    return tuple(
        _judged(row, float(p), change, terms) if _testable(row) else change
        for row, p, change in zip(samples, adjusted, descriptions, strict=True)
    )


def _testable(row: _Samples) -> bool:
    return min(len(row.before), len(row.after)) >= LEAST_BLOCKS


def _described(row: _Samples, *, primary: bool) -> Change:
    return Change(
        variant=row.variant,
        form=row.form,
        task_count=row.task_count,
        phase=row.phase,
        primary=primary,
        before=float(np.exp(row.before.mean())),
        after=float(np.exp(row.after.mean())),
        blocks_before=len(row.before),
        blocks_after=len(row.after),
        ratio=float(np.exp(row.after.mean() - row.before.mean())),
    )


def _judged(row: _Samples, p_adjusted: float, description: Change, terms: Terms) -> Change:
    low, high = np.exp(unpaired.interval(row.before, row.after, terms.nominal_level))
    interval = Interval(low=low, high=high, level=terms.level)
    permuted = unpaired.permuted(row.before, row.after)
    decision = verdict(interval, p_adjusted, permuted, terms.margin)
    return description.model_copy(
        update={
            "interval": interval,
            "p_value": permuted.p_value,
            "p_adjusted": p_adjusted,
            "verdict": decision,
            "taken_alone": taken_alone(interval, permuted) if decision == "undecided" else None,
            "margin": bound(interval) if decision == "no-difference" else None,
        }
    )
