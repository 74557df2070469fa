"""Whether the figures beside the ratios hold: saved seconds, the effect over all task counts, the slowest tasks.

    python benchmarks/bench_figures.py [--sweeps 2000] [--seed 1]

Sweeps of known truth, simulated as in `bench_coverage`. Three tables:

- saved seconds: how often our interval covers the truth and, in sweeps with a small effect, excludes zero where the
  ratio's does not exclude one, or the other way round; the same for a t interval of the blocks' differences in seconds;
- the effect over four task counts: how often its interval covers, and how often counts that agree are said to differ,
  by our slope test, by an F test, and by the F test with the correction of Greenhouse and Geisser;
- the slowest tasks: how often the interval covers of the ratio of the times until all 8 tasks of a round are there, of
  the ratio of the 95th percentiles of rounds of 20 tasks, and of a 95th percentile over all tasks of rounds of 8, with
  the rounds as clusters, which the report does not give; and how often that one has an upper end at all.

Exits with 1 if a bar is missed: coverage 93 to 97 %, contradictions none, test at most 5 %, each widened by two
standard errors of the simulation itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betainc, fdtrc, ndtri, stdtrit

from benchmarks.coverage_rows import bars
from benchmarks.estimators import LEVEL
from benchmarks.simulated import PRIMARY, Floats, differences, simulate
from benchmarks.worlds import World
from experiments.analysis.statistics import paired, saved
from experiments.analysis.statistics.trend import mean_slope

BLOCKS = (3, 5, 10)
COUNTS = np.array([1.0, 2.0, 4.0, 8.0])
SECONDS = 10.0
"""Of the control: the worlds have no unit."""
SHARE = 0.95
SMALL = float(np.log(0.95))
WORLDS = (
    World("quiet", block=0.02, round=0.02, task=0.03),
    World("noisy blocks", block=0.30),
    World("tasks alike within rounds", round=0.15, task=0.02, tasks=8),
    World("form three times as noisy", form_noise=3.0),
    World("heavy tails (t, 3 degrees)", heavy=True),
)
COUNT_WORLDS = (
    World("alike"),
    World("noise grows with the count", scatter=(1, 1.6, 2.5, 4)),
    World("one count five times as noisy", scatter=(1, 1, 1, 5)),
    World("heavy tails (t, 3 degrees)", heavy=True),
)
TAIL_WORLDS = (WORLDS[0], World("noisy blocks", block=0.30), World("tasks alike within rounds", round=0.15, task=0.02))


@dataclass(frozen=True)
class Line:
    """One line of a table: what was simulated, and shares of the sweeps; ``kept`` is whether it met its bars."""

    world: str
    blocks: int
    shares: tuple[float | None, ...]
    kept: bool


def main() -> None:
    """Simulate and print; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator, kept = np.random.default_rng(arguments.seed), True
    for heading, names, lines in (
        ("saved seconds", ("covers", "contradicts", "t covers", "t contr."), seconds(arguments.sweeps, generator)),
        ("over four counts", ("covers", "slope", "F", "F, GG"), counts(arguments.sweeps, generator)),
        ("slowest tasks", ("all of 8", "95 % of 20", "clusters", "upper end"), tails(arguments.sweeps, generator)),
    ):
        print(f"\n{heading:32} {'blocks':>6} | {' '.join(f'{name:>11}' for name in names)}")
        for line in lines:
            shown = " ".join(f"{'' if each is None else f'{each:.1%}':>11}" for each in line.shares)
            print(f"{line.world:32} {line.blocks:6} | {shown}{'' if line.kept else '  MISSED'}", flush=True)
            kept &= line.kept
    print(f"\n{arguments.sweeps} sweeps per line: {'all bars met' if kept else 'a bar was MISSED'}")
    sys.exit(not kept)


def seconds(sweeps: int, generator: np.random.Generator, block_counts: Sequence[int] = BLOCKS) -> Iterator[Line]:
    """How often the interval of the saved seconds covers, and contradicts the ratio's."""
    low, high, _ = bars(sweeps)
    for world in WORLDS:
        for blocks in block_counts:
            truth = SECONDS * -np.expm1(world.effect)
            ours, usual = _saved(world, blocks, sweeps, generator)
            covers, usual_covers = (float(np.mean((each[0] <= truth) & (truth <= each[1]))) for each in (ours, usual))
            contradicts, usual_contradicts = _contradictions(replace(world, effect=SMALL), blocks, sweeps, generator)
            kept = low <= covers <= high and contradicts == 0
            yield Line(world.name, blocks, (covers, contradicts, usual_covers, usual_contradicts), kept)


