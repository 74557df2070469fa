"""The worlds of `bench_coverage`: what is true of a simulated sweep, and what disturbs it. Values only.

Standard deviations and effects are those of logarithms. What is called of the form alone is of the control as well in
an A/A sweep, which has the same image on both sides (`same_image`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

GAP = float(np.log(3.1 / 2.2))
"""Pulls that take 2.2 or 3.1 s."""
STALL = float(np.log(3))


@dataclass(frozen=True)
class World:
    """The truth: standard deviations, drift over the whole sweep, how far the machine wanders in a block, how much
    noisier some comparisons are (repeated over the cells), and the logarithm of the ratio."""

    name: str
    block: float = 0.10
    round: float = 0.05
    task: float = 0.05
    drift: float = 0.0
    wander: float = 0.0
    tasks: int = 4
    cells: int = 4
    form_noise: float = 1.0
    heavy: bool = False
    scatter: tuple[float, ...] = (1.0,)
    effect: float = float(np.log(0.8))
    alike: float = 0.7
    """Correlation of the round effects of a round's phases."""
    together: float = 0.0
    """Correlation of the round effects of a block's cells."""
    varying: float = 0.0
    """How much the effect itself varies from block to block."""
    step: float = 0.0
    """From the sweep's middle on, everything takes this much longer."""
    stalls: float = 0.0
    """Share of the form's rounds that take `STALL` longer."""
    second_by_round: float = 0.0
    """Share of the form's rounds that take `GAP` longer: the second of two values."""
    second_by_task: float = 0.0
    """The same of tasks."""
    time_outs: float = 0.0
    """Share of the form's tasks that never boot."""
    both_sides: bool = False
    """Stalls, second values and time-outs come in the control's rounds as well."""

    @property
    def is_normal(self) -> bool:
        """Whether the blocks' differences vary about `effect`: then their mean is the truth."""
        return not (self.stalls or self.second_by_round or self.second_by_task or self.time_outs)


def same_image(world: World) -> World:
    """The world of an A/A sweep: no effect, and what is not normal happens on both sides."""
    return replace(world, effect=0.0, both_sides=True)


WORLDS = (
    World("quiet", block=0.02, round=0.02, task=0.03),
    World("noisy blocks", block=0.30),
    World("tasks alike within rounds", round=0.15, task=0.02, tasks=8),
    World("drift of 30 %", drift=0.30),
    World("wandering machine", wander=0.10),
    World("form three times as noisy", form_noise=3.0),
    World("heavy tails (t, 3 degrees)", heavy=True),
    World("2, 4 and 8 % by task count", round=0.013, task=0.01, cells=6, scatter=(1, 2, 4)),
    World("2, 4 and 8 %, 12 alike", round=0.013, task=0.01, cells=12, scatter=(1, 2, 4)),
    World("one of 4 five times as noisy", round=0.02, task=0.03, scatter=(1, 1, 1, 5)),
    World("one of 8 five times as noisy", round=0.02, task=0.03, cells=8, scatter=(1,) * 7 + (5,)),
    World("one of 4 fifty times as noisy", round=0.005, task=0.005, scatter=(1, 1, 1, 50)),
    World("step of 30 % in the middle", step=0.30),
    World("form of 20-fold variance", form_noise=20**0.5),
    World("effect varies by 10 % by block", varying=0.10),
    World("phases and cells alike (0.95)", alike=0.95, together=0.95),
    World("144 comparisons", cells=36),
)
NOT_NORMAL = (
    World("stalls x3, 5 % of rounds, form", stalls=0.05),
    World("stalls x3, 5 % of rounds, both", stalls=0.05, both_sides=True),
    World("2.2 or 3.1 s, half of rounds", second_by_round=0.5, round=0.02, task=0.03),
    World("2.2 or 3.1 s, 1 in 5 rounds", second_by_round=0.2, round=0.02, task=0.03),
    World("2.2 or 3.1 s, half of tasks", second_by_task=0.5, tasks=8),
    World("2.2 or 3.1 s, 1 in 5 tasks", second_by_task=0.2, tasks=8),
    World("10 % of tasks time out", time_outs=0.10, tasks=8),
)
STOPPING_WORLDS = tuple(
    World(f"{cells} at once, rounds' spread {round_:.1%}", round=round_, drift=0.05, cells=cells)
    for cells in (1, 4)
    for round_ in (0.01, 0.03, 0.045, 0.06, 0.075)
)
"""The harm of stopping depends on the spread divided by the requested width; a single comparison is the worst case."""
