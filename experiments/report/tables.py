"""The rows of a report's tables as texts, made once for the terminal, Markdown and the page. Pure.

A missing value is an empty text; each format shows that in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.cells import Cell, Spread
from experiments.analysis.findings import Analysis, Comparison, Finding, Verdict
from experiments.analysis.left_out import TASKS
from experiments.analysis.sentences import interval, saved, share, verdict
from experiments.analysis.why import PARTS, Why
from experiments.records.phases import PHASES
from experiments.report.figures import Table, figures
from experiments.wording import TIMES, change, percent, probability, seconds
from kit.values import Frozen

MOST_ALIKE = 4
"""Findings of one kind to show before folding; a sweep of many treatments repeats them for each."""


class ComparisonRow(Frozen):
    """A treatment compared with its control, which is named by what differs.

    p is corrected for the number of comparisons, ``saved`` is the control's seconds minus its own, with the interval,
    ``booted`` is how many of its tasks booted as promised. A row as deployed counts the tasks that did not load lazily.
    """

    variant: str
    tasks: str
    form: str
    control: str
    phase: str
    blocks: str
    control_seconds: str
    seconds: str
    change: str
    interval: str
    saved: str
    booted: str
    p: str
    detectable: str
    blocks_to_decide: str
    verdict: str
    judged: Verdict


class Measured(Frozen):
    """One phase of one treatment in seconds: of its typical round, and the spread of its tasks."""

    seconds: str
    quartiles: str
    extremes: str


class TreatmentRow(Frozen):
    """The measurements of a form at one task count."""

    variant: str
    tasks: str
    form: str
    rounds: str
    overloaded: str
    booted: str
    phases: dict[str, Measured]
    received_megabytes: str
    outcomes: tuple[str, ...]


class WhyRow(Frozen):
    """Where the seconds of a form at one task count went; `parts` by the names of `why.PARTS`, empty where nothing."""

    variant: str
    tasks: str
    form: str
    seconds: str
    parts: dict[str, str]
    cpu: str
    snapshotter: str
    floor: str
    times_floor: str


class VariantTables(Frozen):
    """A variant's rows; its comparisons are ordered by phase, the primary phase and the pull first."""

    name: str
    primary_phase: str
    comparisons: tuple[ComparisonRow, ...]
    phases: tuple[str, ...]
    treatments: tuple[TreatmentRow, ...]
    why: tuple[WhyRow, ...]

    def comparisons_of(self, *phases: str) -> list[ComparisonRow]:
        """The comparisons of these phases."""
        return [row for row in self.comparisons if row.phase in phases]


class TrendRow(Frozen):
    """How a phase changes over the sweep or with the task count."""

    variant: str
    form: str
    phase: str
    over: str
    change: str
    p: str


class Alike(Frozen):
    """Findings of one kind: those shown at once, and those folded away."""

    shown: tuple[str, ...]
    more: tuple[str, ...]


class Tables(Frozen):
    """Every table of a report; ``level`` is the confidence level of the intervals, such as 95 %."""

    level: str
    main: tuple[ComparisonRow, ...]
    phases: tuple[str, ...]
    variants: tuple[VariantTables, ...]
    figures: tuple[Table, ...]
    trends: tuple[TrendRow, ...]
    why: tuple[WhyRow, ...]
    parts: tuple[str, ...]
    findings: tuple[Alike, ...]


def tables(analysis: Analysis) -> Tables:
    """The tables of an analysis, in the plan's order; ``main`` has each variant's primary phase at every task count."""
    variants = tuple(_variant(analysis, name) for name in dict.fromkeys(cell.variant for cell in analysis.cells))
    return Tables(
        level=percent(analysis.level),
        main=tuple(row for variant in variants for row in variant.comparisons_of(variant.primary_phase)),
        phases=_phases(analysis.cells),
        variants=variants,
        figures=figures(analysis),
        trends=tuple(
            TrendRow(
                variant=trend.variant,
                form=trend.form,
                phase=trend.phase,
                over="whole sweep" if trend.over == "order" else "each doubling of the task count",
                change=change(1 + trend.slope),
                p=probability(trend.p_adjusted),
            )
            for trend in analysis.trends
        ),
        why=tuple(row for variant in variants for row in variant.why),
        parts=PARTS,
        findings=_by_kind(analysis.findings),
    )


