"""Two sweeps side by side: what changed from one to the other, per treatment, task count and phase. Pure.

On one target, seconds are compared: the medians of rounds. Across targets only what a form does to its own control is:
the logarithms of form ÷ control of each block, for a second in the lab is not a second on Fargate. The blocks of two
sweeps are not paired (`statistics.unpaired`); verdicts follow the rules of `comparisons`, corrected over all rows.
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
    primary: bool = Field(description="the phase that the variant's verdict is about")
    before: float
    after: float
    blocks_before: int
    blocks_after: int
    ratio: float = Field(description="after ÷ before, of geometric means over the blocks")
    interval: Interval | None = Field(default=None, description="of the ratio; None when there are too few blocks")
    p_value: float | None = Field(default=None, description="permutation of blocks between the sweeps")
    p_adjusted: float | None = Field(default=None, description="Welch's t, corrected for the number of rows")
    verdict: Verdict = "undecided"
    margin: float | None = Field(default=None, description="no relative difference larger than this")
    taken_alone: Direction | None = Field(
        default=None, description="what an undecided row would be, were it the only one"
    )


class Versus(Frozen):
    """A comparison of two sweeps; ``differing`` is what differs between them, by aspect."""

    schema_version: int = 1
    before: str
    after: str
    target: str = Field(description="of both, or BEFORE / AFTER")
    simulated: bool
    measure: Measure
    differing: dict[str, list[str]]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = Field(default=(), description="what besides the change may explain it")
    lost: tuple[str, ...] = Field(default=(), description="measured before; planned after, and not measured")
    unfinished: tuple[str, ...] = Field(default=(), description="sweeps that have rounds to go, in words")


@dataclass(frozen=True)
class Recorded:
    """A sweep with the frame of its tasks."""

    sweep: Sweep
    tasks: pd.DataFrame


@dataclass(frozen=True)
class _Samples:
    """The logarithms of what is compared, one per block of each sweep."""

    variant: str
    form: str
    task_count: int
    phase: str
    before: Floats
    after: Floats


def compare(before: Recorded, after: Recorded, across: str | None) -> Versus:
    """What changed from one sweep to another; raises `SweepError` when they cannot be compared, or share nothing."""
    differing = comparable.check(before.sweep, after.sweep, across)
    targets = [side.sweep.key_metadata.get("target", side.sweep.outputs.target) for side in (before, after)]
    measure: Measure = "ratio-to-plain" if "target" in differing else "seconds"
    earlier, later = (_logarithms(side, measure) for side in (before, after))
    samples = list(_samples(earlier, later))
    if not samples:
        raise SweepError(
            f"Sweeps {before.sweep.id} and {after.sweep.id} share no treatment at a task count that both measured in a "
            "complete round."
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
    """Sweeps that may have stopped early pay for their looks, also here."""
    if before.plan.stopping is None and after.plan.stopping is None:
        return Terms()
    return Terms(nominal_level=stopping.nominal_level(Terms().level), p_factor=stopping.P_FACTOR)


def _lost(before: dict[RowKey, Floats], after: dict[RowKey, Floats], planned: Design) -> Iterator[str]:
    """Treatments at a task count that broke: without a word about them a comparison would look clean."""
    earlier, later = ({place[:3]: None for place, values in side.items() if len(values)} for side in (before, after))
    for variant, form, count in earlier:
        wanted = variant in planned.variants and form in planned.forms and count in planned.task_counts
        if wanted and (variant, form, count) not in later:
            yield f"{variant} {form} with {tasks(count)}"


def _unequal_load(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    """Treatments in whose rounds the measuring machine was much busier in one of the sweeps."""
    earlier, later = (_pressures(frame) for frame in (before, after))
    for treatment in sorted(earlier.keys() & later.keys()):
        variant, form, count = treatment
        if abs(later[treatment] - earlier[treatment]) > FOREIGN_PRESSURE:
            yield (
                f"CPU pressure of {variant} {form} with {tasks(count)} was {percent(earlier[treatment])} before and "
                f"{percent(later[treatment])} after: a part of the change may be the machine's."
            )


def _pressures(tasks: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    """Median CPU pressure of the measured tasks' rounds, by variant, form and task count."""
    grouped = measured(tasks).groupby(TREATMENT, observed=True)["cpu_pressure"].median()
    return {(str(variant), str(form), int(count)): float(share) for (variant, form, count), share in grouped.items()}


RowKey = tuple[str, str, int, str]


def _logarithms(side: Recorded, measure: Measure) -> dict[RowKey, Floats]:
    """By variant, form, task count and phase."""
    medians = round_medians(side.tasks)
    if measure == "ratio-to-plain":
        found = pairs(side.sweep.plan.design, medians)
        return {(pair.variant, pair.form, pair.task_count, pair.phase): pair.differences for pair in found}
    grouped = medians.groupby(["variant", "form", "task_count"], observed=True)
    return {
        (str(variant), str(form), int(count), phase): _positive_logarithms(rounds[f"{phase}_seconds"])
        for ((variant, form, count), rounds), phase in product(grouped, COMPARED_PHASES)
    }


def _positive_logarithms(seconds: pd.Series) -> Floats:
    values = seconds.dropna().to_numpy(dtype=float)
    return np.asarray(np.log(values[values > 0]))


def _samples(before: dict[RowKey, Floats], after: dict[RowKey, Floats]) -> Iterator[_Samples]:
    for place in before:
        if place in after and len(before[place]) and len(after[place]):
            yield _Samples(*place, before[place], after[place])


def _changes(samples: Sequence[_Samples], terms: Terms) -> tuple[Change, ...]:
    testable = [min(len(one.before), len(one.after)) >= LEAST_BLOCKS for one in samples]
    p_values = np.array(
        [unpaired.p_value(one.before, one.after) if able else 1.0 for one, able in zip(samples, testable, strict=True)]
    )
    phases = primary_phases((one.variant, one.phase) for one in samples)
    described = [_described(one, primary=one.phase == phases[one.variant]) for one in samples]
    adjusted = holm(np.minimum(1.0, p_values * terms.p_factor), shares([change.primary for change in described]))
    return tuple(
        _judged(one, float(p), change, terms) if able else change
        for one, p, change, able in zip(samples, adjusted, described, testable, strict=True)
    )


def _described(one: _Samples, *, primary: bool) -> Change:
    return Change(
        variant=one.variant,
        form=one.form,
        task_count=one.task_count,
        phase=one.phase,
        primary=primary,
        before=float(np.exp(np.median(one.before))),
        after=float(np.exp(np.median(one.after))),
        blocks_before=len(one.before),
        blocks_after=len(one.after),
        ratio=float(np.exp(one.after.mean() - one.before.mean())),
    )


def _judged(one: _Samples, p_adjusted: float, described: Change, terms: Terms) -> Change:
    low, high = np.exp(unpaired.interval(one.before, one.after, terms.nominal_level))
    interval = Interval(low=low, high=high, level=terms.level)
    permuted = unpaired.permuted(one.before, one.after)
    said = verdict(interval, p_adjusted, permuted, terms.margin)
    return described.model_copy(
        update={
            "interval": interval,
            "p_value": permuted.p_value,
            "p_adjusted": p_adjusted,
            "verdict": said,
            "taken_alone": taken_alone(interval, permuted) if said == "undecided" else None,
            "margin": bound(interval) if said == "no-difference" else None,
        }
    )
