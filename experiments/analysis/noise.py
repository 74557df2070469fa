"""Warnings of noise: a machine that was short of CPU, values far from the rest, two heaps, drift. Pure.

In the manner of pyperf's `check` and `system tune` warnings (https://pyperf.readthedocs.io): a figure is shown in any
case, with what may have disturbed it beside it. Nothing is dropped.

Pressure by itself says little on a small machine: one plain pull unpacks on every core, so its own rounds reach more
than the limit. What is foreign stands out against the other rounds of the same treatment, and what the treatment
does to the machine matters only where form and control differ in it, for then a part of the effect is this machine's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.cells import CPU_PRESSURE_LIMIT, STEAL_LIMIT
from experiments.analysis.findings import Finding, WarningKind
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.shape import far, heaps
from experiments.records.model import RoundStatus
from experiments.records.phases import PRIMARY_PHASES
from experiments.wording import percent
from experiments.wording import tasks as count_of_tasks
from infra.outputs import CONTROL

if TYPE_CHECKING:
    import pandas as pd

FOREIGN_PRESSURE = 0.10
"""Share of wall time by which a round's pressure must exceed its treatment's median to be somebody else's load."""
TASKS_FOR_WITHIN = 4
"""From so many tasks a round on, heaps are sought among a round's tasks; below, among the rounds."""
LISTED = 5
TREATMENT = ["variant", "form", "task_count"]
SAMPLED = [*TREATMENT, "round", *(f"{phase}_seconds" for phase in PRIMARY_PHASES)]
"""The columns of tasks that `outliers` and `bimodal` need."""


class Sample(NamedTuple):
    """A treatment at a task count (variant, form, count): its tasks that have the primary phase, and its seconds."""

    key: tuple[str, str, int]
    tasks: pd.DataFrame
    seconds: Floats


def noise(tasks: pd.DataFrame, rounds: pd.DataFrame, primary_phases: Mapping[str, str]) -> Iterator[Finding]:
    """Every warning; ``tasks`` are `cells.measured` with the columns `SAMPLED`, seconds of the primary phases count."""
    measured = list(samples(tasks, primary_phases))
    yield from overloaded(rounds)
    yield from bimodal(measured)
    yield from outliers(measured)


def overloaded(rounds: pd.DataFrame) -> Iterator[Finding]:
    """Rounds whose machine was busy with something else, and comparisons that the machine's own load may explain."""
    complete = rounds[rounds["status"] == RoundStatus.COMPLETE.value]
    usual = complete.groupby(TREATMENT, observed=True)["cpu_pressure"].median().rename("usual").reset_index()
    placed = complete.merge(usual, on=TREATMENT)
    yield from _foreign(placed)
    yield from _always(complete)
    yield from _unequal(usual)


def outliers(measured: Iterable[Sample]) -> Iterator[Finding]:
    """Tasks far from the rest of their treatment at their task count."""
    for key, own, seconds in measured:
        outlying = far(np.log(seconds))
        if outlying.any():
            rounds = _listed(sorted(set(own.loc[outlying, "round"])))
            least, most, middle = (f"{value:.2f} s" for value in _ends_and_median(seconds, outlying))
            yield _finding(
                "outlier",
                key,
                f"{outlying.sum()} of {len(own)} tasks lie far from the rest ({least} to {most}, median {middle}), in "
                f"{rounds}; they are in the figures",
            )


def bimodal(measured: Iterable[Sample]) -> Iterator[Finding]:
    """Treatments whose times form two heaps, so that a median says little."""
    for key, own, seconds in measured:
        logarithms = own.assign(logarithm=np.log(seconds)).groupby("round")["logarithm"]
        within = own["task_count"].iat[0] >= TASKS_FOR_WITHIN
        values = np.log(seconds) - logarithms.transform("mean").to_numpy() if within else logarithms.median().to_numpy()
        found = heaps(values)
        if found is not None:
            apart = percent(float(np.expm1(found.upper - found.lower)))
            where = "within rounds" if within else "from round to round"
            yield _finding(
                "bimodal",
                key,
                f"the times form two heaps {where}, {percent(found.upper_share)} of them {apart} above the rest: "
                "two things are measured, and the median is neither",
            )