def _variant(analysis: Analysis, name: str) -> VariantTables:
    cells = [cell for cell in analysis.cells if cell.variant == name]
    order = [analysis.primary_phases[name], "pull", *PHASES]
    comparisons = [each for each in (*analysis.comparisons, *analysis.as_deployed) if each.variant == name]
    forms = list(dict.fromkeys(cell.form for cell in cells))
    comparisons.sort(
        key=lambda each: (order.index(each.phase), each.task_count, forms.index(each.form), each.as_deployed)
    )
    return VariantTables(
        name=name,
        primary_phase=analysis.primary_phases[name],
        comparisons=tuple(map(_comparison, comparisons)),
        phases=_phases(cells),
        treatments=tuple(map(_treatment, cells)),
        why=tuple(_why(each) for each in analysis.why if each.variant == name and each.cpu_seconds is not None),
    )


def _comparison(comparison: Comparison) -> ComparisonRow:
    from experiments.analysis.deciding import likely  # scipy is slow to import

    detectable, blocks = comparison.detectable, comparison.blocks_to_decide_range
    return ComparisonRow(
        variant=comparison.variant,
        tasks=f"{comparison.task_count:,}",
        form=f"{comparison.form}, as deployed" if comparison.as_deployed else comparison.form,
        control=comparison.against,
        phase=comparison.phase,
        blocks=f"{comparison.blocks:,}",
        control_seconds=seconds(comparison.control_seconds),
        seconds=seconds(comparison.seconds),
        change=change(comparison.ratio),
        interval=interval(comparison.interval),
        saved=saved(comparison),
        booted="" if comparison.as_deployed else share(comparison.booted),
        p=probability(comparison.p_adjusted),
        detectable="" if detectable is None else percent(detectable),
        blocks_to_decide="" if blocks is None else likely(*blocks),
        verdict=verdict(comparison),
        judged=comparison.verdict,
    )


def _treatment(cell: Cell) -> TreatmentRow:
    received = cell.received_bytes_median
    return TreatmentRow(
        variant=cell.variant,
        tasks=f"{cell.task_count:,}",
        form=cell.form,
        rounds=f"{cell.rounds:,}",
        overloaded=f"{cell.rounds_under_load:,}" if cell.rounds_under_load else "",
        booted=share(cell.booted),
        phases={phase: _measured(sample, cell.seconds.get(phase)) for phase, sample in cell.phases.items()},
        received_megabytes="" if received is None else f"{received / 1e6:,.0f}",
        outcomes=tuple(f"{count:,} {TASKS[outcome]}" for outcome, count in sorted(cell.outcomes.items())),
    )


def _why(why: Why) -> WhyRow:
    times = why.times_floor
    return WhyRow(
        variant=why.variant,
        tasks=f"{why.task_count:,}",
        form=why.form,
        seconds=seconds(why.seconds),
        parts={name: seconds(value) if value else "" for name, value in why.parts.items()},
        cpu="" if why.cpu_seconds is None else seconds(why.cpu_seconds),
        snapshotter=seconds(why.snapshotter_seconds) if why.snapshotter_seconds else "",
        floor=seconds(why.floor.seconds) if why.floor else "",
        times_floor="" if times is None else f"{times:.1f} {TIMES}",
    )


def _measured(sample: Spread, typical: float | None) -> Measured:
    return Measured(
        seconds=seconds(sample.median_seconds if typical is None else typical),
        quartiles=_range(sample.lower_quartile_seconds, sample.upper_quartile_seconds),
        extremes=_range(sample.least_seconds, sample.most_seconds),
    )


def _phases(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The phases that any cell has, in the usual order."""
    return tuple(phase for phase in PHASES if any(phase in cell.phases for cell in cells))


def _by_kind(findings: Sequence[Finding]) -> tuple[Alike, ...]:
    """Findings grouped by kind, in the order of each kind's first finding."""
    kinds = dict.fromkeys(finding.kind for finding in findings)
    alike = ([finding.text for finding in findings if finding.kind == kind] for kind in kinds)
    return tuple(Alike(shown=tuple(texts[:MOST_ALIKE]), more=tuple(texts[MOST_ALIKE:])) for texts in alike)


def _range(low: float, high: float) -> str:
    return f"{seconds(low)}\N{EN DASH}{seconds(high)}"
