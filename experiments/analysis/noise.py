"""Warnings about noise: a machine short of CPU, and outliers (`clusters`: two kinds of start). Pure.

As with pyperf's `check` and `system tune` warnings (https://pyperf.readthedocs.io), every figure is shown, next to
what may have disturbed it. Nothing is dropped.

Pressure alone says little on a small machine: one plain pull unpacks on every core, so its own rounds exceed the
limit. Foreign load stands out against the other rounds of the same treatment. The treatment's own load matters only
where form and control differ in it, because part of the effect then comes from this machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.cells import CPU_PRESSURE_LIMIT, STEAL_LIMIT
from experiments.analysis.findings import Finding, WarningKind
from experiments.analysis.shares import TREATMENT
from experiments.analysis.statistics.paired import Floats
from experiments.analysis.statistics.shape import LEAST_CHANGE, TASKS_FOR_WITHIN, far
from experiments.plan.control import beside
from experiments.plan.plan import Design
from experiments.records.model import RoundStatus
from experiments.records.phases import PRIMARY_PHASES
from experiments.wording import percent
from experiments.wording import tasks as count_of_tasks

if TYPE_CHECKING:
    import pandas as pd

FOREIGN_PRESSURE = 0.10
"""Share of wall time by which a round's pressure must exceed its treatment's median to count as foreign load."""
LISTED = 5
OUTLIER_LEVEL = 0.05
"""Of sweeps without outliers, no more than this share says that it has one; shared equally by all treatments."""
SAMPLED = [*TREATMENT, "round", *(f"{phase}_seconds" for phase in PRIMARY_PHASES)]
"""The columns of tasks that `outliers` needs."""


class Sample(NamedTuple):
    """The tasks of one (variant, form, task count) that have the primary phase, and its seconds."""

    key: tuple[str, str, int]
    tasks: pd.DataFrame
    seconds: Floats


def noise(
    tasks: pd.DataFrame, rounds: pd.DataFrame, primary_phases: Mapping[str, str], design: Design
) -> Iterator[Finding]:
    """Yield every warning; ``tasks`` are `cells.measured` with the columns `SAMPLED`. Only primary phases count."""
    measured = list(samples(tasks, primary_phases))
    yield from overloaded(rounds, design)
    yield from outliers(measured)


def overloaded(rounds: pd.DataFrame, design: Design) -> Iterator[Finding]:
    """Warn of rounds whose machine was busy with other work, and of comparisons that its load may explain."""
    complete = rounds[rounds["status"] == RoundStatus.COMPLETE.value]
    usual = complete.groupby(TREATMENT, observed=True)["cpu_pressure"].median().rename("usual").reset_index()
    with_usual = complete.merge(usual, on=TREATMENT)
    yield from _foreign(with_usual)
    yield from _always(complete)
    yield from _unequal(usual, design)


def outliers(measured: Iterable[Sample]) -> Iterator[Finding]:
    """Warn of tasks far from the others of their treatment at their task count."""
    for key, tasks, seconds in (every := list(measured)):
        outlying = outlying_tasks(np.log(seconds), tasks["round"].to_numpy(), OUTLIER_LEVEL / len(every))
        if outlying.any():
            rounds = _listed(sorted(set(tasks.loc[outlying, "round"])))
            least, most, middle = (f"{value:.2f} s" for value in _ends_and_median(seconds, outlying))
            yield _finding(
                "outlier",
                key,
                f"{outlying.sum()} of {len(tasks)} tasks are outliers ({least} to {most}, median {middle}), in "
                f"{rounds}; the figures include them, but an interval is of the usual start and may miss rare ones",
            )


def outlying_tasks(logarithms: Floats, rounds: NDArray[np.int_], level: float) -> NDArray[np.bool_]:
    """Return a mask of tasks far from the others of their round, and of all tasks of rounds far from other rounds.

    Tasks of a round share its minute: among all tasks together, each round that is a little slower would stand out.
    """
    _, places, counts = np.unique(rounds, return_inverse=True, return_counts=True)
    by_round = np.split(logarithms[np.argsort(places, kind="stable")], np.cumsum(counts)[:-1])
    medians = np.array([np.median(each) for each in by_round])
    slow = far(medians, level / 2)[places]
    if counts.min() < TASKS_FOR_WITHIN:
        return np.asarray(slow)
    means = np.bincount(places, weights=logarithms) / counts
    from_others = np.abs(logarithms - medians[places]) > np.log1p(LEAST_CHANGE)  # a far task moves the mean, too
    return np.asarray(slow | (far(logarithms - means[places], level / 2) & from_others))


def _foreign(with_usual: pd.DataFrame) -> Iterator[Finding]:
    pressed = with_usual[with_usual["cpu_pressure"] > with_usual["usual"] + FOREIGN_PRESSURE]
    if len(pressed):
        yield Finding(
            kind="overloaded",
            text=f"Something else used this machine's CPU in {_listed(sorted(pressed['index']))}: processes waited up "
            f"to an extra {percent(float((pressed['cpu_pressure'] - pressed['usual']).max()))} of the time, compared "
            "with other rounds of the same treatment.",
        )
    stolen = with_usual[with_usual["steal"] > STEAL_LIMIT]
    if len(stolen):
        yield Finding(
            kind="overloaded",
            text=f"The hypervisor took the CPU away in {_listed(sorted(stolen['index']))} for more than "
            f"{percent(STEAL_LIMIT)} of the time, up to {percent(float(stolen['steal'].max()))}.",
        )


def _always(complete: pd.DataFrame) -> Iterator[Finding]:
    pressed = complete[complete["cpu_pressure"] > CPU_PRESSURE_LIMIT]
    if len(pressed) > len(complete) / 2:
        yield Finding(
            kind="overloaded",
            text=f"In {len(pressed)} of {len(complete)} rounds (marked overloaded) processes waited for this "
            f"machine's CPU for more than {percent(CPU_PRESSURE_LIMIT)} of the time (median "
            f"{percent(float(pressed['cpu_pressure'].median()))}): the machine is too small for this plan or always "
            "busy, so the seconds hold for this machine only.",
        )


def _unequal(usual: pd.DataFrame, design: Design) -> Iterator[Finding]:
    known = {(row.variant, row.form, row.task_count): float(row.usual) for row in usual.dropna().itertuples()}
    for (variant, form, count), pressure in known.items():
        control = design.control_of(variant, form)
        theirs = None if control is None else known.get((*control, count))
        if control is None or theirs is None or abs(pressure - theirs) <= CPU_PRESSURE_LIMIT:
            continue
        word = "as" if control[0] == variant else "with"
        other, this = beside(control, (variant, form)), beside((variant, form), control)
        yield Finding(
            kind="overloaded",
            text=f"{variant} with {count_of_tasks(count)}: processes waited for this machine's CPU {percent(theirs)} "
            f"of the time {word} {other}, {percent(pressure)} {word} {this}. Part of their difference may come from "
            "this machine; on Fargate each task has its own machine.",
            variant=variant,
            form=form,
            task_count=count,
        )


def _ends_and_median(seconds: Floats, outlying: NDArray[np.bool_]) -> tuple[float, float, float]:
    return float(seconds[outlying].min()), float(seconds[outlying].max()), float(np.median(seconds))


def samples(tasks: pd.DataFrame, primary_phases: Mapping[str, str]) -> Iterator[Sample]:
    """Yield one sample per treatment and task count that has its variant's primary phase; ``tasks`` as for `noise`."""
    for key, group in tasks.groupby(TREATMENT, observed=True):
        column = f"{primary_phases[key[0]]}_seconds"
        known = group[group[column] > 0]
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
    rounds = [str(number) for number in numbers]
    more = f" and {len(rounds) - LISTED} more" if len(rounds) > LISTED else ""
    return f"round{'s' if len(rounds) > 1 else ''} {', '.join(rounds[:LISTED])}{more}"
