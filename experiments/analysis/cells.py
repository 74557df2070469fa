"""Describe a sweep's records: medians and spread per variant, form and task count. Pure.

Median, mean, standard deviation, percentiles (linear interpolation, type 7 of Hyndman and Fan, The American
Statistician 50, 1996), minimum, maximum and median absolute deviation (not scaled) of the booted tasks of complete
rounds. Tasks with another outcome or in an incomplete round are counted but give no figure here. What a form changes
is in `comparisons` alone: a second ratio, of other averages, would contradict it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from experiments.plan.plan import Design
from experiments.records.model import Outcome, RoundStatus, TaskRecord
from experiments.records.phases import PHASES
from kit.values import Frozen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

CPU_PRESSURE_LIMIT = 0.20
"""A round's figures are marked if some process waited for a CPU for more than this share of its time: CPU-bound work
may then have taken up to 1 ÷ (1 - 0.2) = 1.25 times as long, more than the effects that a sweep looks for (kernel
documentation, accounting/psi: "some" is the share of time in which at least one task was stalled)."""
STEAL_LIMIT = 0.05
"""Above this share of stolen CPU time, the hypervisor rather than the image may explain a difference."""
STATE = ["outcome", "round_status"]
"""The columns that `measured` needs: copying all columns of a million rows is expensive."""


class Spread(Frozen):
    """Summary of a sample of durations of one phase, in seconds."""

    n: int
    median_seconds: float
    mean_seconds: float
    deviation_seconds: float | None = Field(description="standard deviation; None for a single duration")
    p5_seconds: float
    lower_quartile_seconds: float
    upper_quartile_seconds: float
    p95_seconds: float
    least_seconds: float
    most_seconds: float
    mad_seconds: float


class Share(Frozen):
    """How many of a treatment's tasks booted as their form promises, with the exact interval of that share."""

    booted: int
    tasks: int
    low: float
    high: float


class Cell(Frozen):
    """One treatment at one task count; ``booted`` is None if no task says anything of its image."""

    variant: str
    form: str
    task_count: int
    rounds: int
    rounds_under_load: int
    tasks: int
    tasks_in_figures: int
    outcomes: dict[str, int]
    booted: Share | None = None
    boots_less: bool = Field(default=False, description="that share is smaller than the control's, beyond chance")
    lost_rounds: int = Field(default=0, description="complete rounds in which at least half of the tasks never booted")
    received_bytes_median: float | None
    seconds: dict[str, float] = Field(
        default={}, description="by phase: geometric mean over the rounds of their medians, as in comparisons"
    )
    phases: dict[str, Spread] = Field(description="of the tasks that booted")

    @property
    def key(self) -> tuple[str, str, int]:
        """Variant, form and task count."""
        return self.variant, self.form, self.task_count


def cells(design: Design, tasks: pd.DataFrame, rounds: pd.DataFrame) -> tuple[Cell, ...]:
    """Return a cell per variant, task count and form of the design, even where nothing was measured."""
    keys = ["variant", "form", "task_count"]
    tasks = tasks[[*keys, *STATE, "received_bytes", *(f"{phase}_seconds" for phase in PHASES)]]
    tasks_by_key = dict(list(tasks.groupby(keys, observed=True)))
    rounds_by_key = dict(list(rounds[_complete(rounds)].groupby(keys, observed=True)))
    planned = [
        (variant, form, count) for variant in design.variants for count in design.task_counts for form in design.forms
    ]
    return tuple(_cell(key, tasks_by_key.get(key, tasks[:0]), rounds_by_key.get(key, rounds[:0])) for key in planned)


def under_load(rounds: pd.DataFrame) -> pd.Series:
    """Return, for each round, whether the measuring machine was short of CPU; False if that is unknown."""
    return (rounds["cpu_pressure"] > CPU_PRESSURE_LIMIT) | (rounds["steal"] > STEAL_LIMIT)


def spread(seconds: Sequence[float] | np.ndarray) -> Spread:
    """Summarise at least one duration, in seconds."""
    import numpy as np  # slow to import, and commands that only run tasks do without

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
    """Return the rows of a task frame for which `in_figures` holds."""
    return tasks[is_measured(tasks)]


def is_measured(tasks: pd.DataFrame) -> pd.Series:
    """Return for each row of a task frame whether `in_figures` holds."""
    return _booted(tasks) & (tasks["round_status"] == RoundStatus.COMPLETE.value)


def _booted(tasks: pd.DataFrame) -> pd.Series:
    return tasks["outcome"] == Outcome.BOOTED.value


def _complete(rounds: pd.DataFrame) -> pd.Series:
    return rounds["status"] == RoundStatus.COMPLETE.value


def _cell(key: tuple[str, str, int], tasks: pd.DataFrame, complete: pd.DataFrame) -> Cell:
    """Make a cell from all tasks of a treatment at one task count, and its complete rounds."""
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
