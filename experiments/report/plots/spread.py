"""Every task as a point, by form and task count, with the median and the interval of the effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.analysis.cells import Cell
from experiments.analysis.findings import Analysis, Comparison
from experiments.report.plots import data
from experiments.report.plots.style import INK, MUTED, Figure, Panel, colour_by_form, layered, legend, panel, row_labels
from experiments.wording import percent, plural, seconds, tasks

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_ROW_HEIGHT = 40
_CAPTION = (
    "Each dot is a task. The vertical bar is the typical round: the mean, on a logarithmic scale, of the rounds' "
    "medians. The line is the {level} interval of the change against the control, applied to the control's typical "
    "round."
)


def figure(measured: pd.DataFrame, analysis: Analysis) -> Figure:
    """One panel per variant; ``measured`` has only tasks that count as measurements."""
    panels: list[Panel] = []
    notes: list[str] = []
    for number, variant in enumerate(dict.fromkeys(cell.variant for cell in analysis.cells)):
        cells = [cell for cell in analysis.cells if cell.variant == variant and cell.phases]
        phase = analysis.primary_phases[variant]
        cells = [cell for cell in cells if phase in cell.phases]
        variant_tasks = measured[measured["variant"] == variant].dropna(subset=[f"{phase}_seconds"])
        if not cells or variant_tasks.empty:
            continue
        dots = _dots(variant_tasks, cells, phase)
        if len(dots) < len(variant_tasks):
            drawn = f"{len(dots):,} of {plural(len(variant_tasks), 'task')} are drawn"
            notes.append(f"{variant}: {drawn}, at even steps from the fastest to the slowest.")
        chart = _chart(dots, _marks(cells, analysis, phase), phase)
        panels.append(panel(f"tasks-{number}", f"{variant}: {phase} of every task", _description(cells, phase), chart))
    return Figure(
        name="tasks",
        title="Every task",
        caption=_CAPTION.format(level=percent(analysis.level)),
        notes=tuple(notes),
        legend=legend(cell.form for cell in analysis.cells),
        panels=tuple(panels),
    )


def _dots(variant_tasks: pd.DataFrame, cells: list[Cell], phase: str) -> list[dict[str, Any]]:
    counts = _counts(cells)
    most = max(2, data.MOST_POINTS // len(cells))
    rows: list[dict[str, Any]] = []
    for (form, count), group in variant_tasks.groupby(["form", "task_count"], sort=False, observed=True):
        kept = data.thinned(group, f"{phase}_seconds", most)
        row = data.row_label(form, int(count), counts)
        values = zip(kept[f"{phase}_seconds"].tolist(), data.scattered(len(kept)), strict=True)
        rows += [{"row": row, "form": form, "seconds": value, "offset": offset} for value, offset in values]
    return rows


def _marks(cells: list[Cell], analysis: Analysis, phase: str) -> list[dict[str, Any]]:
    counts = _counts(cells)
    effects = {(c.variant, c.form, c.task_count): c for c in analysis.comparisons if c.phase == phase}
    return [
        {
            "row": data.row_label(cell.form, cell.task_count, counts),
            "form": cell.form,
            "typical": (typical := cell.seconds.get(phase, cell.phases[phase].median_seconds)),
            "label": seconds(typical),
            **_span(effects.get((cell.variant, cell.form, cell.task_count))),
        }
        for cell in sorted(cells, key=lambda cell: cell.task_count)
    ]


def _span(effect: Comparison | None) -> dict[str, float | None]:
    if effect is None or effect.interval is None:
        return {"low": None, "high": None}
    base = effect.control_seconds
    return {"low": base * effect.interval.low, "high": base * effect.interval.high}


def _chart(dots: list[dict[str, Any]], marks: list[dict[str, Any]], phase: str) -> alt.LayerChart:
    import altair as alt

    rows = [mark["row"] for mark in marks]
    forms = list(dict.fromkeys(mark["form"] for mark in marks))
    axis = alt.Axis(**row_labels(rows))
    y = alt.Y("row:N", sort=rows, title=None, axis=axis, scale=alt.Scale(paddingInner=0.2, paddingOuter=0.3))
    x = alt.X("seconds:Q", title=f"{phase}, seconds", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=6))
    colour = colour_by_form(forms)
    points = alt.Chart(alt.InlineData(dots)).mark_circle(size=22, opacity=0.45)
    offset = alt.YOffset("offset:Q", scale=alt.Scale(domain=[-0.6, 1.2]))
    summary = alt.Chart(alt.InlineData(marks))
    return layered(
        points.encode(y=y, x=x, color=colour, yOffset=offset),
        summary.mark_rule(strokeWidth=2.5, color=INK).encode(y=y, x="low:Q", x2="high:Q"),
        summary.mark_tick(thickness=3, size=20, color=INK).encode(y=y, x="typical:Q"),
        summary.mark_text(dy=-16, fontSize=11, color=MUTED).encode(y=y, x="typical:Q", text="label:N"),
        height=_ROW_HEIGHT * len(rows) + 62,
    )


def _counts(cells: list[Cell]) -> list[int]:
    return sorted({cell.task_count for cell in cells})


def _description(cells: list[Cell], phase: str) -> str:
    parts = (
        f"{cell.form} at {tasks(cell.task_count)}: median {seconds(cell.phases[phase].median_seconds)} s, from "
        f"{seconds(cell.phases[phase].least_seconds)} to {seconds(cell.phases[phase].most_seconds)} s"
        for cell in cells
    )
    return "; ".join(parts) + "."
