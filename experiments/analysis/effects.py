"""Turn frames into paired data: the median of each round, and how each treatment differs from its control in a block.

Faces `analysis`, the stopping rule and `compare`. Pure. A task that never got to the end of a phase, because it timed
out or stopped by itself, counts in its round as slower than every task that did. So a median needs no assumption on how
slow it would have been, as long as fewer than half of the round's tasks are such (a censored sample's median: Klein and
Moeschberger, Survival Analysis, 2003, section 4.5). Else the round is lost: it has no median and its block does not
contribute, and the analysis says so. Neither does the block of a round that was incomplete.

A task that did not load lazily although its form promises it is no measurement of the form. But it is what users get,
so the same is also computed ``as_deployed``, with these tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from experiments.analysis.shares import NEVER_BOOTED, TREATMENT
from experiments.analysis.statistics.paired import Floats
from experiments.plan.control import Control
from experiments.plan.plan import Design
from experiments.records.model import Outcome, RoundStatus
from experiments.records.phases import COMPARED_PHASES, NS_PER_SECOND, PHASES, PRIMARY_PHASES, RESOLUTION_SECONDS

if TYPE_CHECKING:
    import pandas as pd

ROUND_KEYS = ["variant", "form", "task_count", "block", "round"]
_COUNTED = (Outcome.BOOTED.value, *NEVER_BOOTED)
_COUNTED_AS_DEPLOYED = (*_COUNTED, Outcome.NOT_LAZY.value)


@dataclass(frozen=True)
class Pairs:
    """A treatment against its control in one phase: their round medians in seconds, one pair per block."""

    variant: str
    form: str
    control_variant: str
    control: str
    """The control's form."""
    task_count: int
    phase: str
    seconds: Floats
    control_seconds: Floats
    lost: int = 0
    """Blocks in which at least half of the treatment's tasks never got there."""
    control_lost: int = 0
    as_deployed: bool = False
    """Whether tasks that did not load lazily are among them."""
    blocks: tuple[int, ...] = ()
    """The number of each pair's block."""

    @property
    def differences(self) -> Floats:
        """The logarithm of treatment ÷ control for each block."""
        return np.asarray(np.log(self.seconds / self.control_seconds))

    @property
    def least_deviation(self) -> float:
        """The standard deviation of a difference that the clocks alone cause: less is not known of equal durations."""
        sides = (self.seconds, self.control_seconds)
        return float(np.sqrt(sum(np.mean(clock_deviation(side) ** 2) for side in sides)))


def clock_deviation(seconds: Floats) -> Floats:
    """Return the standard deviation of durations' logarithms that comes from their times' resolution.

    Both times are cut, each with an even error of variance resolution² / 12.
    """
    return np.asarray(RESOLUTION_SECONDS / np.sqrt(6) / seconds)


def round_medians(tasks: pd.DataFrame, *, as_deployed: bool = False) -> pd.DataFrame:
    """Return one row per complete round: `ROUND_KEYS`, the median seconds in each phase (NaN if there is none), and in
    ``PHASE_lost`` whether that is because at least half of its tasks never got there."""
    import pandas as pd

    columns = [f"{phase}_seconds" for phase in PHASES]
    waits = _waits(tasks, _COUNTED_AS_DEPLOYED if as_deployed else _COUNTED)
    medians = waits.groupby(ROUND_KEYS, observed=True)[columns].median()
    lost = np.isinf(medians).rename(columns=lambda name: name.replace("_seconds", "_lost"))
    return pd.concat([medians.mask(np.isinf(medians)), lost], axis=1).reset_index()


def waits_as_deployed(tasks: pd.DataFrame) -> pd.DataFrame:
    """Return `ROUND_KEYS` and the seconds of every task that users waited for; infinite where it never got there."""
    return _waits(tasks, _COUNTED_AS_DEPLOYED)


