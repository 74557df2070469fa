"""A gate on a slow-down: two images in one sweep, or two sweeps; how often it fails in vain, and how often in need.

    python benchmarks/bench_gate.py [--sweeps 1000] [--seed 1]

Each line has a noise level: how much blocks vary, and how much whole sweeps do (another day, another machine). In one
sweep, both images run in each block (`comparisons`); two sweeps are compared as `compare` does (`versus`), without
other sweeps to learn from. The gate fails if an image is called slower. Shares of simulated pairs at 3, 5 and 10
blocks: without a difference, and with an image that is 25 % slower.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.simulated import Floats
from experiments.analysis.comparisons import Terms
from experiments.analysis.comparisons import compare as compare_within
from experiments.analysis.effects import Pairs
from experiments.compare.samples import Blocks, Row, Samples
from experiments.compare.versus import changes

NOISE = ((0.05, 0.0), (0.05, 0.05), (0.15, 0.15))
"""Standard deviations of logarithms: of blocks, and of sweeps."""
ROUND = 0.04
BLOCKS = (3, 5, 10)
SLOWER = float(np.log(1.25))


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    print(
        "blocks vary, sweeps vary | in one sweep: in vain, in need | two sweeps: in vain, in need (3 / 5 / 10 blocks)"
    )
    for block, sweep in NOISE:
        shares = {
            (together, effect): " / ".join(
                f"{failing(block, sweep, blocks, effect, together, arguments.sweeps, generator):.0%}"
                for blocks in BLOCKS
            )
            for together in (True, False)
            for effect in (0.0, SLOWER)
        }
        print(
            f"{block:11.0%} {sweep:12.0%} | {'   '.join(shares[True, effect] for effect in (0.0, SLOWER))} | "
            f"{'   '.join(shares[False, effect] for effect in (0.0, SLOWER))}",
            flush=True,
        )


def failing(
    block: float, sweep: float, blocks: int, effect: float, together: bool, sweeps: int, generator: np.random.Generator
) -> float:
    """The share of pairs of images of which the second is called slower."""
    return float(
        np.mean([_slower(*_pair(block, sweep, blocks, effect, together, generator), together) for _ in range(sweeps)])
    )


def _pair(
    block: float, sweep: float, blocks: int, effect: float, together: bool, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """The logarithms of both images' rounds."""
    hours = generator.normal(0, block, (2, blocks))
    days = generator.normal(0, sweep, (2, 1))
    if together:
        hours[1], days[1] = hours[0], days[0]
    logs = 1.0 + hours + days + generator.normal(0, ROUND, (2, blocks))
    return logs[0], logs[1] + effect


def _slower(before: Floats, after: Floats, together: bool) -> bool:
    if together:
        pair = Pairs("after", "plain", "before", "plain", 1, "boot", np.exp(after), np.exp(before))
        (compared,) = compare_within([pair], Terms(), {"after": "boot"})
        return compared.verdict == "slower"
    row = Row("image", "plain", 1, "pull")  # of a primary phase, what the pair could catch would be simulated as well
    (changed,) = changes([Samples(row, Blocks(before), Blocks(after))], Terms(), 0.0)
    return changed.verdict == "slower"


if __name__ == "__main__":
    main()
