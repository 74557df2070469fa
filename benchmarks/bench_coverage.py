"""How often the intervals cover the truth, and how often an A/A sweep is called different, in simulated sweeps.

    python benchmarks/bench_coverage.py [--sweeps 2000] [--seed 1]

Unless noted otherwise, a sweep has 2 variants at 2 task counts in 4 phases, as plain and as one form: 16 comparisons
in random order within blocks. Times are log-normal, with block effects, round effects that all tasks of a round share
(and its phases in part), and drift: either steady from the first round to the last, or a random walk from round to
round (a wandering machine). Our interval is compared on the same sweeps with two others: the naive one, a Welch t
interval over all tasks as if they were independent, and the percentile bootstrap over blocks. `covers` is over all
comparisons of the primary phase, `noisiest` over the noisiest one. `A/A` is the share of sweeps without any difference
in which at least one comparison is called faster or slower (from five times as many sweeps, except with the stopping
rule). `fitted` is the same with a prior fitted to the sweep's own spreads, as in limma, instead of our fixed prior.
Exits with 1 if a bar is missed: coverage 93 to 97 %, A/A at most 5 %, each widened by two standard errors of the
simulation itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma, psi, stdtr, stdtrit

from experiments.analysis.comparisons import PRIMARY_SHARE
from experiments.analysis.statistics import moderated, paired, stopping
from experiments.analysis.statistics.multiple import holm

Floats = NDArray[np.float64]
LEVEL = 0.95
COVERAGE_BAR = (0.93, 0.97)
A_A_BAR = 0.05
PHASES, PRIMARY = 4, 3
BOOTSTRAPS = 400
MOST_PRIOR_FREEDOM = 1e4
"""The fitted prior's limit, for spreads that vary less than by chance alone."""
NEWTON_STEPS, NEWTON_PRECISION = 20, 1e-12
A_A_BATCHES = 5
"""Repeats for the A/A share: an error of 5 % needs more sweeps than a coverage of 95 % for the same precision."""


@dataclass(frozen=True)
class World:
    """The truth: standard deviations of logarithms, drift over the whole sweep, how far the machine wanders in a
    block, how much noisier some comparisons are (repeated over the cells), and the logarithm of the ratio."""

    name: str
    block: float = 0.10
    round: float = 0.05
    task: float = 0.05
    drift: float = 0.0
    wander: float = 0.0
    tasks: int = 4
    cells: int = 4
    form_noise: float = 1.0
    heavy: bool = False
    scatter: tuple[float, ...] = (1.0,)
    effect: float = float(np.log(0.8))


WORLDS = (
    World("quiet", block=0.02, round=0.02, task=0.03),
    World("noisy blocks", block=0.30),
    World("tasks alike within rounds", round=0.15, task=0.02, tasks=8),
    World("drift of 30 %", drift=0.30),
    World("wandering machine", wander=0.10),
    World("form three times as noisy", form_noise=3.0),
    World("heavy tails (t, 3 degrees)", heavy=True),
    World("2, 4 and 8 % by task count", round=0.013, task=0.01, cells=6, scatter=(1, 2, 4)),
    World("2, 4 and 8 %, 12 alike", round=0.013, task=0.01, cells=12, scatter=(1, 2, 4)),
    World("one of 4 five times as noisy", round=0.02, task=0.03, scatter=(1, 1, 1, 5)),
    World("one of 8 five times as noisy", round=0.02, task=0.03, cells=8, scatter=(1,) * 7 + (5,)),
    World("one of 4 fifty times as noisy", round=0.005, task=0.005, scatter=(1, 1, 1, 50)),
)
STOPPING_WORLDS = tuple(
    World(f"{cells} at once, rounds' spread {round_:.1%}", round=round_, drift=0.05, cells=cells)
    for cells in (1, 4)
    for round_ in (0.01, 0.03, 0.045, 0.06, 0.075)
)
"""The harm of stopping depends on the spread divided by the requested width; a single comparison is the worst case."""


