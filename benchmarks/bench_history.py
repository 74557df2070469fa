"""Simulate histories of sweeps: how often a change is found where there is none, and where there is one.

    python benchmarks/bench_history.py [SERIES]

Each sweep is one value: log-normal by day (5 %), or as the ratio to a control of the same day (2 %). No lab runs.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np

from experiments.analysis.statistics import changepoint, unpaired

NOISE = {"seconds, 5 % by day": 0.05, "ratio to control, 2 %": 0.02}
EFFECTS = (0.05, 0.10, 0.20)
LENGTHS = (8, 12, 20)


def main(series: int) -> None:
    """Print the table as Markdown."""
    random = np.random.default_rng(1)
    print("| values | sweeps | change | found | new release in the range | interval holds the truth, if found |")
    print("|---|---|---|---|---|---|")
    for (name, noise), sweeps in product(NOISE.items(), LENGTHS):
        for after, effect in ((0, 0.0), *product((sweeps // 2, 3), EFFECTS)):
            row = _tried(random, series, noise, sweeps, after, effect)
            what = f"{effect:.0%}, last {after} sweeps" if effect else "none"
            print(f"| {name} | {sweeps} | {what} | {' | '.join(row)} |", flush=True)


def _tried(
    random: np.random.Generator, series: int, noise: float, sweeps: int, after: int, effect: float
) -> tuple[str, str, str]:
    found = placed = covered = 0
    for _ in range(series):
        values = random.normal(0, noise, sweeps)
        values[sweeps - after :] += np.log1p(effect)
        splits = changepoint.splits(values, draws=199)
        if not splits:
            continue
        found += 1
        last = splits[-1]
        start = splits[-2].index if len(splits) > 1 else 0
        low, high = unpaired.interval(values[start : last.index], values[last.index :], 0.95)
        placed += last.earliest <= sweeps - after <= last.latest
        covered += low <= np.log1p(effect) <= high
    if not effect:
        return f"{found / series:.1%}", "-", "-"
    return f"{found / series:.0%}", *(f"{part / found:.0%}" if found else "-" for part in (placed, covered))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
