"""The rows of a report's tables, as texts: the same for the terminal, Markdown and the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import wording
from experiments.analysis import sentences
from experiments.analysis.cells import Cell, Spread
from experiments.analysis.findings import Analysis, Comparison, Trend
from experiments.records.phases import PHASES
from kit.values import Frozen

MOST_ALIKE = 4
"""Findings of one kind that are shown at once; a sweep of many treatments says the same of each."""


class Measured(Frozen):
    """One phase of one treatment: the median, and beneath it its spread."""

    median: str
    quartiles: str
    extremes: str


class Compared(Frozen):
    """One comparison; a text is empty where there is nothing to tell."""

    control_seconds: str
    seconds: str
    change: str
    interval: str
    p: str
    could_show: str
    more_blocks: str
    verdict: str


class Alike(Frozen):
    """Findings of one kind: those that are shown at once, and what is folded away."""

    shown: tuple[str, ...]
    more: tuple[str, ...]


def variants(analysis: Analysis) -> list[str]:
    """The sweep's variants, in the plan's order."""
    return list(dict.fromkeys(cell.variant for cell in analysis.cells))


def cells(analysis: Analysis, variant: str) -> list[Cell]:
    """A variant's rows."""
    return [cell for cell in analysis.cells if cell.variant == variant]


def phases(cells: Sequence[Cell]) -> list[str]:
    """The phases that any of the rows has, in their order."""
    return [phase for phase in PHASES if any(phase in cell.phases for cell in cells)]


def comparisons(analysis: Analysis, variant: str) -> list[Comparison]:
    """A variant's comparisons, phase by phase as a reader asks for them: the primary one and the pull first."""
    own = [comparison for comparison in analysis.comparisons if comparison.variant == variant]
    order = [analysis.primary_phases[variant], "pull", *PHASES]
    return sorted(own, key=lambda comparison: (order.index(comparison.phase), comparison.task_count))


def main_comparisons(analysis: Analysis) -> list[Comparison]:
    """What the report is about: each variant's primary phase, at every task count."""
    return [
        comparison
        for variant in variants(analysis)
        for comparison in comparisons(analysis, variant)
        if comparison.phase == analysis.primary_phases[variant]
    ]


def compared(comparison: Comparison) -> Compared:
    """A comparison's texts; p is corrected for the number of comparisons."""
    detectable, blocks = comparison.detectable, comparison.blocks_needed
    return Compared(
        control_seconds=wording.seconds(comparison.control_median_seconds),
        seconds=wording.seconds(comparison.median_seconds),
        change=wording.change(comparison.ratio),
        interval=sentences.interval(comparison.interval),
        p=wording.probability(comparison.p_adjusted),
        could_show="" if detectable is None else wording.percent(detectable),
        more_blocks="" if blocks is None else f"{blocks:,}",
        verdict=sentences.verdict(comparison),
    )


def findings(analysis: Analysis) -> list[Alike]:
    """The findings by kind, in the order in which each kind first comes."""
    kinds = dict.fromkeys(finding.kind for finding in analysis.findings)
    alike = ([finding.text for finding in analysis.findings if finding.kind == kind] for kind in kinds)
    return [Alike(shown=tuple(texts[:MOST_ALIKE]), more=tuple(texts[MOST_ALIKE:])) for texts in alike]


def level(analysis: Analysis) -> str:
    """How sure the intervals are: 95 %."""
    levels = (comparison.interval.level for comparison in analysis.comparisons if comparison.interval)
    return wording.percent(next(levels, 0.95))


def measured(sample: Spread | None) -> Measured | None:
    """A phase's texts, in seconds."""
    if sample is None:
        return None
    return Measured(
        median=wording.seconds(sample.median_seconds),
        quartiles=_range(sample.lower_quartile_seconds, sample.upper_quartile_seconds),
        extremes=_range(sample.least_seconds, sample.most_seconds),
    )


def outcomes(cell: Cell) -> str:
    """What became of a row's tasks."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(cell.outcomes.items())) or "none ran"


def received(cell: Cell) -> str:
    """Megabytes (10⁶ bytes) that a task received, at the median."""
    return "" if cell.received_bytes_median is None else f"{cell.received_bytes_median / 1e6:,.0f}"


def trend(found: Trend) -> str:
    """What a trend is over."""
    return "whole sweep" if found.over == "order" else "each doubling of the task count"


def _range(low: float, high: float) -> str:
    return f"{wording.seconds(low)}\N{EN DASH}{wording.seconds(high)}"