@dataclass(frozen=True)
class Row:
    """One line of the table; the numbers are shares of the sweeps."""

    world: str
    blocks: str
    ours: float
    noisiest: float | None
    naive: float
    other: float
    a_a: float
    a_a_fitted: float | None
    a_a_naive: float


def main() -> None:
    """Simulate and print; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(
        f"{'world':32} {'blocks':>12} | {'covers':>7} {'noisiest':>8} {'naive':>7} {'other':>7} | "
        f"{'A/A':>6} {'fitted':>6} {'naive':>6}"
    )
    missed = False
    for row in table(arguments.sweeps, arguments.seed):
        low, high, most = bars(arguments.sweeps)
        missed |= not low <= row.ours <= high or row.a_a > most
        print(
            f"{row.world:32} {row.blocks:>12} | "
            f"{row.ours:7.1%} {share(row.noisiest):>8} {row.naive:7.1%} {row.other:7.1%} | "
            f"{row.a_a:6.1%} {share(row.a_a_fitted):>6} {row.a_a_naive:6.1%}"
        )
    print("other: percentile bootstrap over blocks; with the stopping rule: plain 95 % intervals from 3 blocks on")
    print(f"{arguments.sweeps} sweeps per line; bars: coverage 93-97 %, A/A <= 5 %: {'MISSED' if missed else 'met'}")
    sys.exit(missed)


def share(value: float | None) -> str:
    """A share in percent; empty if there is none."""
    return "" if value is None else f"{value:.1%}"


def bars(sweeps: int) -> tuple[float, float, float]:
    """The bars, widened by two standard errors of a share of this many simulated sweeps."""
    error = 2 * float(np.sqrt(LEVEL * (1 - LEVEL) / sweeps))
    return COVERAGE_BAR[0] - error, COVERAGE_BAR[1] + error, A_A_BAR + error


def table(sweeps: int, seed: int) -> Iterator[Row]:
    """Every world at 3, 5 and 10 blocks, then the worlds with the stopping rule."""
    generator = np.random.default_rng(seed)
    for world in WORLDS:
        for blocks in (3, 5, 10):
            yield fixed(world, blocks, sweeps, generator)
    for world in STOPPING_WORLDS:
        yield stopped(world, 5, 40, sweeps, generator)


def fixed(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> Row:
    """The row of a plan with a fixed number of blocks."""
    tasks = simulate(world, blocks, sweeps, generator)
    a_a = np.mean([called_different(world, blocks, sweeps, generator) for _ in range(A_A_BATCHES)], axis=0)
    primary = differences(tasks)[:, :, PRIMARY]
    covers = holds(*paired.interval(primary, LEVEL), world)
    return Row(
        world=world.name,
        blocks=str(blocks),
        ours=float(covers.mean()),
        noisiest=float(covers[:, int(np.argmax(scatter(world)))].mean()),
        naive=covered(*naive_interval(tasks[:, :, 0, PRIMARY]), world),
        other=covered(*bootstrap_interval(primary[:, 0], generator), world),
        a_a=float(a_a[0]),
        a_a_fitted=float(a_a[1]),
        a_a_naive=float(a_a[2]),
    )


def called_different(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[float, ...]:
    """The shares of A/A sweeps called different: by our test, with a fitted prior, and by the naive test."""
    tasks = simulate(replace(world, effect=0.0), blocks, sweeps, generator)
    logs = differences(tasks)
    return (
        different(adjusted_p_values(logs)),
        different(corrected(fitted_p_values(logs))),
        any_below(naive_p_values(tasks)),
    )


def stopped(world: World, percent: int, most: int, sweeps: int, generator: np.random.Generator) -> Row:
    """The row of sweeps that add blocks, at most ``most``, until every primary interval is narrow enough."""
    tasks = simulate(world, most, sweeps, generator)
    a_a = simulate(replace(world, effect=0.0), most, sweeps, generator)
    logs, logs_a_a = differences(tasks), differences(a_a)
    level = stopping.nominal_level(LEVEL)
    ends, ends_a_a = (
        stops(each, stopping.LEAST_BLOCKS, lambda d: stopping.narrow_enough(d, percent / 100, LEVEL))
        for each in (logs, logs_a_a)
    )
    unpaid = stops(logs, paired.LEAST_BLOCKS, lambda d: is_narrow(d, percent / 100))
    adjusted = by_end(ends_a_a, lambda ended, n: adjusted_p_values(logs_a_a[ended, ..., :n], stopping.P_FACTOR).T)
    return Row(
        world=world.name,
        blocks=f"{ends.mean():.1f} to {percent} %",
        ours=covered(*by_end(ends, lambda ended, n: paired.interval(logs[ended, 0, PRIMARY, :n], level)).T, world),
        noisiest=None,
        naive=covered(*by_end(ends, lambda ended, n: naive_interval(tasks[ended, :n, 0, PRIMARY])).T, world),
        other=covered(*by_end(unpaid, lambda ended, n: paired.interval(logs[ended, 0, PRIMARY, :n], LEVEL)).T, world),
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


def simulate(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> Floats:
    """Logarithms of seconds: sweeps x blocks x cells x phases x (control, form) x tasks."""
    drawn = (
        generator.standard_t(3, (sweeps, blocks, world.cells, PHASES + 1, 2)) / np.sqrt(3)
        if world.heavy
        else (generator.standard_normal((sweeps, blocks, world.cells, PHASES + 1, 2)))
    )
    noise = np.array([1.0, world.form_noise])
    noise = noise * scatter(world)[:, None, None]
    round_effects = (np.sqrt(0.7) * drawn[..., :1, :] + np.sqrt(0.3) * drawn[..., 1:, :]) * world.round * noise
    order = generator.random((sweeps, blocks, world.cells * 2)).argsort(axis=-1).reshape(sweeps, blocks, world.cells, 2)
    when = (order / (world.cells * 2) + np.arange(blocks)[:, None, None]) / blocks
    block_effects = generator.standard_normal((sweeps, blocks, 1, 1, 1)) * world.block
    steps = generator.standard_normal((sweeps, blocks * world.cells * 2)) * world.wander / np.sqrt(world.cells * 2)
    path = np.cumsum(steps, axis=-1).reshape(sweeps, blocks, world.cells * 2)
    walked = np.take_along_axis(path, order.reshape(sweeps, blocks, -1), -1).reshape(order.shape)
    moved = world.drift * when + walked
    rounds = block_effects + moved[:, :, :, None, :] + round_effects
    rounds[..., 1] += world.effect
    tasks = generator.standard_normal((*rounds.shape, world.tasks)) * world.task * noise[..., None]
    return np.asarray(rounds[..., None] + tasks)


def scatter(world: World) -> Floats:
    """The factor by which each cell is noisier."""
    return np.resize(np.array(world.scatter, dtype=float), world.cells)


def differences(tasks: Floats) -> Floats:
    """Differences of the rounds' log medians: sweeps x cells x phases x blocks."""
    medians = np.log(np.median(np.exp(tasks), axis=-1))
    return np.moveaxis(medians[..., 1] - medians[..., 0], 1, -1)


