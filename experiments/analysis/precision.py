"""Decide whether a sweep's intervals are narrow enough to stop adding blocks.

Faces `sweep`, which asks before each block, and the reports, which say why a sweep ended. `statistics.stopping` has
the rule. The decision depends only on plan and records, so a resumed sweep decides the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.analysis.effects import Pairs, primary_phases
from experiments.analysis.statistics import stopping
from experiments.analysis.statistics.paired import LEAST_BLOCKS, deviation, half_width
from experiments.plan.plan import Design, Look, Stopping

LEVEL = 0.95


def look(design: Design, rule: Stopping, compared: Sequence[Pairs], blocks: int) -> Look:
    """Measure the intervals of the primary phases; ``compared`` are the `pairs` of a sweep's ``blocks`` so far."""
    pairs = primary(compared)
    if len(pairs) < wanted_comparisons(design) or any(len(pair.seconds) < LEAST_BLOCKS for pair in pairs):
        return Look(blocks=blocks, wanted=rule.precision)
    return Look(
        blocks=blocks,
        wanted=rule.precision,
        widest=max(_half_width(pair, points=bool(rule.points)) for pair in pairs),
        narrow_enough=all(
            stopping.narrow_enough(
                pair.differences, rule.precision, LEVEL, pair.least_deviation, points=bool(rule.points)
            )
            for pair in pairs
        ),
    )


def primary(compared: Sequence[Pairs]) -> list[Pairs]:
    """Return the pairs of each variant's primary phase."""
    phases = primary_phases((pair.variant, pair.phase) for pair in compared)
    return [pair for pair in compared if pair.phase == phases[pair.variant]]


def wanted_comparisons(design: Design) -> int:
    """Return the number of comparisons of a primary phase: a sweep that lacks one is never precise enough."""
    compared = sum(design.against.of(*treatment) is not None for treatment in design.treatments)
    return compared * len(design.task_counts)


def _half_width(pair: Pairs, *, points: bool) -> float:
    """Relative to the treatment's time, or in points of the control's."""
    differences = pair.differences
    level = stopping.nominal_level(LEVEL)
    relative = float(np.expm1(half_width(deviation(differences, pair.least_deviation), len(differences), level)))
    return relative * float(np.exp(differences.mean())) if points else relative
