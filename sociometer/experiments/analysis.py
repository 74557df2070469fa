"""Everything that can be said of a sweep's records: figures, comparisons, trends, warnings and one sentence. Pure.

Faces report, comparison, notebooks and the command line; `findings` has the values. What a figure means and where its
method is from is written where it is computed, and in short in `Analysis.methods`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sociometer.experiments.comparisons import Terms, compare
from sociometer.experiments.effects import pairs, round_medians
from sociometer.experiments.findings import Analysis
from sociometer.experiments.schema import Sweep
from sociometer.experiments.sentences import headline
from sociometer.experiments.summary import cells

if TYPE_CHECKING:
    import pandas as pd

NOT_MEASURED = ("sim", "fake")
"""Targets whose figures are made up."""


def analyse(
    sweep: Sweep, tasks: pd.DataFrame, rounds: pd.DataFrame, *, level: float = 0.95, precision: float = 0.05
) -> Analysis:
    """What the `frames` of a sweep say; ``precision`` is the wanted relative half width of an interval."""
    design = sweep.plan.design
    medians = round_medians(tasks)
    terms = Terms(level=level, precision=precision, nominal_level=level)
    comparisons = compare(pairs(design, medians), terms)
    target = sweep.key_metadata.get("target", sweep.outputs.target)
    return Analysis(
        sweep_id=sweep.id,
        target=target,
        simulated=target in NOT_MEASURED,
        headline=headline(comparisons, design),
        cells=cells(design, tasks, rounds),
        comparisons=comparisons,
        trends=(),
        findings=(),
        methods=(),
    )
