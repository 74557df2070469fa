"""Analyse a sweep's records: figures, comparisons, trends, warnings and a headline. Pure.

Faces reports, notebooks and the command line; `findings` defines the values. Each figure is explained and its method
cited where it is computed; `Analysis.methods` has the short version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.analysis.because import explanations
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
from experiments.analysis.why import Limits, explain
from experiments.plan.plan import Look
from experiments.records.origin import NOT_MEASURED
from experiments.records.phases import PRIMARY_PHASES
from experiments.records.reads import Reads
from experiments.store.sweeps import Sweep

if TYPE_CHECKING:
    import pandas as pd

MOST_REASONS = 30
"""The number of `left_out` rows that an analysis lists; it only counts the tasks and rounds of the others."""


def analyse(
    sweep: Sweep,
    tasks: pd.DataFrame,
    rounds: pd.DataFrame,
    *,
    reads: Sequence[Reads] = (),
    level: float = 0.95,
    precision: float = 0.05,
) -> Analysis:
    """Analyse the `frames` of a sweep; ``precision`` is the wanted relative half width of an interval, ``reads`` what
    is known of what the boots read.

    Accepts any records, even none: what they cannot show becomes a finding.
    """
    design, terms = sweep.plan.design, terms_for(sweep, level, precision)
    medians = round_medians(tasks)
    all_pairs, all_cells = pairs(design, medians), cells(design, tasks, rounds)
    phases = {**dict.fromkeys(design.variants, PRIMARY_PHASES[0]), **_primary_phases(all_pairs, all_cells)}
    comparisons, all_trends = compare(all_pairs, terms, phases), trends(medians, rounds)
    last_look = _last_look(sweep, all_pairs, rounds)
    reasons = left_out(tasks, rounds)
    target = sweep.key_metadata.get("target", sweep.outputs.target)
    needed_bytes = {each.variant: each.figures.needed_bytes for each in reads if each.figures}
    why = explain(design, tasks, phases, Limits.of(sweep.key_metadata), needed_bytes)
    return Analysis(
        sweep_id=sweep.id,
        target=target,
        simulated=target in NOT_MEASURED,
        headline=headline(comparisons, phases, design),
        primary_phases=phases,
        cells=all_cells,
        comparisons=comparisons,
        trends=all_trends,
        why=why,
        reads=tuple(reads),
        explanations=explanations(why, reads, target),
        findings=(
            *cautions(sweep, tasks, rounds, comparisons, phases, last_look, terms.precision),
            *noise(measured(tasks[[*STATE, *SAMPLED]]), rounds, phases),
            *moved(all_trends, terms.level),
        ),
        left_out=tuple(reasons[:MOST_REASONS]),
        left_out_more=sum(row.count for row in reasons[MOST_REASONS:]),
        methods=methods(stopped=sweep.plan.stopping is not None),
    )


def terms_for(sweep: Sweep, level: float, precision: float) -> Terms:
    """Return the terms of a sweep's comparisons; they are stricter if the sweep may have stopped early."""
    if sweep.plan.stopping is None:
        return Terms(level=level, precision=precision, nominal_level=level)
    return Terms(
        level=level,
        precision=sweep.plan.stopping.precision,
        nominal_level=stopping.nominal_level(level),
        p_factor=stopping.P_FACTOR,
    )


def _primary_phases(pairs: Sequence[Pairs], cells: Sequence[Cell]) -> dict[str, str]:
    """Decide from the pairs, or from the cells for a variant that has no pairs."""
    from_cells = primary_phases((cell.variant, phase) for cell in cells for phase in cell.phases)
    return {**from_cells, **primary_phases((pair.variant, pair.phase) for pair in pairs)}


def _last_look(sweep: Sweep, pairs: Sequence[Pairs], rounds: pd.DataFrame) -> Look | None:
    """Return the stopping rule's last look; None for a sweep without a rule."""
    rule = sweep.plan.stopping
    return None if rule is None else look(sweep.plan.design, rule, pairs, int(rounds["block"].nunique()))