def _waits(tasks: pd.DataFrame, counted: Collection[str]) -> pd.DataFrame:
    """Return `ROUND_KEYS` and the seconds of each task that counts; infinite where it never got there."""
    complete = tasks[tasks["outcome"].isin(counted) & (tasks["round_status"] == RoundStatus.COMPLETE.value)]
    waits = complete[[*ROUND_KEYS, *(f"{phase}_seconds" for phase in PHASES)]].copy()
    never = complete[complete["outcome"].isin(NEVER_BOOTED)]
    for phase in PHASES if len(never) else ():
        spent = never[PHASES[phase].ends].sub(never[PHASES[phase].begins]).astype("Float64") / NS_PER_SECOND
        waits.loc[never.index, f"{phase}_seconds"] = spent.fillna(np.inf).astype("float64")
    return waits


def deployed_pairs(design: Design, tasks: pd.DataFrame) -> list[Pairs]:
    """Return the pairs, as deployed, of every treatment and task count of which tasks did not load lazily."""
    keys = not_lazy(tasks)
    every = pairs(design, round_medians(tasks, as_deployed=True)) if keys else []
    return [replace(pair, as_deployed=True) for pair in every if (pair.variant, pair.form, pair.task_count) in keys]


def not_lazy(tasks: pd.DataFrame) -> set[tuple[str, str, int]]:
    """Return the (variant, form, task count) of tasks in complete rounds that did not load lazily as promised."""
    complete = tasks["round_status"] == RoundStatus.COMPLETE.value
    rows = tasks.loc[complete & (tasks["outcome"] == Outcome.NOT_LAZY.value), TREATMENT].drop_duplicates()
    return {(str(variant), str(form), int(count)) for variant, form, count in rows.itertuples(index=False)}


def pairs(design: Design, medians: pd.DataFrame, control: Control | None = None) -> list[Pairs]:
    """Return every comparison of a design that at least one block measured on both sides, from `round_medians`.

    They are with the design's own control unless another is given.
    """
    by_key = dict(list(medians.groupby(TREATMENT, observed=True)))
    against = control or design.against
    return [
        pair
        for variant, count, form in product(design.variants, design.task_counts, design.forms)
        if (named := against.of(variant, form)) is not None
        and (rounds := by_key.get((variant, form, count))) is not None
        and (control_rounds := by_key.get((*named, count))) is not None
        for pair in _pairs(rounds, control_rounds)
    ]


def _pairs(rounds: pd.DataFrame, control_rounds: pd.DataFrame) -> Iterator[Pairs]:
    blocks, *places = np.intersect1d(rounds["block"], control_rounds["block"], assume_unique=True, return_indices=True)
    sides = [frame.iloc[place] for frame, place in zip((rounds, control_rounds), places, strict=True)]
    lost = [side[[f"{phase}_lost" for phase in COMPARED_PHASES]].to_numpy().sum(axis=0) for side in sides]
    seconds = np.stack([side[[f"{phase}_seconds" for phase in COMPARED_PHASES]].to_numpy() for side in sides])
    for number, phase in enumerate(COMPARED_PHASES):
        measured = (seconds[:, :, number] > 0).all(axis=0)
        if measured.any():
            yield Pairs(
                variant=rounds["variant"].iloc[0],
                form=rounds["form"].iloc[0],
                control_variant=control_rounds["variant"].iloc[0],
                control=control_rounds["form"].iloc[0],
                task_count=int(rounds["task_count"].iloc[0]),
                phase=phase,
                seconds=seconds[0, measured, number],
                control_seconds=seconds[1, measured, number],
                lost=int(lost[0][number]),
                control_lost=int(lost[1][number]),
                blocks=tuple(blocks[measured].tolist()),
            )


def primary_phases(phases: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return, by variant, the phase that its verdict is about, from all measured (variant, phase)."""
    by_variant = defaultdict(set)
    for variant, phase in phases:
        by_variant[variant].add(phase)
    return {variant: _primary(measured_phases) for variant, measured_phases in by_variant.items()}


def _primary(phases: Collection[str]) -> str:
    return next((phase for phase in PRIMARY_PHASES if phase in phases), PRIMARY_PHASES[0])
