"""Does a round leave something behind for the next one? A test of carry-over from a control's round. Pure.

Within a block, a treatment and its control run in an order that a coin decided. If no round changes what comes after
it, their difference does not depend on that order. So the differences, minus the mean of their image and task count,
are compared between the blocks in which the treatment came after its control and those in which it came before, and
the test draws the coins again (Fisher, The Design of Experiments, 1935; a crossover trial asks the same of its periods:
Grizzle, The Two-Period Change-over Design, Biometrics 21, 1965). All images with the same form and control are taken
together; Holm's procedure corrects for the number of forms. A pair of which a round had to be tried again is left out:
it did not run in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.findings import Finding
from experiments.analysis.statistics import permutation
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import Floats
from experiments.plan.control import beside
from experiments.plan.plan import Design
from experiments.wording import percent, probability

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
_BY_PAIR = ["block", "task_count"]


def carried_over(
    design: Design, medians: pd.DataFrame, rounds: pd.DataFrame, primary_phases: Mapping[str, str]
) -> Iterator[Finding]:
    """Warn of forms whose difference from the control depends on which ran first; ``medians`` are `round_medians`."""
    again = set(rounds.loc[rounds["attempt"] > 1, "index"])
    first_try = medians[~medians["round"].isin(again)]
    tested = {
        names: each for names, each in _samples(design, first_try, primary_phases).items() if each.gain is not None
    }
    p_values = [permutation.test(np.where(each.after, each.centred, -each.centred)).p_value for each in tested.values()]
    adjusted = holm(np.array(p_values)) if p_values else ()
    for ((name, control), each), p_value in zip(tested.items(), adjusted, strict=True):
        if p_value <= LEVEL:
            change = float(np.expm1(each.gain or 0.0))
            yield Finding(
                kind="carry-over",
                text=f"{name} takes {percent(abs(change))} {'less' if change < 0 else 'more'} time, relative to "
                f"{control}, when it runs after it than when it runs before it (corrected p "
                f"{probability(float(p_value))}): a round leaves something behind for the next. The random order keeps "
                "that from favouring either, but it widens the intervals, and a start after nothing may differ from "
                "both.",
            )


class _Sample(NamedTuple):
    """For every pair of rounds whether the treatment ran after its control, and the logarithm of their ratio minus the
    mean of its image and task count; ``own_after`` is the first, minus its mean, too."""

    after: NDArray[np.bool_]
    centred: Floats
    own_after: Floats

    @property
    def gain(self) -> float | None:
        """The difference that the order makes, within images and task counts; None if all ran in the same order."""
        squares = float(self.own_after @ self.own_after)
        return float(self.own_after @ self.centred) / squares if squares else None


def _samples(
    design: Design, medians: pd.DataFrame, primary_phases: Mapping[str, str]
) -> dict[tuple[str, str], _Sample]:
    """By treatment and control, as they are called beside each other."""
    by_treatment = dict(list(medians.groupby(["variant", "form"], observed=True)))
    parts: dict[tuple[str, str], list[_Sample]] = defaultdict(list)
    for treatment in design.treatments:
        control = design.against.of(*treatment)
        if control is not None and treatment in by_treatment and control in by_treatment:
            sides = (by_treatment[treatment], by_treatment[control])
            names = beside(treatment, control), beside(control, treatment)
            parts[names].append(_sample(*sides, f"{primary_phases[treatment[0]]}_seconds"))
    return {names: _Sample(*map(np.concatenate, zip(*each, strict=True))) for names, each in parts.items()}


def _sample(rounds: pd.DataFrame, control_rounds: pd.DataFrame, column: str) -> _Sample:
    columns = [*_BY_PAIR, "round", column]
    both = rounds[columns].merge(control_rounds[columns], on=_BY_PAIR, suffixes=("", "_control"))
    both = both[(both[column] > 0) & (both[f"{column}_control"] > 0)]
    after = both["round"] > both["round_control"]
    ratios = np.log(both[column] / both[f"{column}_control"])
    centred, own_after = (
        values - values.groupby(both["task_count"]).transform("mean") for values in (ratios, after.astype("float64"))
    )
    return _Sample(after.to_numpy(), centred.to_numpy(), own_after.to_numpy())
