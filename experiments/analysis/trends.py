"""Test whether a phase drifted during the sweep, and how it changes with the task count. Pure.

Every phase of every treatment is tested. Holm's procedure corrects each kind of trend for the number of tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from experiments.analysis.effects import clock_deviation
from experiments.analysis.findings import Finding, Trend
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.trend import Slope, block_slope, mean_slope
from experiments.records.phases import COMPARED_PHASES, PHASES
from experiments.wording import faster_or_slower

if TYPE_CHECKING:
    import pandas as pd

Over = Literal["order", "task-count"]


class _PhaseSlope(NamedTuple):
    variant: str
    form: str
    phase: str
    slope: Slope


def trends(medians: pd.DataFrame, rounds: pd.DataFrame) -> tuple[Trend, ...]:
    """Return the trends of `effects.round_medians` over time, and over task counts."""
    timed = medians.merge(_times(rounds), left_on="round", right_on="index")
    return (*_corrected("order", list(_over_order(timed))), *_corrected("task-count", list(_over_counts(timed))))


def moved(trends: Sequence[Trend], level: float) -> Iterator[Finding]:
    """Describe the significant trends in words."""
    for trend in trends:
        if trend.p_adjusted > 1 - level:
            continue
        subject = f"{trend.variant} as {trend.form} {PHASES[trend.phase].verb} {faster_or_slower(1 + trend.slope)}"
        if trend.over == "order":
            text = f"{subject} at the end of the sweep than at its beginning"
            reassurance = "the random order within blocks keeps this from favouring a form"
            yield Finding(kind="drift", text=f"{text}; {reassurance}.", variant=trend.variant, form=trend.form)
        else:
            text = f"{subject} for each doubling of the number of tasks."
            yield Finding(kind="task-count", text=text, variant=trend.variant, form=trend.form)


def _times(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return when each round's last attempt began: 0 at the sweep's first round, 1 at its last."""
    last = rounds.groupby("index", as_index=False)["started_ns"].max()
    since = (last["started_ns"] - last["started_ns"].min()).astype("float64")
    return last.assign(time=since / max(since.max(), 1.0))[["index", "time"]]


def _over_order(timed: pd.DataFrame) -> Iterator[_PhaseSlope]:
    for (variant, form), rounds in timed.groupby(["variant", "form"], observed=True):
        times, groups, blocks = (rounds[name].to_numpy() for name in ("time", "task_count", "block"))
        for phase in COMPARED_PHASES:
            seconds = rounds[f"{phase}_seconds"].to_numpy()
            known = seconds > 0
            slope = block_slope(times[known], np.log(seconds[known]), groups[known], blocks[known])
            if slope is not None:
                yield _PhaseSlope(variant, form, phase, slope)


def _over_counts(timed: pd.DataFrame) -> Iterator[_PhaseSlope]:
    for (variant, form), rounds in timed.groupby(["variant", "form"], observed=True):
        blocks, rows = np.unique(rounds["block"].to_numpy(), return_inverse=True)
        counts, columns = np.unique(rounds["task_count"].to_numpy(dtype=float), return_inverse=True)
        for phase in COMPARED_PHASES:
            table = np.full((len(blocks), len(counts)), np.nan)
            table[rows, columns] = rounds[f"{phase}_seconds"].to_numpy()
            measured = ~np.isnan(table).all(axis=0)
            values = table[:, measured]
            complete = values[(values > 0).all(axis=1)]
            least = float(clock_deviation(complete).mean()) if complete.size else 0.0
            slope = mean_slope(np.log2(counts[measured]), np.log(complete), least)
            if slope is not None:
                yield _PhaseSlope(variant, form, phase, slope)


def _corrected(over: Over, slopes: Sequence[_PhaseSlope]) -> tuple[Trend, ...]:
    adjusted = holm(np.array([each.slope.p_value for each in slopes])) if slopes else ()
    return tuple(
        Trend(
            variant=variant,
            form=form,
            phase=phase,
            over=over,
            slope=float(np.expm1(slope.slope)),
            p_value=slope.p_value,
            p_adjusted=p_adjusted,
        )
        for (variant, form, phase, slope), p_adjusted in zip(slopes, adjusted, strict=True)
    )