def different(adjusted: Floats) -> float:
    """The share of sweeps that are called different, from corrected p-values: sweeps x all comparisons."""
    return float(np.mean((adjusted <= 1 - LEVEL).any(axis=-1)))


def adjusted_p_values(logs: Floats, factor: float = 1.0) -> Floats:
    """Those of `comparisons.compare`, for the `differences` of many sweeps at once: sweeps x all comparisons."""
    alone = np.minimum(paired.p_value(logs) * factor, 1)
    pooling = alone
    if moderated.applies(logs.shape[-1], logs.shape[1]):
        pooled = logs.var(axis=-1, ddof=1).mean(axis=1, keepdims=True)
        pooling = np.minimum(moderated.p_value(logs, pooled) * factor, 1)
    return np.maximum(corrected(pooling), alone.reshape(len(alone), -1))


def corrected(p_values: Floats) -> Floats:
    """Holm's correction with the weights of `comparisons.compare`, from p-values by sweep, cell and phase."""
    shares = np.full(p_values.shape[1:], (1 - PRIMARY_SHARE) / (PHASES - 1))
    shares[:, PRIMARY] = PRIMARY_SHARE
    return holm(p_values.reshape(len(p_values), -1), shares.reshape(-1))


def fitted_p_values(logs: Floats) -> Floats:
    """Moderated t with the prior of each phase fitted by the moments of its log variances (Smyth 2004, section 6.2).

    As in limma, the test has at most the degrees of freedom of all spreads of the phase together.
    """
    freedom, variances = logs.shape[-1] - 1, logs.var(axis=-1, ddof=1)
    log_variances = np.log(variances) - psi(freedom / 2) + np.log(freedom / 2)
    excess = log_variances.var(axis=1, ddof=1, keepdims=True) - polygamma(1, freedom / 2)
    prior = np.where(excess > 0, 2 * trigamma_inverse(np.where(excess > 0, excess, 1)), MOST_PRIOR_FREEDOM)
    prior = np.minimum(prior, MOST_PRIOR_FREEDOM)
    pooled = np.exp(log_variances.mean(axis=1, keepdims=True) + psi(prior / 2) - np.log(prior / 2))
    error = np.sqrt((prior * pooled + freedom * variances) / (prior + freedom) / logs.shape[-1])
    total_freedom = np.minimum(prior + freedom, freedom * logs.shape[1])
    return np.asarray(2 * stdtr(total_freedom, -np.abs(logs.mean(axis=-1)) / error))


