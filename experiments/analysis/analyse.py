"""Analyse a sweep's records: figures, comparisons, trends, warnings and a headline. Pure.

Faces reports, notebooks and the command line; `findings` defines the values. Each figure is explained and its method
cited where it is computed; `Analysis.methods` has the short version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.analysis import clusters
from experiments.analysis.because import explanations
from experiments.analysis.carried import carried_over
from experiments.analysis.cautions import cautions, stopped_early
from experiments.analysis.cells import STATE, Cell, cells, measured
from experiments.analysis.comparisons import Terms, compare, shares
from experiments.analysis.deciding import decided_after
from experiments.analysis.effects import Pairs, deployed_pairs, pairs, primary_phases, round_medians
from experiments.analysis.failures import described, failures, guarded, with_shares
from experiments.analysis.findings import Analysis, Comparison
from experiments.analysis.headline import headline
from experiments.analysis.left_out import left_out
from experiments.analysis.methods import methods
from experiments.analysis.money import bill
from experiments.analysis.noise import noise
from experiments.analysis.pooled import disagreeing, pooled
from experiments.analysis.precision import look
from experiments.analysis.promises import few_blocks, with_cautions
from experiments.analysis.shares import counts
from experiments.analysis.statistics import stopping
from experiments.analysis.tails import tails
from experiments.analysis.trends import moved, trends
from experiments.analysis.why import Limits, explain
from experiments.plan.plan import Design, Look
from experiments.records.origin import NOT_MEASURED
from experiments.records.phases import NS_PER_SECOND, PRIMARY_PHASES
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
    prices_of: str | None = None,
) -> Analysis:
    """Analyse the `frames` of a sweep; ``precision`` is the wanted relative half width of an interval, ``reads`` what
    is known of what the boots read; ``prices_of`` is the region whose prices a start is billed at, if not where it ran.

    Accepts any records, even none: what they cannot show becomes a finding.
    """
    design, terms = sweep.plan.design, terms_for(sweep, level, precision)
    medians = round_medians(tasks)
    all_pairs, deployed = pairs(design, medians), deployed_pairs(design, tasks)
    phases = _primary_phases(design, all_pairs, bare_cells := cells(design, tasks, rounds))
    all_cells = described(design, bare_cells, counts(tasks), medians, phases)
    booted = measured(tasks[[*STATE, *clusters.SAMPLED]])
    heaps = clusters.clusters(booted, medians, all_pairs)
    noises = tuple(noise(booted, rounds, phases, design))
    booted_compared = with_shares(_compared([*all_pairs, *deployed], terms, phases), all_cells)
    over_counts = pooled(all_pairs, terms, phases)
    last_look = _last_look(sweep, all_pairs, rounds)
    early = sweep.status == "finished" and stopped_early(last_look, design.blocks)
    compared = with_cautions(booted_compared, heaps, noises, early=early)
    comparisons, all_trends = compared[: len(all_pairs)], trends(medians, rounds)
    reasons = left_out(tasks, rounds)
    target = sweep.key_metadata.get("target", sweep.outputs.target)
    needed_bytes = {each.variant: each.figures.needed_bytes for each in reads if each.figures}
    why = explain(design, tasks, phases, Limits.of(sweep.key_metadata), needed_bytes)
    return Analysis(
        sweep_id=sweep.id,
        target=target,
        simulated=target in NOT_MEASURED,
        headline=headline(comparisons, all_cells, phases, design, seconds := block_seconds(rounds), over_counts),
        block_seconds=seconds,
        primary_phases=phases,
        cells=all_cells,
        comparisons=comparisons,
        as_deployed=compared[len(all_pairs) :],
        pooled=over_counts,
        tails=tails(design, tasks, rounds, terms, phases),
        bill=bill(design, tasks, terms, phases, sweep.key_metadata, prices_of),
        trends=all_trends,
        why=why,
        reads=tuple(reads),
        explanations=explanations(why, reads, target, design),
        findings=(
            *cautions(sweep, tasks, rounds, comparisons, phases, last_look, seconds),
            *few_blocks(comparisons),
            *failures(design, tasks, all_cells),
            *noises,
            *clusters.told(heaps),
            *disagreeing(over_counts, terms.level),
            *moved(all_trends, terms.level),
            *carried_over(design, medians, rounds, phases),
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
        points=bool(sweep.plan.stopping.points),
        nominal_level=stopping.nominal_level(level),
        p_factor=stopping.P_FACTOR,
    )


def _compared(pairs: Sequence[Pairs], terms: Terms, phases: Mapping[str, str]) -> list[Comparison]:
    """Compare, corrected for all together; claim nothing that lost blocks speak against, and say what would decide."""
    weights = shares([pair.phase == phases[pair.variant] for pair in pairs])
    kept = [guarded(each, pair) for each, pair in zip(compare(pairs, terms, phases), pairs, strict=True)]
    return [
        _with_forecast(each, pair, terms, float(weight))
        if each.verdict == "undecided" and each.interval is not None
        else each
        for each, pair, weight in zip(kept, pairs, weights, strict=True)
    ]


def _with_forecast(comparison: Comparison, pair: Pairs, terms: Terms, weight: float) -> Comparison:
    usual, least, most = decided_after(pair, terms, weight)
    likely = None if least is None else (least, most)
    return comparison.model_copy(update={"blocks_to_decide": usual, "blocks_to_decide_range": likely})


def block_seconds(rounds: pd.DataFrame) -> float | None:
    """Return what a block took, all attempts at its rounds together: the median over the blocks; None without any."""
    measured_seconds = (rounds["finished_ns"] - rounds["started_ns"]) / NS_PER_SECOND
    spent = measured_seconds + rounds["prepare_seconds"] + rounds["clear_seconds"]
    return float(spent.groupby(rounds["block"]).sum().median()) if len(rounds) else None


def _primary_phases(design: Design, pairs: Sequence[Pairs], cells: Sequence[Cell]) -> dict[str, str]:
    """Decide from the pairs, or from the cells for a variant that has no pairs, or for one that has nothing: boot."""
    from_cells = primary_phases((cell.variant, phase) for cell in cells for phase in cell.phases)
    from_pairs = primary_phases((pair.variant, pair.phase) for pair in pairs)
    return {**dict.fromkeys(design.variants, PRIMARY_PHASES[0]), **from_cells, **from_pairs}


def _last_look(sweep: Sweep, pairs: Sequence[Pairs], rounds: pd.DataFrame) -> Look | None:
    """Return the stopping rule's last look; None for a sweep without a rule."""
    rule = sweep.plan.stopping
    return None if rule is None else look(sweep.plan.design, rule, pairs, int(rounds["block"].nunique()))
