"""A sweep that adds blocks until its intervals are narrow enough, or its time is used up.

Faces `sweep`, which asks before each block, and the reports, which say why a sweep ended. The rule itself is in
`statistics.stopping`. What is decided comes from plan and records alone, so a resumed sweep decides the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from experiments.analysis.effects import Pairs, pairs, primary_phase, round_medians
from experiments.analysis.statistics import stopping
from experiments.analysis.statistics.paired import LEAST_BLOCKS, half_width
from experiments.plan.plan import Design, Look, Stopping
from infra.outputs import CONTROL

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95


def look(design: Design, rule: Stopping, tasks: pd.DataFrame) -> Look:
    """How wide the intervals of the primary phases are, from the `frames` of a sweep so far."""
    found = primary(pairs(design, round_medians(tasks)))
    blocks = int(tasks["block"].nunique())
    if len(found) < wanted_comparisons(design) or any(len(pair.seconds) < LEAST_BLOCKS for pair in found):
        return Look(blocks=blocks, wanted=rule.precision)
    return Look(
        blocks=blocks,
        wanted=rule.precision,
        widest=max(_relative_half_width(pair) for pair in found),
        narrow_enough=all(stopping.narrow_enough(pair.differences, rule.precision, LEVEL) for pair in found),
    )


def primary(found: Iterable[Pairs]) -> list[Pairs]:
    """The pairs in the phase that each variant's verdict is about."""
    known = list(found)
    return [pair for pair in known if pair.phase == primary_phase(known, pair.variant)]


def wanted_comparisons(design: Design) -> int:
    """The number of comparisons of a primary phase: a sweep that lacks one is never precise enough."""
    forms = sum(form != CONTROL for form in design.forms)
    return len(design.variants) * len(design.task_counts) * forms


def _relative_half_width(pair: Pairs) -> float:
    differences = pair.differences
    level = stopping.nominal_level(LEVEL)
    return float(np.expm1(half_width(float(differences.std(ddof=1)), len(differences), level)))
