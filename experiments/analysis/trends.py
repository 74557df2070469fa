"""Whether a phase moved while the sweep ran, and how it moves with the task count. Pure.

Every phase of every treatment is tested, each kind of trend corrected for their number with Holm's procedure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from experiments.analysis.findings import Finding, Trend
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.trend import Slope, block_slope, mean_slope
from experiments.records.phases import COMPARED_PHASES, PHASES
from experiments.wording import faster_or_slower

if TYPE_CHECKING:
    import pandas as pd

Over = Literal["order", "task-count"]


class _Found(NamedTuple):
    variant: str
    form: str
    phase: str
    slope: Slope


def trends(medians: pd.DataFrame, rounds: pd.DataFrame) -> tuple[Trend, ...]:
    """Trends of `effects.round_medians` over the order in which rounds ran, and over task counts."""
    placed = medians.merge(_places(rounds), left_on="round", right_on="index")
    return (*_corrected("order", list(_over_order(placed))), *_corrected("task-count", list(_over_counts(placed))))


def moved(trends: Sequence[Trend], level: float) -> Iterator[Finding]:
    """The trends that are no chance, in words."""
    for trend in trends:
        if trend.p_adjusted > 1 - level:
            continue
        subject = f"{trend.variant} as {trend.form} {PHASES[trend.phase].verb} {faster_or_slower(1 + trend.slope)}"
        if trend.over == "order":
            text = f"{subject} at the end of the sweep than at its beginning"
            fair = "the random order within blocks keeps this from favouring a form"
            yield Finding(kind="drift", text=f"{text}; {fair}.", variant=trend.variant, form=trend.form)
        else:
            text = f"{subject} for each doubling of the number of tasks."
            yield Finding(kind="task-count", text=text, variant=trend.variant, form=trend.form)


def _places(rounds: pd.DataFrame) -> pd.DataFrame:
    """When each round's last attempt began: 0 at the sweep's first round, 1 at its last."""
    last = rounds.groupby("index", as_index=False)["started_ns"].max()
    since = (last["started_ns"] - last["started_ns"].min()).astype("float64")
    return last.assign(place=since / max(since.max(), 1.0))[["index", "place"]]


def _over_order(placed: pd.DataFrame) -> Iterator[_Found]:
    for (variant, form), own in placed.groupby(["variant", "form"], observed=True):
        for phase in COMPARED_PHASES:
            known = own[own[f"{phase}_seconds"] > 0]
            logarithms = np.log(known[f"{phase}_seconds"].to_numpy())
            groups, blocks = known["task_count"].to_numpy(), known["block"].to_numpy()
            slope = block_slope(known["place"].to_numpy(), logarithms, groups, blocks)
            if slope is not None:
                yield _Found(variant, form, phase, slope)


def _over_counts(placed: pd.DataFrame) -> Iterator[_Found]:
    for (variant, form), own in placed.groupby(["variant", "form"], observed=True):
        for phase in COMPARED_PHASES:
            table = own.pivot_table(index="block", columns="task_count", values=f"{phase}_seconds", aggfunc="first")
            whole = table[(table > 0).all(axis=1)]
            slope = mean_slope(np.log2(whole.columns.to_numpy(dtype=float)), np.log(whole.to_numpy()))
            if slope is not None:
                yield _Found(variant, form, phase, slope)


def _corrected(over: Over, found: Sequence[_Found]) -> tuple[Trend, ...]:
    adjusted = holm(np.array([one.slope.p_value for one in found])) if found else ()
    return tuple(
        Trend(
            variant=one.variant,
            form=one.form,
            phase=one.phase,
            over=over,
            slope=float(np.expm1(one.slope.slope)),
            p_value=one.slope.p_value,
            p_adjusted=p_adjusted,
        )
        for one, p_adjusted in zip(found, adjusted, strict=True)
    )
