"""Turn frames into paired data: the median of each round, and the difference between form and control in each block.

Faces `analysis`, the stopping rule and `compare`. Pure. A round that was incomplete or had no booted task has no
median, so its block does not contribute to that comparison.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from experiments.analysis.cells import STATE, measured
from experiments.analysis.statistics.paired import Floats
from experiments.plan.plan import Design
from experiments.records.phases import COMPARED_PHASES, PRIMARY_PHASES
from infra.outputs import CONTROL

if TYPE_CHECKING:
    import pandas as pd

ROUND_KEYS = ["variant", "form", "task_count", "block", "round"]


@dataclass(frozen=True)
class Pairs:
    """One form against the control in one phase: their round medians in seconds, one pair per block."""

    variant: str
    form: str
    control: str
    task_count: int
    phase: str
    seconds: Floats
    control_seconds: Floats

    @property
    def differences(self) -> Floats:
        """The logarithm of form ÷ control for each block."""
        return np.asarray(np.log(self.seconds / self.control_seconds))


def round_medians(tasks: pd.DataFrame) -> pd.DataFrame:
    """Return one row per complete round: `ROUND_KEYS` and the median seconds of its booted tasks in each phase."""
    columns = [f"{phase}_seconds" for phase in COMPARED_PHASES]
    booted = measured(tasks[[*ROUND_KEYS, *STATE, *columns]])
    return booted.groupby(ROUND_KEYS, observed=True)[columns].median().reset_index()


def pairs(design: Design, medians: pd.DataFrame, control: str = CONTROL) -> list[Pairs]:
    """Return every comparison of a design that at least one block measured on both sides, from `round_medians`."""
    by_key = dict(list(medians.groupby(["variant", "task_count", "form"], observed=True)))
    keys = product(design.variants, design.task_counts, (form for form in design.forms if form != control))
    return [
        pair
        for variant, task_count, form in keys
        if (form_rounds := by_key.get((variant, task_count, form))) is not None
        and (control_rounds := by_key.get((variant, task_count, control))) is not None
        for pair in _pairs(form_rounds, control_rounds)
    ]


def _pairs(form_rounds: pd.DataFrame, control_rounds: pd.DataFrame) -> Iterator[Pairs]:
    both = form_rounds.merge(control_rounds, on="block", suffixes=("", "_control"))
    for phase in COMPARED_PHASES:
        seconds = both[[f"{phase}_seconds", f"{phase}_seconds_control"]].to_numpy()
        seconds = seconds[(seconds > 0).all(axis=1)]
        if len(seconds):
            yield Pairs(
                variant=form_rounds["variant"].iloc[0],
                form=form_rounds["form"].iloc[0],
                control=control_rounds["form"].iloc[0],
                task_count=int(form_rounds["task_count"].iloc[0]),
                phase=phase,
                seconds=seconds[:, 0],
                control_seconds=seconds[:, 1],
            )


def primary_phases(phases: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return, by variant, the phase that its verdict is about, from all measured (variant, phase)."""
    by_variant = defaultdict(set)
    for variant, phase in phases:
        by_variant[variant].add(phase)
    return {variant: _primary(measured_phases) for variant, measured_phases in by_variant.items()}


def _primary(phases: Collection[str]) -> str:
    return next((phase for phase in PRIMARY_PHASES if phase in phases), PRIMARY_PHASES[0])
