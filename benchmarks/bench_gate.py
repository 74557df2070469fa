"""Simulate the gate of docs/ci.md: how often it fails where nothing changed, and where starts became slower.

    python benchmarks/bench_gate.py [PULL_REQUESTS]

Both images in one sweep, against two sweeps, without and with other sweeps of the same images in the store. Blocks of a
sweep vary by 15 % and single rounds by 3 %; sweeps as a whole vary by what the table says, which cancels within one
sweep. The gate is the real one (`experiments.compare`), with its default limit of 5 %. No lab runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product

import numpy as np

from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs
from experiments.analysis.findings import Comparison
from experiments.analysis.statistics.between import estimate
from experiments.compare.samples import Blocks, Row, Samples
from experiments.compare.versus import Change, judged

LIMIT, SLOWER = 0.05, 0.25
BLOCK, ROUND = 0.15, 0.03
SWEEPS_DIFFER = (0.0, 0.05, 0.10, 0.15)
BLOCKS = (3, 5)
OTHERS = (0, 1, 4)
"""Other sweeps of each image."""
_NAMES = {0: "two sweeps", 1: "two sweeps, one other of each image", 4: "two sweeps, four others of each image"}
PHASES = ("boot", "pull")
Fails = Callable[[np.random.Generator, int, float, float], bool]


def main(pull_requests: int) -> None:
    """Print the table as Markdown."""
    ways: list[tuple[str, Fails, float]] = [("one sweep", one_sweep, differ) for differ in SWEEPS_DIFFER[-1:]]
    ways += [(_NAMES[others], _two(others), differ) for others, differ in product(OTHERS, SWEEPS_DIFFER)]
    blocks_each = " and ".join(map(str, BLOCKS))
    print(f"| Images measured in | Sweeps differ by | Fails though nothing changed, {blocks_each} blocks |", end="")
    print(f" Fails at {SLOWER:.0%} slower, {blocks_each} blocks |\n|---|---|---|---|")
    for name, fails, differ in ways:
        random = np.random.default_rng(1)
        shares = [
            sum(fails(random, blocks, differ, slower) for _ in range(pull_requests)) / pull_requests
            for slower, blocks in product((0.0, SLOWER), BLOCKS)
        ]
        false, true = (" / ".join(f"{100 * share:.1f}" for share in part) for part in (shares[:2], shares[2:]))
        print(f"| {name} | {differ:.0%} | {false} % | {true} % |", flush=True)


def one_sweep(random: np.random.Generator, blocks: int, differ: float, slower: float) -> bool:
    """Rounds of both images next to each other in each block."""
    pairs = []
    for phase in PHASES:
        shared = random.normal(0, differ) + random.normal(0, BLOCK, blocks)
        before, after = (shared + random.normal(0, ROUND, blocks) for _ in "ab")
        pairs.append(_pair(phase, np.exp(before), np.exp(after + np.log1p(slower))))
    return _fails(compare(pairs, Terms(), {"after": PHASES[0]})[0])


def _two(others: int) -> Fails:
    def two_sweeps(random: np.random.Generator, blocks: int, differ: float, slower: float) -> bool:
        def sweep(change: float) -> np.ndarray:
            return (
                np.log1p(change)
                + random.normal(0, differ)
                + random.normal(0, BLOCK, blocks)
                + random.normal(0, ROUND, blocks)
            )

        samples = []
        for phase in PHASES:
            groups = [[sweep(change) for _ in range(1 + others)] for change in (0.0, slower)]
            before, after = groups[0][0], groups[1][0]
            row = Row("web", "plain", 1, phase)
            samples.append(Samples(row, Blocks(before), Blocks(after), estimate(groups)))
        return _fails(judged(samples, Terms())[0])

    return two_sweeps


def _pair(phase: str, before: np.ndarray, after: np.ndarray) -> Pairs:
    return Pairs("after", "plain", "before", "plain", 1, phase, after, before)


def _fails(found: Comparison | Change) -> bool:
    """As `gate.judge` decides of a primary phase."""
    return found.verdict == "slower" and found.interval is not None and found.interval.low >= 1 + LIMIT


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