def _saved(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Both ends of our interval and of the t interval of the differences, of one comparison a sweep: (low, high)."""
    medians = _medians(world, blocks, sweeps, generator)
    ours = np.array([saved.interval(form, control, LEVEL) for control, form in medians]).T
    return ours, np.array(paired.interval(medians[:, 0] - medians[:, 1], LEVEL))


def _medians(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> Floats:
    """Seconds of the rounds' medians, of one comparison: sweeps x (control, form) x blocks."""
    tasks = simulate(world, blocks, sweeps, generator)[:, :, 0, PRIMARY]
    return np.asarray(SECONDS * np.median(np.exp(tasks), axis=-1)).swapaxes(1, 2)


def _contradictions(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[float, float]:
    """The shares of sweeps in which the seconds' interval excludes zero and the ratio's not one, or the reverse."""
    medians = _medians(world, blocks, sweeps, generator)
    low, high = paired.interval(np.log(medians[:, 1] / medians[:, 0]), LEVEL)
    ours = np.array([saved.interval(form, control, LEVEL) for control, form in medians]).T
    usual = paired.interval(medians[:, 0] - medians[:, 1], LEVEL)
    decided = (low > 0) | (high < 0)
    return tuple(float(np.mean(decided != ((each[0] > 0) | (each[1] < 0)))) for each in (ours, usual))  # type: ignore[return-value]


def counts(sweeps: int, generator: np.random.Generator) -> Iterator[Line]:
    """How often the pooled interval covers, and each test says that counts differ which do not."""
    low, high, most = bars(sweeps)
    for world in COUNT_WORLDS:
        for blocks in BLOCKS:
            logs = differences(simulate(world, blocks, sweeps, generator))[:, :, PRIMARY].swapaxes(1, 2)
            ends = paired.interval(logs.mean(axis=-1), LEVEL)
            covers = float(np.mean((ends[0] <= world.effect) & (world.effect <= ends[1])))
            slopes = [slope.p_value for each in logs if (slope := mean_slope(np.log2(COUNTS), each)) is not None]
            differ = float(np.mean(np.array(slopes) <= 1 - LEVEL))
            f, corrected = (float(np.mean(each <= 1 - LEVEL)) for each in _f_tests(logs))
            yield Line(world.name, blocks, (covers, differ, f, corrected), low <= covers <= high and differ <= most)


def _f_tests(logs: Floats) -> tuple[Floats, Floats]:
    """Repeated measures: p of the F test that all counts are equal, plain and with Greenhouse and Geisser's factor.

    Greenhouse and Geisser, On Methods in the Analysis of Profile Data, Psychometrika 24, 1959.
    """
    blocks, counts_ = logs.shape[1:]
    centred = logs - logs.mean(axis=-1, keepdims=True)
    means = centred.mean(axis=1)
    residuals = centred - means[:, None]
    freedom, rest = counts_ - 1, (blocks - 1) * (counts_ - 1)
    f = blocks * (means**2).sum(axis=-1) / freedom / ((residuals**2).sum(axis=(1, 2)) / rest)
    covariance = np.einsum("sbi,sbj->sij", residuals, residuals)
    trace = np.trace(covariance, axis1=1, axis2=2)
    factor = trace**2 / (freedom * (covariance**2).sum(axis=(1, 2)))
    return np.asarray(fdtrc(freedom, rest, f)), np.asarray(fdtrc(factor * freedom, factor * rest, f))


def tails(sweeps: int, generator: np.random.Generator) -> Iterator[Line]:
    """How often the intervals of the slowest tasks cover; both sides scatter alike, so that the truth is known."""
    low, high, _ = bars(sweeps)
    for world in TAIL_WORLDS:
        for blocks in BLOCKS:
            of_eight, of_twenty = (
                np.exp(simulate(replace(world, tasks=count, cells=1), blocks, sweeps, generator)[:, :, 0, PRIMARY])
                for count in (8, 20)
            )
            covers = [
                _covers(np.log(figure[..., 1] / figure[..., 0]), world)
                for figure in (of_eight.max(axis=-1), np.quantile(of_twenty, SHARE, axis=-1))
            ]
            truth = float(np.exp(ndtri(SHARE) * np.sqrt(world.block**2 + world.round**2 + world.task**2)))
            ends = np.array([clustered(rounds) for rounds in of_eight[:, :, 0]])
            clusters = float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))
            upper = float(np.mean(np.isfinite(ends[:, 1])))
            yield Line(world.name, blocks, (*covers, clusters, upper), all(low <= each <= high for each in covers))


def _covers(logs: Floats, world: World) -> float:
    ends = paired.interval(logs, LEVEL)
    return float(np.mean((ends[0] <= world.effect) & (world.effect <= ends[1])))


def clustered(rounds: Floats) -> tuple[float, float]:
    """The interval of a percentile over all tasks, with rounds as clusters; the high end is infinite if none shows one.

    Order statistics (Hahn and Meeker, Statistical Intervals, 1991), with the effective number of tasks of Korn and
    Graubard, Survey Methodology 24, 1998: fewer by the design effect, and by Student's t for few clusters.
    """
    values, tail = np.sort(rounds, axis=None), (1 - LEVEL) / 2
    shares = (rounds <= np.quantile(values, SHARE, method="inverted_cdf")).mean(axis=1)
    design_effect = shares.var(ddof=1) / len(rounds) / (SHARE * (1 - SHARE) / len(values))
    few = stdtrit(len(values) - 1, 1 - tail) / stdtrit(len(rounds) - 1, 1 - tail)
    effective = len(values) * few**2 / max(1.0, design_effect)
    positions = np.arange(1, len(values) + 1) * effective / len(values)
    below = betainc(positions, effective - positions + 1, SHARE)
    low, high = np.flatnonzero(below >= 1 - tail), np.flatnonzero(below <= tail)
    return values[low[-1]] if len(low) else 0.0, values[high[0]] if len(high) else np.inf


if __name__ == "__main__":
    main()
