"""How many rounds may be of a kind that none of a sweep's blocks met. Pure.

The one-sided exact limit of a share of which none was seen (Clopper and Pearson, Biometrika 26, 1934; at 5 % about
3 / blocks: Hanley and Lippman-Hand, If Nothing Goes Wrong, Is Everything All Right?, JAMA 249, 1983).
"""

from __future__ import annotations

LEVEL = 0.95
LEAST_BLOCKS = 8
"""With fewer blocks a second value, or none, looks the same too often: of sweeps whose form takes 2.2 or 3.1 s, the
second in 1 of 5 rounds, 21 % had an interval beside the mean and no warning at 5 blocks, 7 % at 8, 4 % at 10
(`benchmarks/bench_coverage.py`)."""


def unseen(blocks: int) -> float:
    """Return the largest share of rounds that could be of another kind although none of ``blocks`` blocks met it."""
    return float(1 - (1 - LEVEL) ** (1 / blocks))
