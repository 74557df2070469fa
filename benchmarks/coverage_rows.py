"""The rows of `bench_coverage`: a world at a number of blocks, or with the stopping rule. Pure but for generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.estimators import (
    LEVEL,
    adjusted_p_values,
    any_below,
    bootstrap_interval,
    corrected,
    different,
    fitted_p_values,
    naive_interval,
    naive_p_values,
)
from benchmarks.simulated import PRIMARY, Floats, differences, scatter, simulate, truth
from benchmarks.worlds import NOT_NORMAL, STOPPING_WORLDS, WORLDS, World, same_image
from experiments.analysis.clusters import among_rounds, of_pairs
from experiments.analysis.effects import Pairs
from experiments.analysis.noise import OUTLIER_LEVEL, outlying_tasks
from experiments.analysis.statistics import paired, stopping, unseen
from experiments.records.phases import COMPARED_PHASES

COVERAGE_BAR = (0.93, 0.97)
A_A_BAR = 0.05
SWEEPS_READ = 250
"""Of 16 comparisons, fewer of more: a report is made sweep by sweep, which takes long."""
A_A_BATCHES = 5
"""Repeats for the A/A share: an error of 5 % needs more sweeps than a coverage of 95 % for the same precision."""


@dataclass(frozen=True)
class Row:
    """One line of the table; the numbers are shares of the sweeps."""

    world: str
    blocks: str
    ours: float
    noisiest: float | None
    usual: float | None
    """Of a world that is not normal: the share that covers the usual start's ratio; `ours` is of the mean."""
    naive: float
    other: float
    a_a: float
    a_a_fitted: float | None
    a_a_naive: float
    two_kinds: float | None = None
    """Share of variants of which a report says that their rounds are of two kinds."""
    silent: float | None = None
    """Share of the intervals that miss the mean without any caution on it in the report."""
    outliers: float | None = None
    """Share of sweeps of which a report notes outliers."""


def table(sweeps: int, seed: int) -> Iterator[tuple[Row, bool]]:
    """Every world at 3, 5 and 10 blocks, then the worlds with the stopping rule; and whether bars apply to a row.

    They do not in worlds that are not normal: there an interval of few blocks promises nothing about the mean.
    """
    generator = np.random.default_rng(seed)
    for world in (*WORLDS, *NOT_NORMAL):
        for blocks in (3, 5, 10):
            yield fixed(world, blocks, sweeps, generator), world.is_normal
    for world in STOPPING_WORLDS:
        yield stopped(world, 5, 40, sweeps, generator), True


def bars(sweeps: int) -> tuple[float, float, float]:
    """The bars, widened by two standard errors of a share of this many simulated sweeps."""
    error = 2 * float(np.sqrt(LEVEL * (1 - LEVEL) / sweeps))
    return COVERAGE_BAR[0] - error, COVERAGE_BAR[1] + error, A_A_BAR + error


