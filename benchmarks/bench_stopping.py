"""What the stopping rule costs: coverage over all sweeps, of those that end early, and in points of the control.

    python benchmarks/bench_stopping.py [--sweeps 20000] [--seed 1]

Sweeps of one comparison add blocks until 5 % or 5 points. The first table has, by the most blocks that a sweep may
have, the coverage over all sweeps (the least over many spreads), and of those that end early: the least over spreads
with which at least half, a fifth or a tenth of the sweeps do. Nothing can mend the last: the mean of a sweep does not
depend on its spread, and where a spread is large, sweeps that end early are those in which it looks small. The second
table has coverage and bias of the rule in points, which sees the ratio. Exits with 1 if less than 94 % are covered over
all sweeps of a line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.estimators import LEVEL
from benchmarks.simulated import Floats
from experiments.analysis.statistics import paired, stopping

PRECISION = 0.05
LEAST_COVERAGE = 0.94
SPREADS = np.linspace(0.02, 0.2, 25)


class Ended(NamedTuple):
    """Sweeps after the rule: whether each ended early, after how many blocks, its mean and whether it is covered."""

    early: Floats
    blocks: Floats
    means: Floats
    covered: Floats


def main() -> None:
    """Simulate and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    worst = []
    print("most blocks | covered over all | of those that end early where 1/2, 1/5, 1/10 do")
    for most in (8, 12, 20, 30, 40):
        overall, *early = given_early(most, arguments.sweeps, generator)
        worst.append(overall)
        print(f"{most:11} | {overall:16.1%} | {'  '.join(f'{share:.1%}' for share in early)}", flush=True)
    print("ratio, scatter of a block | blocks | covered | bias of the ratio")
    for ratio, spread, ended in in_points(arguments.sweeps, generator):
        worst.append(float(ended.covered.mean()))
        bias = float(np.exp(ended.means).mean() / ratio - 1)
        print(f"{ratio:4.0%} {spread:20.1%} | {ended.blocks.mean():6.1f} | {worst[-1]:7.1%} | {bias:+.1%}", flush=True)
    sys.exit(min(worst) < LEAST_COVERAGE)


def given_early(most: int, sweeps: int, generator: np.random.Generator) -> Iterator[float]:
    """The least coverage over all spreads, and among those with which at least a half, 1/5 and 1/10 end early."""
    ends = [ended(generator.normal(0, spread, (sweeps, most)), 0.0, points=False) for spread in SPREADS]
    yield min(float(each.covered.mean()) for each in ends)
    for least in (0.5, 0.2, 0.1):
        yield min(float(each.covered[each.early].mean()) for each in ends if each.early.mean() >= least)


def in_points(sweeps: int, generator: np.random.Generator) -> Iterator[tuple[float, float, Ended]]:
    """Ratio, scatter and what became of sweeps that add blocks until the precision holds in points of the control."""
    for ratio in (1.0, 0.7, 0.4, 0.15):
        for points in (0.04, 0.08, 0.12):
            logs = generator.normal(np.log(ratio), points / ratio, (sweeps, 30))
            yield ratio, points / ratio, ended(logs, float(np.log(ratio)), points=True)


def ended(logs: Floats, true: float, *, points: bool) -> Ended:
    """Apply the rule to sweeps (rows) of all the blocks that they may have."""
    most, level = logs.shape[1], stopping.nominal_level(LEVEL)
    ends = np.full(len(logs), most)
    for blocks in range(most - 1, stopping.LEAST_BLOCKS - 1, -1):
        ends[stopping.narrow_enough(logs[:, :blocks], PRECISION, LEVEL, points=points)] = blocks
    means, covered = np.empty(len(logs)), np.empty(len(logs), dtype=bool)
    for blocks in np.unique(ends):
        these = ends == blocks
        low, high = paired.interval(logs[these, :blocks], level)
        means[these], covered[these] = (low + high) / 2, (low <= true) & (true <= high)
    return Ended(ends < most, ends, means, covered)


if __name__ == "__main__":
    main()
