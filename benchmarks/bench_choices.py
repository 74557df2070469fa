"""Two choices of the analysis, shown: up to how many blocks to borrow a spread, and Student's t or Hodges and Lehmann.

    python benchmarks/bench_choices.py [--sweeps 1000] [--seed 1]

Borrowing: the corrected test below 6 blocks takes part of its variance from the comparisons of the same phase. The
table has, for 6 to 8 blocks with and without, the share of A/A sweeps called different, and the share of true effects
of the primary phase (twice the usual spread of a block's difference) that get a verdict; of the noisiest apart. Then
the interval of Hodges and Lehmann beside ours: how often both hold the usual start's ratio, and its median width as a
share of ours.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from benchmarks.coverage_rows import covered, whole
from benchmarks.estimators import LEVEL, corrected, different, hodges_lehmann_interval
from benchmarks.simulated import PRIMARY, Floats, scatter
from benchmarks.worlds import NOT_NORMAL, WORLDS, World, same_image
from experiments.analysis.statistics import moderated, paired

BORROWING = ("quiet", "noisy blocks", "one of 4 five times as noisy", "one of 8 five times as noisy", "144 comparisons")
ROBUST = ("quiet", "heavy tails (t, 3 degrees)", "form of 20-fold variance")
EFFECT = 2.0


def main() -> None:
    """Simulate and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    print(f"{'world':32} {'blocks':>6} | A/A own, borrowed | found own, borrowed | noisiest own, borrowed")
    for world in (each for each in WORLDS if each.name in BORROWING):
        for blocks in (6, 7, 8):
            shares = " | ".join(
                f"{own:7.1%} {lent:7.1%}" for own, lent in borrowing(world, blocks, arguments.sweeps, generator)
            )
            print(f"{world.name:32} {blocks:6} | {shares}", flush=True)
    print(f"\n{'world':32} {'blocks':>6} | ours covers, Hodges-Lehmann covers, its width")
    for world in (*(each for each in WORLDS if each.name in ROBUST), *NOT_NORMAL[:2], *NOT_NORMAL[3:4]):
        for blocks in (8, 10, 14):
            ours, other, width = robust(world, blocks, arguments.sweeps, generator)
            print(f"{world.name:32} {blocks:6} | {ours:7.1%} {other:7.1%} {width:7.0%}", flush=True)


def borrowing(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> Iterator[tuple[float, float]]:
    """A/A shares, shares of effects found, and those of the noisiest comparison, each without and with borrowing."""
    _, same = whole(same_image(world), blocks, sweeps, generator)
    yield tuple(different(adjusted(same, borrow)) for borrow in (False, True))
    effect = EFFECT * float(np.median(same[:, :, PRIMARY].std(axis=-1, ddof=1)))
    found = [adjusted(same - effect, borrow) <= 1 - LEVEL for borrow in (False, True)]
    found = [each.reshape(same.shape[:3])[:, :, PRIMARY] for each in found]
    yield tuple(float(each.mean()) for each in found)
    yield tuple(float(each[:, int(np.argmax(scatter(world)))].mean()) for each in found)


def adjusted(logs: Floats, borrow: bool) -> Floats:
    """Corrected p-values: sweeps x all comparisons."""
    alone = paired.p_value(logs)
    pooled = logs.var(axis=-1, ddof=1).mean(axis=1, keepdims=True)
    tested = corrected(moderated.p_value(logs, pooled) if borrow else alone)
    return np.maximum(tested, alone.reshape(len(alone), -1))


def robust(world: World, blocks: int, sweeps: int, generator: np.random.Generator) -> tuple[float, float, float]:
    """How often our interval and the other hold the usual start's ratio, and the other's width as a share of ours."""
    logs = whole(world, blocks, sweeps, generator)[1][:, :, PRIMARY]
    ours, other = paired.interval(logs, LEVEL), hodges_lehmann_interval(logs)
    width = float(np.median((other[1] - other[0]) / (ours[1] - ours[0])))
    return covered(*ours, world.effect), covered(*other, world.effect), width


if __name__ == "__main__":
    main()
