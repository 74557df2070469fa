"""A sweep that adds blocks until its intervals are narrow enough, or its time is used up.

Faces `sweep`, which asks before each block, and the reports, which say why a sweep ended. The rule itself is in
`statistics.stopping`. What is decided comes from plan and records alone, so a resumed sweep decides the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.analysis.effects import Pairs, primary_phases
from experiments.analysis.statistics import stopping
from experiments.analysis.statistics.paired import LEAST_BLOCKS, half_width
from experiments.plan.plan import Design, Look, Stopping
from infra.outputs import CONTROL

LEVEL = 0.95


def look(design: Design, rule: Stopping, compared: Sequence[Pairs], blocks: int) -> Look:
    """How wide the intervals of the primary phases are; ``compared`` are the `pairs` of a sweep's ``blocks`` so far."""
    found = primary(compared)
    if len(found) < wanted_comparisons(design) or any(len(pair.seconds) < LEAST_BLOCKS for pair in found):
        return Look(blocks=blocks, wanted=rule.precision)
    return Look(
        blocks=blocks,
        wanted=rule.precision,
        widest=max(_relative_half_width(pair) for pair in found),
        narrow_enough=all(stopping.narrow_enough(pair.differences, rule.precision, LEVEL) for pair in found),
    )


def primary(compared: Sequence[Pairs]) -> list[Pairs]:
    """The pairs in the phase that each variant's verdict is about."""
    phases = primary_phases((pair.variant, pair.phase) for pair in compared)
    return [pair for pair in compared if pair.phase == phases[pair.variant]]


def wanted_comparisons(design: Design) -> int:
    """The number of comparisons of a primary phase: a sweep that lacks one is never precise enough."""
    forms = sum(form != CONTROL for form in design.forms)
    return len(design.variants) * len(design.task_counts) * forms


def _relative_half_width(pair: Pairs) -> float:
    differences = pair.differences
    level = stopping.nominal_level(LEVEL)
    return float(np.expm1(half_width(float(differences.std(ddof=1)), len(differences), level)))
