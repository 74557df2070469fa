"""What a race gets wrong, and what it saves: thousands of races with known truth, by the rule that `tune` follows.

A world has forms with true seconds to ready, a spread of each form's seconds within a block (of the logarithm), and a
spread that a block's rounds share, which pairing removes. A round takes 4 s more than its start. The table says, of all
races of a world:

- how often the truly fastest form was dropped, with a form that was more than 1 % slower chosen;
- by how much the chosen form is slower than the fastest, on average and in 19 of 20 races; and how much slower is what
  a full sweep in the same time chooses, which has as many blocks as fit, by its lowest mean;
- how often the 95 % interval of the chosen form against `soci-v2` covers the true ratio, and how often an interval
  from the racing blocks would, which chose it;
- the time against a sweep of all forms in as many blocks as the chosen form ran.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from experiments.analysis.race import Seen, logs, standing
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats, interval
from experiments.plan.race import Race

RACES = 1000
LEVEL = 0.95
OVERHEAD_SECONDS = 4.0
BLOCK_SPREAD = 0.1
INDIFFERENT = 0.01
"""Nobody is harmed by a form that is so little slower."""
MINUTES = 10.0
"""For the rounds alone: what is left of 15 minutes after the trace and the making of the forms."""


@dataclass(frozen=True)
class World:
    """True seconds to ready by form, in order of preference, and the spread of each."""

    name: str
    seconds: dict[str, float]
    spread: dict[str, float]


class Ran(NamedTuple):
    """What one race gave."""

    best_dropped: bool
    regret: float
    covers: bool | None
    naive_covers: bool | None
    seconds: float
    full_seconds: float
    full_regret: float


def world(name: str, seconds: list[float], spread: float = 0.04, **other: float) -> World:
    """A world with the usual forms; ``other`` are spreads of single ones."""
    names = ["plain", "soci-v2", *(f"form-{number}" for number in range(len(seconds) - 2))]
    return World(name, dict(zip(names, seconds, strict=True)), {**dict.fromkeys(names, spread), **other})


PYTHON = [40, 12.3, 14.2, 12.0, 9.5, 9.2, 8.3, 8.5, 8.6, 35]
NODE = [30, 7.4, 7.4, 7.3, 6.3, 6.1, 5.5, 5.6, 5.7, 28]
WORLDS = (
    world("Python image, 1 vCPU", PYTHON),
    world("the same, twice the spread", PYTHON, 0.08),
    world("the same, plain and zstd wild", PYTHON, 0.04, plain=0.25, **{"form-7": 0.25}),
    world("Node image, 1 vCPU", NODE),
    world("Python image, 0.25 vCPU", [45, 17.8, 18.5, 17.8, 18.2, 17.1, 16.6, 16.6, 16.9, 40]),
    world("plain is best", [5, 6, 6.5, 6, 5.8, 5.8, 5.8, 5.8, 5.9, 4.98]),
    world("all the same", [8.0] * 10),
    world("one better by 5 %", [8.0] * 9 + [7.6]),
    world("two forms", [12, 9]),
)


def run(world: World, generator: np.random.Generator) -> Ran:
    """One race to its end."""
    forms = tuple(world.seconds)
    race = Race(image="", forms=forms, references=forms[:2], budget_seconds=60 * MINUTES)
    times: dict[int, dict[str, Seen]] = {}
    while (now := standing(race, times)).next_forms:
        times[len(times)] = block(world, now.next_forms, generator)
    best = min(world.seconds, key=world.seconds.__getitem__)
    chosen = now.chosen or forms[0]
    seconds = sum(seen.wall_seconds for each in times.values() for seen in each.values())
    one_block = sum(world.seconds.values()) + OVERHEAD_SECONDS * len(forms)
    fitting = max(1, int(seconds / one_block))
    full = {number: block(world, forms, generator) for number in range(fitting)}
    full_best = forms[int(np.argmin(logs(full, forms, range(fitting)).mean(axis=1)))]
    return Ran(
        best in now.dropped and regret(world, chosen) > INDIFFERENT,
        regret(world, chosen),
        covered(world, times, chosen, range(now.raced, len(times))),
        covered(world, times, chosen, range(now.raced)),
        seconds,
        one_block * sum(chosen in each for each in times.values()),
        regret(world, full_best),
    )


def block(world: World, forms: tuple[str, ...], generator: np.random.Generator) -> dict[str, Seen]:
    """The rounds of one block."""
    shared = generator.normal(0, BLOCK_SPREAD)
    seconds = {it: world.seconds[it] * math.exp(shared + generator.normal(0, world.spread[it])) for it in forms}
    return {form: Seen(value, value + OVERHEAD_SECONDS) for form, value in seconds.items()}


def regret(world: World, form: str) -> float:
    """By how much a form is slower than the best."""
    return world.seconds[form] / min(world.seconds.values()) - 1


def covered(world: World, times: dict[int, dict[str, Seen]], chosen: str, blocks: range) -> bool | None:
    """Whether the interval of these blocks covers the true ratio; None without one."""
    if chosen == "soci-v2":
        return None
    values: Floats = logs(times, (chosen, "soci-v2"), blocks) if len(blocks) else np.empty((2, 0))
    differences = values[0] - values[1]
    differences = differences[~np.isnan(differences)]
    if len(differences) < LEAST_BLOCKS:
        return None
    low, high = interval(differences, LEVEL)
    return bool(low <= math.log(world.seconds[chosen] / world.seconds["soci-v2"]) <= high)


def share(values: list[bool | None]) -> str:
    """The part that is true of those that are known."""
    known = [value for value in values if value is not None]
    return f"{100 * sum(known) / len(known):.1f} %" if len(known) > len(values) / 20 else "-"


def main() -> None:
    """Print the table."""
    generator = np.random.default_rng(1)
    races = int(sys.argv[1]) if len(sys.argv) > 1 else RACES
    heads = ("fastest dropped", "chosen slower by", "19 of 20", "full sweep's", "covers", "racing blocks'", "time")
    sys.stdout.write(f"{races} races of {MINUTES:g} minutes each\n\n| World | {' | '.join(heads)} |\n")
    sys.stdout.write(f"|---|{'---|' * len(heads)}\n")
    for each in WORLDS:
        ran = [run(each, generator) for _ in range(races)]
        regrets = np.array([it.regret for it in ran])
        cells = (
            share([it.best_dropped for it in ran]),
            f"{100 * regrets.mean():.1f} %",
            f"{100 * np.quantile(regrets, 0.95):.1f} %",
            f"{100 * np.mean([it.full_regret for it in ran]):.1f} %",
            share([it.covers for it in ran]),
            share([it.naive_covers for it in ran]),
            f"{np.mean([it.seconds for it in ran]) / np.mean([it.full_seconds for it in ran]):.2f} x",
        )
        sys.stdout.write(f"| {each.name} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
