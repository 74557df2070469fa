"""Everything that can be said of a sweep's records: figures, comparisons, trends, warnings and one sentence. Pure.

Faces report, comparison, notebooks and the command line; `findings` has the values. What a figure means and where its
method is from is written where it is computed, and in short in `Analysis.methods`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.analysis.cautions import cautions
from experiments.analysis.cells import STATE, cells, measured
from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import pairs, round_medians
from experiments.analysis.findings import Analysis, Comparison, Finding, Trend
from experiments.analysis.methods import methods
from experiments.analysis.noise import SAMPLED, bimodal, moved, outliers, overloaded
from experiments.analysis.sentences import headline
from experiments.analysis.statistics import stopping
from experiments.analysis.trends import trends
from experiments.records.origin import NOT_MEASURED
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd


def analyse(
    sweep: Sweep, tasks: pd.DataFrame, rounds: pd.DataFrame, *, level: float = 0.95, precision: float = 0.05
) -> Analysis:
    """What the `frames` of a sweep say; ``precision`` is the wanted relative half width of an interval.

    Any records will do, also none: what cannot be said is then a finding.
    """
    design = sweep.plan.design
    terms = terms_for(sweep, level, precision)
    medians = round_medians(tasks)
    comparisons = compare(pairs(design, medians), terms)
    found_trends = trends(medians, rounds)
    target = sweep.key_metadata.get("target", sweep.outputs.target)
    return Analysis(
        sweep_id=sweep.id,
        target=target,
        simulated=target in NOT_MEASURED,
        headline=headline(comparisons, design),
        cells=cells(design, tasks, rounds),
        comparisons=comparisons,
        trends=found_trends,
        findings=tuple(_findings(sweep, tasks, rounds, comparisons, found_trends, terms)),
        methods=methods(stopped=sweep.plan.stopping is not None),
    )


def terms_for(sweep: Sweep, level: float, precision: float) -> Terms:
    """What is asked of a sweep's comparisons; one that may have stopped early pays for its looks."""
    if sweep.plan.stopping is None:
        return Terms(level=level, precision=precision, nominal_level=level)
    return Terms(
        level=level,
        precision=sweep.plan.stopping.precision,
        nominal_level=stopping.nominal_level(level),
        p_factor=stopping.P_FACTOR,
    )


def _findings(
    sweep: Sweep,
    tasks: pd.DataFrame,
    rounds: pd.DataFrame,
    comparisons: Sequence[Comparison],
    found_trends: Sequence[Trend],
    terms: Terms,
) -> Iterator[Finding]:
    yield from cautions(sweep, tasks, rounds, comparisons, terms.precision)
    in_figures = measured(tasks[[*STATE, *SAMPLED]])
    yield from overloaded(rounds)
    yield from bimodal(in_figures)
    yield from outliers(in_figures)
    yield from moved(found_trends, terms.level)