def trigamma_inverse(values: Floats) -> Floats:
    """The inverse of the trigamma function, by Newton's method (Smyth 2004, appendix)."""
    inverse = 0.5 + 1 / values
    for _ in range(NEWTON_STEPS):
        trigamma = polygamma(1, inverse)
        step = trigamma * (1 - trigamma / values) / polygamma(2, inverse)
        inverse = inverse + step
        if np.all(np.abs(step) < NEWTON_PRECISION * inverse):
            break
    return np.asarray(inverse)


def any_below(p_values: Floats) -> float:
    """The share of sweeps with any uncorrected p-value below the level, as if each test were the only one."""
    return float(np.mean((p_values <= 1 - LEVEL).any(axis=(1, 2))))


def naive_interval(tasks: Floats) -> tuple[Floats, Floats]:
    """Welch's t interval over all tasks of one comparison: sweeps x blocks x (control, form) x tasks."""
    middle, error, freedom = _welch(np.moveaxis(tasks, 1, -2))
    half = stdtrit(freedom, (1 + LEVEL) / 2) * error
    return middle - half, middle + half


def naive_p_values(tasks: Floats) -> Floats:
    """Welch's t test over all tasks of every comparison: sweeps x cells x phases."""
    middle, error, freedom = _welch(np.moveaxis(tasks, 1, -2))
    return np.asarray(2 * stdtr(freedom, -np.abs(middle / error)))


def _welch(tasks: Floats) -> tuple[Floats, Floats, Floats]:
    """Difference of means, its standard error and degrees of freedom; last axes: (control, form) x blocks x tasks."""
    pooled = tasks.reshape(*tasks.shape[:-2], -1)
    count = pooled.shape[-1]
    parts = pooled.var(axis=-1, ddof=1) / count
    total = parts.sum(axis=-1)
    means = pooled.mean(axis=-1)
    return means[..., 1] - means[..., 0], np.sqrt(total), total**2 / (parts**2).sum(axis=-1) * (count - 1)


def bootstrap_interval(logs: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Percentiles of the means of blocks drawn with replacement."""
    blocks = logs.shape[-1]
    drawn = generator.integers(0, blocks, (BOOTSTRAPS, blocks))
    means = logs[:, drawn].mean(axis=-1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1)
    return low, high


def covered(low: Floats, high: Floats, world: World) -> float:
    """The share of intervals that cover the truth."""
    return float(holds(low, high, world).mean())


def holds(low: Floats, high: Floats, world: World) -> NDArray[np.bool_]:
    """Whether each interval covers the truth."""
    return np.asarray((low <= world.effect) & (world.effect <= high))


if __name__ == "__main__":
    main()