def fixed(world: World, blocks: int, sweeps: int, generator: np.random.Generator, read: int = SWEEPS_READ) -> Row:
    """The row of a plan with a fixed number of blocks; ``read`` is how many reports are asked for their cautions."""
    tasks, logs = whole(world, blocks, sweeps, generator)
    read = 4 * read // max(4, world.cells)
    batches = max(1, min(A_A_BATCHES, 4 * A_A_BATCHES // world.cells))
    a_a = np.mean([called_different(world, blocks, sweeps, generator) for _ in range(batches)], axis=0)
    primary = logs[:, :, PRIMARY]
    ends = paired.interval(primary, LEVEL)
    covers = holds(*ends, truth(world))
    return Row(
        world=world.name,
        blocks=str(blocks),
        ours=float(covers.mean()),
        noisiest=float(covers[:, int(np.argmax(scatter(world)))].mean()) if len(set(world.scatter)) > 1 else None,
        usual=None if world.is_normal else covered(*ends, world.effect),
        naive=covered(*naive_interval(tasks[:, :, 0, PRIMARY]), truth(world)),
        other=covered(*bootstrap_interval(primary[:, 0], generator), truth(world)),
        a_a=float(a_a[0]),
        a_a_fitted=float(a_a[1]),
        a_a_naive=float(a_a[2]),
        **(said(tasks[:read], logs[:read], covers[:read]) if read else {}),
    )


def said(tasks: Floats, logs: Floats, covers: NDArray[np.bool_]) -> dict[str, float]:
    """What the reports of sweeps say of their intervals; each variant has two cells, its task counts."""
    blocks = logs.shape[-1]
    names = [f"v{cell // 2}" for cell in range(logs.shape[1])]
    told = np.zeros((len(logs), len(names)), dtype=bool)
    for sweep, each in zip(told, logs, strict=True):
        compared = [
            Pairs(name, "soci-v2", name, "plain", cell, phase, np.exp(each[cell, place]), np.ones(blocks))
            for cell, name in enumerate(names)
            for place, phase in enumerate(COMPARED_PHASES)
        ]
        two_kinds = {found.variant for found in among_rounds(list(of_pairs(compared)))}
        sweep[:] = [name in two_kinds for name in names]
    far = np.array([_with_outliers(sweep) for sweep in tasks])
    cautioned = told | far | (blocks < unseen.LEAST_BLOCKS)
    return {
        "two_kinds": float(told.mean()),
        "silent": float((~covers & ~cautioned).mean()),
        "outliers": float(far.any(axis=1).mean()),
    }


def _with_outliers(sweep: Floats) -> list[bool]:
    """By cell, whether a report notes any on either side: among its tasks' primary phase, as `noise.outliers` looks."""
    by_treatment = np.moveaxis(sweep[:, :, PRIMARY], 0, -2)
    samples = by_treatment.reshape(-1, *by_treatment.shape[-2:])
    rounds = np.broadcast_to(np.arange(samples.shape[1])[:, None], samples.shape[1:])
    level = OUTLIER_LEVEL / len(samples)
    booted = np.isfinite(samples)
    noted = [
        outlying_tasks(sample[kept], rounds[kept], level).any() for sample, kept in zip(samples, booted, strict=True)
    ]
    return [bool(control or form) for control, form in zip(noted[::2], noted[1::2], strict=True)]


def whole(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Tasks and `differences` of simulated sweeps; those in which a round has no median are left out."""
    tasks = simulate(world, blocks, sweeps, generator)
    logs = differences(tasks)
    complete = ~np.isnan(logs).any(axis=(1, 2, 3))
    return tasks[complete], logs[complete]


def called_different(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[float, ...]:
    """The shares of A/A sweeps called different: by our test, with a fitted prior, and by the naive test."""
    tasks, logs = whole(same_image(world), blocks, sweeps, generator)
    return (
        different(adjusted_p_values(logs)),
        different(corrected(fitted_p_values(logs))),
        any_below(naive_p_values(tasks)),
    )


def stopped(world: World, percent: int, most: int, sweeps: int, generator: np.random.Generator) -> Row:
    """The row of sweeps that add blocks, at most ``most``, until every primary interval is narrow enough."""
    tasks = simulate(world, most, sweeps, generator)
    a_a = simulate(same_image(world), most, sweeps, generator)
    logs, logs_a_a = differences(tasks), differences(a_a)
    level = stopping.nominal_level(LEVEL)
    ends, ends_a_a = (
        stops(each, stopping.LEAST_BLOCKS, lambda d: stopping.narrow_enough(d, percent / 100, LEVEL))
        for each in (logs, logs_a_a)
    )
    unpaid = stops(logs, paired.LEAST_BLOCKS, lambda d: is_narrow(d, percent / 100))
    adjusted = by_end(ends_a_a, lambda ended, n: adjusted_p_values(logs_a_a[ended, ..., :n], stopping.P_FACTOR).T)
    ours = by_end(ends, lambda ended, n: paired.interval(logs[ended, 0, PRIMARY, :n], level)).T
    plain = by_end(unpaid, lambda ended, n: paired.interval(logs[ended, 0, PRIMARY, :n], LEVEL)).T
    return Row(
        world=world.name,
        blocks=f"{ends.mean():.1f} to {percent} %",
        ours=covered(*ours, world.effect),
        noisiest=None,
        usual=None,
        naive=covered(*by_end(ends, lambda ended, n: naive_interval(tasks[ended, :n, 0, PRIMARY])).T, world.effect),
        other=covered(*plain, world.effect),
        a_a=different(adjusted),
        a_a_fitted=None,
        a_a_naive=any_below(by_end(ends_a_a, lambda ended, n: naive_p_values(a_a[ended, :n]))),
    )


def stops(logs: Floats, least: int, narrow: Callable[[Floats], NDArray[np.bool_]]) -> NDArray[np.int_]:
    """The block after which each sweep ends: the first, from ``least`` on, with all primary intervals narrow."""
    most = logs.shape[-1]
    ends = np.full(len(logs), most)
    for blocks in range(most - 1, least - 1, -1):
        ends[narrow(logs[:, :, PRIMARY, :blocks]).all(axis=-1)] = blocks
    return ends


def is_narrow(logs: Floats, precision: float) -> NDArray[np.bool_]:
    """The stopping rule without a correction for repeated looks at the data."""
    half = paired.half_width(logs.std(axis=-1, ddof=1), logs.shape[-1], LEVEL)
    return np.asarray(half <= np.log1p(precision))


def by_end(ends: NDArray[np.int_], compute: Callable[[NDArray[np.bool_], int], Floats | tuple[Floats, ...]]) -> Floats:
    """For each sweep, the result of ``compute`` for all sweeps that end after the same number of blocks."""
    parts = {int(blocks): np.array(compute(ends == blocks, int(blocks))) for blocks in np.unique(ends)}
    several = next(iter(parts.values())).ndim == 2
    rows = {blocks: part.T if several else part for blocks, part in parts.items()}
    result = np.empty((len(ends), *next(iter(rows.values())).shape[1:]))
    for blocks, part in rows.items():
        result[ends == blocks] = part
    return result


def covered(low: Floats, high: Floats, true: float) -> float:
    """The share of intervals that cover the truth."""
    return float(holds(low, high, true).mean())


def holds(low: Floats, high: Floats, true: float) -> NDArray[np.bool_]:
    """Whether each interval covers the truth."""
    return np.asarray((low <= true) & (true <= high))