def _foreign(placed: pd.DataFrame) -> Iterator[Finding]:
    pressed = placed[placed["cpu_pressure"] > placed["usual"] + FOREIGN_PRESSURE]
    if len(pressed):
        yield Finding(
            kind="overloaded",
            text=f"Something else used this machine's CPU in {_listed(sorted(pressed['index']))}: processes waited "
            f"up to {percent(float((pressed['cpu_pressure'] - pressed['usual']).max()))} of the time longer than in "
            "other rounds of the same treatment.",
        )
    stolen = placed[placed["steal"] > STEAL_LIMIT]
    if len(stolen):
        yield Finding(
            kind="overloaded",
            text=f"The hypervisor gave the CPU to somebody else in {_listed(sorted(stolen['index']))}, more than "
            f"{percent(STEAL_LIMIT)} of the time and up to {percent(float(stolen['steal'].max()))}.",
        )


def _always(complete: pd.DataFrame) -> Iterator[Finding]:
    pressed = complete[complete["cpu_pressure"] > CPU_PRESSURE_LIMIT]
    if len(pressed) > len(complete) / 2:
        yield Finding(
            kind="overloaded",
            text=f"In {len(pressed)} of {len(complete)} rounds (marked overloaded) processes waited for this "
            f"machine's CPU more than {percent(CPU_PRESSURE_LIMIT)} of the time, "
            f"{percent(float(pressed['cpu_pressure'].median()))} in the middle one: it is small for this plan, or busy "
            "all along, and the seconds are its own.",
        )


def _unequal(usual: pd.DataFrame) -> Iterator[Finding]:
    controls = usual[usual["form"] == CONTROL]
    both = usual[usual["form"] != CONTROL].merge(controls, on=["variant", "task_count"], suffixes=("", "_control"))
    apart = both[(both["usual"] - both["usual_control"]).abs() > CPU_PRESSURE_LIMIT]
    for one in apart.itertuples():
        yield Finding(
            kind="overloaded",
            text=f"{one.variant} with {count_of_tasks(one.task_count)}: processes waited for this machine's CPU "
            f"{percent(one.usual_control)} of the time as {CONTROL}, {percent(one.usual)} as {one.form}. A part of "
            "their difference may be this machine's; on Fargate each task has a machine of its own.",
            variant=one.variant,
            form=one.form,
            task_count=one.task_count,
        )


def _ends_and_median(seconds: Floats, outlying: NDArray[np.bool_]) -> tuple[float, float, float]:
    return float(seconds[outlying].min()), float(seconds[outlying].max()), float(np.median(seconds))


def samples(tasks: pd.DataFrame, primary_phases: Mapping[str, str]) -> Iterator[Sample]:
    """One per treatment and task count that has the primary phase of its variant; ``tasks`` as for `noise`."""
    for key, own in tasks.groupby(TREATMENT, observed=True):
        column = f"{primary_phases[key[0]]}_seconds"
        known = own[own[column] > 0]
        if len(known):
            yield Sample(key, known, known[column].to_numpy())


def _finding(kind: WarningKind, key: tuple[str, str, int], text: str) -> Finding:
    variant, form, task_count = key
    return Finding(
        kind=kind,
        text=f"{variant} as {form} with {count_of_tasks(task_count)}: {text}.",
        variant=variant,
        form=form,
        task_count=task_count,
    )


def _listed(numbers: Iterable[int]) -> str:
    found = [str(number) for number in numbers]
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return f"round{'s' if len(found) > 1 else ''} {', '.join(found[:LISTED])}{more}"
