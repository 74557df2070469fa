"""The blocks of two sweeps, row by row, as `versus` compares them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from experiments.analysis.effects import clock_deviation, pairs, round_medians
from experiments.analysis.shares import TREATMENT, Key
from experiments.analysis.statistics.between import Between
from experiments.analysis.statistics.paired import Floats
from experiments.records.phases import COMPARED_PHASES
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["seconds", "ratio-to-control"]


@dataclass(frozen=True)
class Recorded:
    """A sweep with the frame of its tasks."""

    sweep: Sweep
    tasks: pd.DataFrame


@dataclass(frozen=True)
class Blocks:
    """The logarithms of a sweep's blocks, and how many blocks have none because too many tasks failed."""

    logarithms: Floats
    lost: int = 0
    least: float = 0.0
    """The standard deviation of a logarithm that the clocks alone cause."""


class Row(NamedTuple):
    """What a change is of."""

    variant: str
    form: str
    task_count: int
    phase: str
    as_deployed: bool = False

    @property
    def treatment(self) -> Key:
        """Variant, form and task count."""
        return self.variant, self.form, self.task_count


@dataclass(frozen=True)
class Samples:
    """What to compare: a row of both sweeps, and how much sweeps of the same thing differ, where that is known."""

    row: Row
    before: Blocks
    after: Blocks
    between: Between | None = None

    @property
    def least(self) -> float:
        """The standard deviation of a logarithm that the clocks alone cause."""
        return max(self.before.least, self.after.least)


def logarithms(side: Recorded, measure: Measure, *, deployed: bool) -> dict[Row, Blocks]:
    """Return one logarithm per block of every row; ``deployed``: as deployed, too."""
    design = side.sweep.plan.design
    rows: dict[Row, Blocks] = {}
    for as_deployed in (False, True) if deployed else (False,):
        medians = round_medians(side.tasks, as_deployed=as_deployed)
        if measure == "ratio-to-control":
            for pair in pairs(design, medians):
                row = Row(pair.variant, pair.form, pair.task_count, pair.phase, as_deployed)
                rows[row] = Blocks(pair.differences, pair.lost, pair.least_deviation)
            continue
        grouped = medians.groupby(TREATMENT, observed=True)
        for ((variant, form, count), rounds), phase in product(grouped, COMPARED_PHASES):
            values, lost = _positive_logarithms(rounds[f"{phase}_seconds"]), int(rounds[f"{phase}_lost"].sum())
            least = float(clock_deviation(np.exp(values)).mean()) if len(values) else 0.0
            blocks = Blocks(values, lost, least)
            rows[Row(str(variant), str(form), int(count), phase, as_deployed)] = blocks
    return rows


def _positive_logarithms(seconds: pd.Series) -> Floats:
    values = seconds.dropna().to_numpy(dtype=float)
    return np.asarray(np.log(values[values > 0]))


def samples(
    before: dict[Row, Blocks], after: dict[Row, Blocks], between: Callable[[Row], Between | None] = lambda _: None
) -> Iterator[Samples]:
    """Yield what both sweeps measured; as deployed only where that differs, because some tasks were not lazy."""
    for row, then in before.items():
        now = after.get(row)
        if now is None or not len(then.logarithms) or not len(now.logarithms):
            continue
        as_measured = row._replace(as_deployed=False)
        same = row.as_deployed and all(
            as_measured in side and np.array_equal(side[row].logarithms, side[as_measured].logarithms)
            for side in (before, after)
        )
        if not same:
            yield Samples(row, then, now, between(row))
