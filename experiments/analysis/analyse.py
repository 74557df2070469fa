"""Everything that can be said of a sweep's records: figures, comparisons, trends, warnings and a headline. Pure.

Faces reports, notebooks and the command line; `findings` has the values. What a figure means and where its method is
from is written where it is computed, and in short in `Analysis.methods`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.analysis.cautions import cautions
from experiments.analysis.cells import STATE, Cell, cells, measured
from experiments.analysis.comparisons import Terms, compare
from experiments.analysis.effects import Pairs, pairs, primary_phases, round_medians
from experiments.analysis.findings import Analysis
from experiments.analysis.left_out import left_out
from experiments.analysis.methods import methods
from experiments.analysis.noise import SAMPLED, noise
from experiments.analysis.precision import look
from experiments.analysis.sentences import headline
from experiments.analysis.statistics import stopping
from experiments.analysis.trends import moved, trends
from experiments.plan.plan import Look
from experiments.records.origin import NOT_MEASURED
from experiments.records.phases import PRIMARY_PHASES
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd

MOST_REASONS = 30
"""Rows of what was left out; the rest is counted."""


def analyse(
    sweep: Sweep, tasks: pd.DataFrame, rounds: pd.DataFrame, *, level: float = 0.95, precision: float = 0.05
) -> Analysis:
    """What the `frames` of a sweep say; ``precision`` is the wanted relative half width of an interval.

    Any records will do, also none: what cannot be said is then a finding.
    """
    design, terms = sweep.plan.design, terms_for(sweep, level, precision)
    medians = round_medians(tasks)
    compared, figures = pairs(design, medians), cells(design, tasks, rounds)
    phases = {**dict.fromkeys(design.variants, PRIMARY_PHASES[0]), **_primary_phases(compared, figures)}
    comparisons, found_trends = compare(compared, terms, phases), trends(medians, rounds)
    last_look = _last_look(sweep, compared, rounds)
    reasons = left_out(tasks, rounds)
    target = sweep.key_metadata.get("target", sweep.outputs.target)
    return Analysis(
        sweep_id=sweep.id,
        target=target,
        simulated=target in NOT_MEASURED,
        headline=headline(comparisons, phases, design),
        primary_phases=phases,
        cells=figures,
        comparisons=comparisons,
        trends=found_trends,
        findings=(
            *cautions(sweep, tasks, rounds, comparisons, phases, last_look, terms.precision),
            *noise(measured(tasks[[*STATE, *SAMPLED]]), rounds, phases),
            *moved(found_trends, terms.level),
        ),
        left_out=tuple(reasons[:MOST_REASONS]),
        left_out_more=sum(row.count for row in reasons[MOST_REASONS:]),
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


def _primary_phases(compared: Sequence[Pairs], figures: Sequence[Cell]) -> dict[str, str]:
    """From what is compared; for a variant without any comparison, from what was measured of it."""
    of_cells = primary_phases((cell.variant, phase) for cell in figures for phase in cell.phases)
    return {**of_cells, **primary_phases((pair.variant, pair.phase) for pair in compared)}


def _last_look(sweep: Sweep, compared: Sequence[Pairs], rounds: pd.DataFrame) -> Look | None:
    """What the stopping rule saw last; None for a sweep without one."""
    rule = sweep.plan.stopping
    return None if rule is None else look(sweep.plan.design, rule, compared, int(rounds["block"].nunique()))
