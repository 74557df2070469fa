"""From frames to what is compared: the medians of rounds, and per block their differences between form and control.

Faces `analysis`, the stopping rule and `compare`. Pure. A round that was not complete, or had no booted task, has no
median, and its block then says nothing about that comparison.
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
    """One form against the control in one phase: the medians of their rounds in seconds, side by side per block."""

    variant: str
    form: str
    control: str
    task_count: int
    phase: str
    seconds: Floats
    control_seconds: Floats

    @property
    def differences(self) -> Floats:
        """Logarithm of form ÷ control for each block."""
        return np.asarray(np.log(self.seconds / self.control_seconds))


def round_medians(tasks: pd.DataFrame) -> pd.DataFrame:
    """One row per complete round, with `ROUND_KEYS` and the median seconds of its booted tasks in each phase."""
    columns = [f"{phase}_seconds" for phase in COMPARED_PHASES]
    booted = measured(tasks[[*ROUND_KEYS, *STATE, *columns]])
    return booted.groupby(ROUND_KEYS, observed=True)[columns].median().reset_index()


def pairs(design: Design, medians: pd.DataFrame, control: str = CONTROL) -> list[Pairs]:
    """Every comparison of a design for which at least one block has both, from `round_medians`."""
    measured_as = dict(list(medians.groupby(["variant", "task_count", "form"], observed=True)))
    places = product(design.variants, design.task_counts, (form for form in design.forms if form != control))
    return [
        pair
        for variant, task_count, form in places
        if (own := measured_as.get((variant, task_count, form))) is not None
        and (base := measured_as.get((variant, task_count, control))) is not None
        for pair in _pairs(own, base)
    ]


def _pairs(own: pd.DataFrame, base: pd.DataFrame) -> Iterator[Pairs]:
    both = own.merge(base, on="block", suffixes=("", "_control"))
    for phase in COMPARED_PHASES:
        seconds = both[[f"{phase}_seconds", f"{phase}_seconds_control"]].to_numpy()
        seconds = seconds[(seconds > 0).all(axis=1)]
        if len(seconds):
            yield Pairs(
                variant=own["variant"].iloc[0],
                form=own["form"].iloc[0],
                control=base["form"].iloc[0],
                task_count=int(own["task_count"].iloc[0]),
                phase=phase,
                seconds=seconds[:, 0],
                control_seconds=seconds[:, 1],
            )


def primary_phases(phases: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By variant, the phase that its verdict is about, from (variant, phase) of all that there is to judge by."""
    known = defaultdict(set)
    for variant, phase in phases:
        known[variant].add(phase)
    return {variant: _primary(own) for variant, own in known.items()}


def _primary(phases: Collection[str]) -> str:
    return next((phase for phase in PRIMARY_PHASES if phase in phases), PRIMARY_PHASES[0])
