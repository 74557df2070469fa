"""Each form against the control, for each phase and task count: a forest plot on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments.analysis.findings import Analysis, Comparison
from experiments.analysis.sentences import sentence
from experiments.report.plots import data
from experiments.report.plots.style import INK, LINE, Figure, Panel, colour_by_form, layered, legend, panel, row_labels
from experiments.wording import change, percent

if TYPE_CHECKING:
    import altair as alt

_TICKS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
    *(1.01, 1.02, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0),
)
_MOST_TICKS = 6
_CAPTION = (
    "Change against the control within each block, averaged over the blocks, with its {level} interval; left of the "
    "line is faster. A hollow point has no interval: there are too few blocks for one. The axis is logarithmic."
)


def figure(analysis: Analysis) -> Figure:
    """Two panels per variant: its primary phase and the pull. The tables have the other phases."""
    panels: list[Panel] = []
    for variant in dict.fromkeys(c.variant for c in analysis.comparisons):
        for phase in (analysis.primary_phases[variant], "pull"):
            shown = _shown(analysis.comparisons, variant, phase)
            if shown:
                description = " ".join(f"{sentence(comparison)}." for comparison in shown)
                title = f"{variant}: {phase} against {shown[0].against}"
                panels.append(panel(f"effects-{len(panels)}", title, description, _chart(shown)))
    return Figure(
        name="effects",
        title="Effect of each form",
        caption=_CAPTION.format(level=percent(analysis.level)),
        legend=legend(comparison.form for comparison in analysis.comparisons),
        panels=tuple(panels),
    )


def _shown(comparisons: Sequence[Comparison], variant: str, phase: str) -> list[Comparison]:
    shown = [c for c in comparisons if (c.variant, c.phase) == (variant, phase) and c.ratio > 0]
    return sorted(shown, key=lambda comparison: comparison.task_count)


def _chart(comparisons: Sequence[Comparison]) -> alt.LayerChart:
    import altair as alt

    marks = [_mark(comparison, comparisons) for comparison in comparisons]
    rows = list(dict.fromkeys(mark["row"] for mark in marks))
    forms = list(dict.fromkeys(mark["form"] for mark in marks))
    low, high = _domain(marks)
    ticks = _ticks(low, high)
    y = alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(**row_labels(rows)), scale=alt.Scale(paddingOuter=0.5))
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(values=ticks, labelExpr=_labels(ticks))
    colour = colour_by_form(forms)
    base = alt.Chart(alt.InlineData(marks))
    x = alt.X("ratio:Q", title="change", scale=scale, axis=axis)
    no_change = alt.Chart(alt.InlineData([{"one": 1}])).mark_rule(color=LINE, strokeWidth=1.5).encode(x=alt.X("one:Q"))
    points = base.mark_point(size=60, strokeWidth=2, filled=False, fill="transparent")
    return layered(
        no_change,
        base.mark_rule(strokeWidth=2.5).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=colour),
        points.encode(y=y, x=x, color=colour),
        base.transform_filter("isValid(datum.low)").mark_circle(size=70, opacity=1).encode(y=y, x=x, color=colour),
        base.mark_text(dy=-11, fontSize=11, color=INK).encode(y=y, x=x, text="label:N"),
        height=32 * len(rows) + 62,
    )


def _mark(comparison: Comparison, all_: Sequence[Comparison]) -> dict[str, Any]:
    counts = sorted({other.task_count for other in all_})
    interval = comparison.interval
    return {
        "row": data.row_label(comparison.form, comparison.task_count, counts),
        "form": comparison.form,
        "ratio": comparison.ratio,
        "low": max(interval.low, _LEAST) if interval else None,
        "high": interval.high if interval else None,
        "label": change(comparison.ratio),
    }


_LEAST = 0.001
"""A logarithmic axis has no zero."""


def _domain(marks: Sequence[dict[str, Any]]) -> tuple[float, float]:
    values = [mark[name] for mark in marks for name in ("ratio", "low", "high") if mark[name] is not None]
    low, high = min(*values, 1.0), max(*values, 1.0)
    room = max(math.log(high / low) * 0.08, math.log(1.05))
    return low * math.exp(-room), high * math.exp(room)


def _ticks(low: float, high: float) -> list[float]:
    """Round changes within the axis, none too close to another to read, always with no change (1)."""
    least = math.log(high / low) / _MOST_TICKS
    ticks = [1.0]
    for tick in sorted(_TICKS, key=lambda tick: (-_roundness(tick), abs(math.log(tick)))):
        if low <= tick <= high and all(abs(math.log(tick / other)) >= least for other in ticks):
            ticks.append(tick)
    return sorted(ticks)


def _roundness(tick: float) -> int:
    """How round a change looks to a reader: halves and tens of percent come first."""
    return 2 if tick in (0.05, 0.1, 0.5, 2.0) else 1 if tick in (0.2, 0.8, 1.2, 1.5) else 0


def _labels(ticks: Sequence[float]) -> str:
    """A Vega expression that labels each tick with its change; it contains only our own numbers."""
    cases = "".join(f"abs(datum.value - {tick}) < 1e-9 ? '{change(tick)}' : " for tick in ticks)
    return f"{cases}''"
