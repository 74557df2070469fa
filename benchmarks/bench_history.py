"""Simulate histories of sweeps: how often a change is found where there is none, and what is said of one that is found.

    python benchmarks/bench_history.py [FOUND [FIRST-ROW]]

Each sweep is one value: log-normal by day (5 %, or the same with heavy tails), or the ratio to a control of the same
day (2 %). A row goes on until FOUND changes were found (300), or 4,000 series were searched. No lab runs. The last
column is what Welch's interval holds, which knows nothing of the search.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

from experiments.analysis.statistics import between, changepoint, searched
from experiments.analysis.statistics.between import WITHIN
from experiments.analysis.statistics.paired import Floats

Noise = Callable[[np.random.Generator, int], Floats]
WORLDS: dict[str, Noise] = {
    "seconds, 5 % by day": lambda random, count: random.normal(0, 0.05, count),
    "ratio to control, 2 %": lambda random, count: random.normal(0, 0.02, count),
    "heavy tails (t, 3 degrees), 5 %": lambda random, count: 0.05 / 3**0.5 * random.standard_t(3, count),
}
SIZES = (0.03, 0.05, 0.08, 0.12, 0.20)
LENGTHS = (8, 12, 20)
MOST_SERIES = 4000
DRAWS = 199
HEADS = (
    "values",
    "sweeps",
    "changes",
    "found",
    "more than there are",
    "place within the range",
    "size within the interval",
    "interval excludes no change",
    "size within Welch's interval",
)


def main(wanted: int, first: int = 0) -> None:
    """Print the table as Markdown; each row has random numbers of its own, so that any can be made again alone."""
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    histories = [(world, *history) for world in WORLDS for history in _histories(only_short=world.startswith("heavy"))]
    for number, (world, count, steps) in enumerate(histories[first:], first):
        what = " and ".join(f"{size:.0%} from sweep {place + 1}" for place, size in steps) or "none"
        row = _tried(np.random.default_rng([1, number]), WORLDS[world], count, steps, wanted)
        print(f"| {world} | {count} | {what} | {' | '.join(row)} |", flush=True)


Steps = tuple[tuple[int, float], ...]


def _histories(*, only_short: bool) -> Iterator[tuple[int, Steps]]:
    for count in LENGTHS[1:2] if only_short else LENGTHS:
        yield count, ()
        for place in (count // 2, count - 3):
            yield from ((count, ((place, size),)) for size in SIZES)
    if not only_short:
        yield 24, ((8, 0.12), (16, 0.12))
        yield 24, ((8, 0.12), (16, -0.05))


def _tried(random: np.random.Generator, noise: Noise, count: int, steps: Steps, wanted: int) -> tuple[str, ...]:
    """Judge the split that is nearest to each true change, however far it is."""
    series = found = more = placed = covered = clear = alone = 0
    while found < wanted and series < MOST_SERIES:
        series += 1
        values = noise(random, count)
        for place, size in steps:
            values[place:] += np.log1p(size)
        splits = changepoint.splits(values, draws=DRAWS)
        more += len(splits) > len(steps)
        edges = [0, *(split.index for split in splits), count]
        for place, size in _one_of(steps, series):
            if not splits:
                continue
            number = min(range(len(splits)), key=lambda each: abs(splits[each].index - place))
            start, index, end = edges[number], edges[number + 1], edges[number + 2]
            seen = searched.found(values[start:end], index - start, splits[number].level)
            low, high = between.interval(values[start:index], values[index:end], WITHIN, 0.95)
            found += 1
            placed += seen.earliest <= place - start <= seen.latest
            covered += seen.low <= np.log1p(size) <= seen.high
            clear += not seen.low <= 0 <= seen.high
            alone += low <= np.log1p(size) <= high
    if not steps:
        return f"{more / series:.1%}", f"{more / series:.1%}", *("-",) * 4
    parts = (f"{part / found:.0%}" if found else "-" for part in (placed, covered, clear, alone))
    return f"{found / series:.0%}", f"{more / series:.1%}", *parts


def _one_of(steps: Steps, number: int) -> Steps:
    """The changes of a series take turns, so that those judged are independent."""
    return (steps[number % len(steps)],) if steps else ()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["300"]))
