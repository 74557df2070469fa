"""What a sweep's records say: per variant, form and task count the medians, their spread, and ratios to `plain`. Pure.

Median, mean, standard deviation, percentiles (linear interpolation, type 7 of Hyndman and Fan, The American
Statistician 50, 1996), minimum, maximum and median absolute deviation (not scaled) of the booted tasks of complete
rounds; tasks of any other outcome, or of a round that was not complete, are counted and give no figure. A ratio is the
median of a form over that of `plain` at the same variant and task count; it has no interval here, so it is a
description and not a verdict (`analysis` gives both).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from experiments.plan.plan import Design
from experiments.records.model import Outcome, RoundStatus, TaskRecord
from experiments.records.phases import COMPARED_PHASES, PHASES
from infra.outputs import CONTROL
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

CPU_PRESSURE_LIMIT = 0.20
"""Above this share of a round's time in which some process waited for a CPU, its figures are marked: what is bound
by the CPU may then have taken up to 1 ÷ (1 - 0.2) = 1.25 times as long, more than the effects that are looked for
(kernel documentation, accounting/psi: "some" is the share of time in which at least one task was stalled)."""
STEAL_LIMIT = 0.05
"""Above this share of stolen CPU time the hypervisor, and not the image, may explain a difference."""
STATE = ["outcome", "round_status"]
"""The columns that `measured` needs; a million rows are dear to copy with all the others."""


class Spread(Frozen):
    """A sample of durations of one phase, in seconds."""

    n: int
    median_seconds: float
    mean_seconds: float
    deviation_seconds: float | None = Field(description="standard deviation; None of a single duration")
    p5_seconds: float
    lower_quartile_seconds: float
    upper_quartile_seconds: float
    p95_seconds: float
    least_seconds: float
    most_seconds: float
    mad_seconds: float
    ratio_to_plain: float | None = None


class Cell(Frozen):
    """One treatment at one task count."""

    variant: str
    form: str
    task_count: int
    rounds: int
    rounds_under_load: int
    tasks: int
    tasks_in_figures: int
    outcomes: dict[str, int]
    received_bytes_median: float | None
    phases: dict[str, Spread]


def cells(design: Design, tasks: pd.DataFrame, rounds: pd.DataFrame) -> tuple[Cell, ...]:
    """A cell per variant, task count and form of the design, also where nothing was measured."""
    keys = ["variant", "form", "task_count"]
    tasks = tasks[[*keys, *STATE, "received_bytes", *(f"{phase}_seconds" for phase in PHASES)]]
    own_tasks = dict(list(tasks.groupby(keys, observed=True)))
    own_rounds = dict(list(rounds[_complete(rounds)].groupby(keys, observed=True)))
    wanted = [
        (variant, form, count) for variant in design.variants for count in design.task_counts for form in design.forms
    ]
    found = [_cell(key, own_tasks.get(key, tasks[:0]), own_rounds.get(key, rounds[:0])) for key in wanted]
    return tuple(_with_ratios(found))


def under_load(rounds: pd.DataFrame) -> pd.Series:
    """For each round, whether the machine that measured was short of CPU while it did; not told counts as not."""
    return (rounds["cpu_pressure"] > CPU_PRESSURE_LIMIT) | (rounds["steal"] > STEAL_LIMIT)


def spread(seconds: Sequence[float] | np.ndarray) -> Spread:
    """Median and spread of at least one duration."""
    values = np.asarray(seconds, dtype=float)
    p5, lower, middle, upper, p95 = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    return Spread(
        n=len(values),
        median_seconds=middle,
        mean_seconds=values.mean(),
        deviation_seconds=values.std(ddof=1) if len(values) > 1 else None,
        p5_seconds=p5,
        lower_quartile_seconds=lower,
        upper_quartile_seconds=upper,
        p95_seconds=p95,
        least_seconds=values.min(),
        most_seconds=values.max(),
        mad_seconds=np.median(np.abs(values - middle)),
    )


def in_figures(task: TaskRecord) -> bool:
    """Whether a task is a measurement: it booted, in a round that ran as planned."""
    return task.observation.outcome is Outcome.BOOTED and task.round_status is RoundStatus.COMPLETE


def measured(tasks: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame of tasks for which `in_figures` holds."""
    return tasks[_booted(tasks) & (tasks["round_status"] == RoundStatus.COMPLETE.value)]


def _booted(tasks: pd.DataFrame) -> pd.Series:
    return tasks["outcome"] == Outcome.BOOTED.value


def _complete(rounds: pd.DataFrame) -> pd.Series:
    return rounds["status"] == RoundStatus.COMPLETE.value


def _cell(key: tuple[str, str, int], tasks: pd.DataFrame, complete: pd.DataFrame) -> Cell:
    """From all tasks of a treatment at a task count, and its complete rounds."""
    variant, form, task_count = key
    in_figures = measured(tasks)
    received = in_figures["received_bytes"].dropna()
    return Cell(
        variant=variant,
        form=form,
        task_count=task_count,
        rounds=len(complete),
        rounds_under_load=int(under_load(complete).sum()),
        tasks=len(tasks),
        tasks_in_figures=len(in_figures),
        outcomes=_counts(tasks["outcome"]),
        received_bytes_median=float(received.median()) if len(received) else None,
        phases=_phases(in_figures),
    )


def _counts(outcomes: pd.Series) -> dict[str, int]:
    return {outcome: int(count) for outcome, count in outcomes.value_counts(sort=False).items() if count}


def _phases(tasks: pd.DataFrame) -> dict[str, Spread]:
    samples = {phase: tasks[f"{phase}_seconds"].dropna().to_numpy() for phase in PHASES}
    return {phase: spread(sample) for phase, sample in samples.items() if len(sample)}


def _with_ratios(cells: Sequence[Cell]) -> list[Cell]:
    controls = {(cell.variant, cell.task_count): cell for cell in cells if cell.form == CONTROL}
    return [_with_ratio(cell, controls.get((cell.variant, cell.task_count))) for cell in cells]


def _with_ratio(cell: Cell, control: Cell | None) -> Cell:
    if control is None or control is cell:
        return cell
    phases = {
        phase: sample.model_copy(update={"ratio_to_plain": _ratio(phase, sample, control)})
        for phase, sample in cell.phases.items()
    }
    return cell.model_copy(update={"phases": phases})


def _ratio(phase: str, sample: Spread, control: Cell) -> float | None:
    base = control.phases.get(phase)
    if phase not in COMPARED_PHASES or base is None or base.median_seconds == 0:
        return None
    return sample.median_seconds / base.median_seconds
