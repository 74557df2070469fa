"""A small version of `benchmarks/bench_figures.py`: fewer sweeps, wider bars, the same simulation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks import bench_figures

Table = Callable[[int, np.random.Generator], Iterator[bench_figures.Line]]
SWEEPS = 1000


@functools.cache
def simulated(table: Table, sweeps: int) -> list[bench_figures.Line]:
    """A table's lines, for all tests that ask for them."""
    return list(table(sweeps, np.random.default_rng(1)))


def few_blocks(sweeps: int, generator: np.random.Generator) -> Iterator[bench_figures.Line]:
    """The saved seconds, whose intervals are searched for one by one, of as few blocks as get any."""
    return bench_figures.seconds(sweeps, generator, bench_figures.BLOCKS[:1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "sweeps"), [(few_blocks, 100), (bench_figures.counts, SWEEPS), (bench_figures.tails, SWEEPS)]
)
def test_the_figures_beside_the_ratios_hold(table: Table, sweeps: int) -> None:
    lines = simulated(table, sweeps)
    assert lines
    assert [line for line in lines if not line.kept] == []


@pytest.mark.slow
def test_the_bars_would_notice_what_the_report_does_not_show() -> None:
    alike = [line for line in simulated(bench_figures.tails, SWEEPS) if "alike" in line.world]
    assert min(line.shares[2] or 0 for line in alike) < bench_figures.bars(SWEEPS)[0]
    noisy = [line for line in simulated(bench_figures.counts, SWEEPS) if "five times" in line.world]
    assert min(line.shares[2] or 0 for line in noisy) > bench_figures.bars(SWEEPS)[2]
