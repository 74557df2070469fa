"""The slowest tasks: the 95th percentile of a task, and the time until all tasks of a round are there. Pure.

Of the primary phase, for each treatment, and against the control. Every task of a complete round counts, as deployed:
one that did not load lazily as it was, one that never booted as slower than every other. So a figure that depends on
such a task is not known, and the round is not left out for it: the figure is missing, and `lost_rounds` says why.

All tasks:  from the request, where the round's clock starts (`started_ns`), to the last task. On AWS the request is a
            moment of the measuring machine, so it needs the clock's offset, as `ready` does. It takes two tasks.
Percentile: of each round, from `LEAST_TASKS` tasks on: with fewer, the round's slowest task is the percentile.

Both give one number a round, so intervals are those of the medians: Student's t on the blocks' logarithms, and on the
blocks' differences for the ratio. Rounds of fewer tasks have a percentile over all tasks of the treatment together,
without an interval: it would rest on how alike the tasks of a round are, which few rounds do not show. The usual one,
with rounds as clusters (Korn and Graubard, Survey Methodology 24, 1998), covers the truth in as few as 82 % of sweeps
of 5 blocks (`benchmarks/bench_figures.py`).

These figures describe. They have no verdict and no p, so they add no comparison to those that are corrected for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments.analysis.comparisons import Terms, geometric_mean
from experiments.analysis.effects import ROUND_KEYS, clock_deviation, waits_as_deployed
from experiments.analysis.findings import Interval, Tail, TailOf
from experiments.analysis.shares import TREATMENT
from experiments.analysis.statistics import paired
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.plan.control import Named, beside
from experiments.plan.plan import Design
from experiments.records.model import MAX_OFFSET_ERROR_MS
from experiments.records.origin import ON_AWS_CLOCK
from experiments.records.phases import NS_PER_SECOND

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.95
LEAST_TASKS = 20
"""A 95th percentile needs 20 tasks for one of them to lie beyond it."""


def tails(
    design: Design,
    tasks: pd.DataFrame,
    rounds: pd.DataFrame,
    terms: Terms,
    phases: Mapping[str, str],
) -> tuple[Tail, ...]:
    """Return the tails of every treatment in the plan's order, from the `frames` of a sweep."""
    waits = _from_request(waits_as_deployed(tasks), tasks, rounds)
    by_key = dict(list(waits.groupby(TREATMENT, observed=True)))
    return tuple(
        tail
        for variant in design.variants
        for count in design.task_counts
        for of in ("p95", "all")
        for form in design.forms
        if (own := by_key.get((variant, form, count))) is not None
        for control in (design.control_of(variant, form),)
        for tail in _tails(own, by_key.get((*control, count)) if control else None, phases[variant], of, terms)
    )


def _from_request(waits: pd.DataFrame, tasks: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """Add the seconds from the round's request to each task's creation; NaN where no clock tells."""
    import pandas as pd

    own = tasks.loc[waits.index, ["round", "attempt", "created_ns", "target"]]
    of_round = rounds.set_index(["index", "attempt"])[["started_ns", "clock_error_ms"]]
    placed = of_round.reindex(pd.MultiIndex.from_frame(own[["round", "attempt"]])).set_index(waits.index)
    created = (own["created_ns"] - placed["started_ns"]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    error = placed["clock_error_ms"].astype("float64")
    known = ~own["target"].isin(ON_AWS_CLOCK) | (error <= MAX_OFFSET_ERROR_MS)
    return waits.assign(created=np.where(known, created / NS_PER_SECOND, np.nan))


def _tails(own: pd.DataFrame, control: pd.DataFrame | None, phase: str, of: TailOf, terms: Terms) -> Iterator[Tail]:
    (variant, form), count, few = _named(own), int(own["task_count"].iat[0]), len(own) < LEAST_TASKS
    if (of == "all" and count == 1) or (of == "p95" and few):
        return
    pooled = of == "p95" and count < LEAST_TASKS
    ends = _ends(own, phase, of)
    lost = {block for block, seconds in ends.items() if np.isinf(seconds)}
    known = np.array([seconds for seconds in ends.values() if 0 < seconds < np.inf])
    seconds = _percentile(own[f"{phase}_seconds"]) if pooled else geometric_mean(known) if len(known) else None
    tail = Tail(
        variant=variant,
        form=form,
        task_count=count,
        phase=phase,
        of="p95-of-all" if pooled else of,
        tasks=len(own),
        rounds=len(ends),
        lost_rounds=len(lost),
        seconds=seconds if pooled or not lost else None,
    )
    if tail.seconds is None and not lost:
        return
    if pooled or lost:
        yield tail
        return
    against = {}
    if control is not None:
        name = beside(_named(control), _named(own))
        against = _against(ends, _ends(control, phase, of), name, terms)
    yield tail.model_copy(update={"interval": _interval(np.log(known), terms, known), **against})


def _named(waits: pd.DataFrame) -> Named:
    return str(waits["variant"].iat[0]), str(waits["form"].iat[0])


def _ends(waits: pd.DataFrame, phase: str, of: TailOf) -> dict[int, float]:
    """Return each block's seconds: infinite if a task that never got there decides it, left out if one is unknown."""
    seconds = waits[f"{phase}_seconds"] + (waits["created"] if of == "all" else 0.0)
    rounds = seconds.groupby([waits[key] for key in ROUND_KEYS[3:]], observed=True)
    found = rounds.max() if of == "all" else rounds.agg(_quantile)
    known = found[rounds.count() == rounds.size()]
    return {int(block): float(value) for (block, _), value in known.items()}


def _quantile(seconds: pd.Series) -> float:
    """Return the percentile; infinite if one of the two tasks that it lies between is."""
    values = np.sort(seconds.to_numpy(dtype=float))
    position = SHARE * (len(values) - 1)
    if np.isinf(values[int(np.ceil(position))]):
        return float("inf")
    return float(np.quantile(values, SHARE))


def _percentile(seconds: pd.Series) -> float | None:
    value = _quantile(seconds.dropna()) if len(seconds.dropna()) >= LEAST_TASKS else float("inf")
    return value if np.isfinite(value) else None


def _against(ends: dict[int, float], control_ends: dict[int, float], against: str, terms: Terms) -> dict[str, object]:
    """Return the ratio to the control; nothing if a round of either cannot be told."""
    blocks = [block for block in ends if block in control_ends]
    if not blocks or np.isinf(list(control_ends.values())).any():
        return {}
    pairs = np.array([(ends[block], control_ends[block]) for block in blocks])
    differences = np.log(pairs[:, 0] / pairs[:, 1])
    ratio = _interval(differences, terms, *pairs.T)
    return {"against": against, "ratio": float(np.exp(differences.mean())), "ratio_interval": ratio}


def _interval(logarithms: Floats, terms: Terms, *sides: Floats) -> Interval | None:
    """Return the interval of a ratio or of seconds; ``sides`` are the seconds that the logarithms are made of."""
    if len(logarithms) < LEAST_BLOCKS:
        return None
    least = np.sqrt(sum(np.mean(clock_deviation(side) ** 2) for side in sides))
    low, high = np.exp(paired.interval(logarithms, terms.nominal_level, least))
    return Interval(low=low, high=high, level=terms.level)
