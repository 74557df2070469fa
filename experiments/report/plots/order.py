"""The rounds in the order in which they ran, each against its treatment's median: this plot shows drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.analysis.findings import Analysis
from experiments.report.plots import data
from experiments.report.plots.style import GRID, LINE, Figure, Panel, colour_by_form, label_room, layered, legend, panel
from experiments.wording import change, plural

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_MOST_BLOCK_LINES = 40
_CAPTION = (
    "Each dot is a round, in the order of the plan: the median of its tasks against the median of all rounds of the "
    "same form and task count. Vertical lines separate blocks. Without drift, the dots scatter around 0 %."
)


def figure(measured: pd.DataFrame, analysis: Analysis) -> Figure:
    """One panel per variant."""
    panels: list[Panel] = []
    notes: list[str] = []
    for number, variant in enumerate(dict.fromkeys(cell.variant for cell in analysis.cells)):
        phase = analysis.primary_phases[variant]
        rounds = _rounds(measured[measured["variant"] == variant], f"{phase}_seconds")
        if len(rounds) < 2:
            continue
        drawn = data.thinned(rounds, "change", data.MOST_POINTS)
        if len(drawn) < len(rounds):
            notes.append(f"{variant}: {len(drawn):,} of {plural(len(rounds), 'round')} are drawn.")
        title = f"{variant}: {phase} in the order of the rounds"
        chart = _chart(drawn, _borders(rounds), int(measured["round"].max()))
        panels.append(panel(f"order-{number}", title, _description(rounds), chart))
    return Figure(
        name="order",
        title="Order and drift",
        caption=_CAPTION,
        notes=tuple(notes),
        legend=legend(cell.form for cell in analysis.cells),
        panels=tuple(panels),
    )


def _rounds(variant_tasks: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per round: its median divided by the median of its treatment's rounds, minus one."""
    place = ["round", "block", "form", "task_count"]
    medians = variant_tasks.groupby(place, observed=True)[column].median().dropna().reset_index()
    typical = medians.groupby(["form", "task_count"], observed=True)[column].transform("median")
    medians["change"] = medians[column] / typical - 1
    return medians.dropna(subset=["change"])


def _borders(rounds: pd.DataFrame) -> list[dict[str, float]]:
    firsts = sorted(int(first) for first in rounds.groupby("block")["round"].min())[1:]
    step = max(1, -(-len(firsts) // _MOST_BLOCK_LINES))
    return [{"border": first - 0.5} for first in firsts[::step]]


def _chart(rounds: pd.DataFrame, borders: list[dict[str, float]], last: int) -> alt.LayerChart:
    import altair as alt

    dots: list[dict[str, Any]] = [
        {"round": int(number), "form": form, "change": float(changed)}
        for number, form, changed in zip(rounds["round"], rounds["form"], rounds["change"], strict=True)
    ]
    forms = list(dict.fromkeys(dot["form"] for dot in dots))
    colour = colour_by_form(forms)
    x = alt.X(
        "round:Q",
        title="round",
        scale=alt.Scale(domain=[-0.5, last + 0.5], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1, tickCount=6),
    )
    label = "datum.value ? replace(format(datum.value, '+.0~%'), '%', ' %') : '0 %'"
    axis = alt.Axis(grid=True, tickCount=5, labelExpr=label, gridColor=GRID, **label_room(["+100 %"]))
    y = alt.Y("change:Q", title=None, axis=axis)
    zero = alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(color=LINE, strokeWidth=1.5).encode(y=alt.Y("zero:Q"))
    block = alt.Chart(alt.InlineData(borders)).mark_rule(color=GRID).encode(x=alt.X("border:Q"))
    points = alt.Chart(alt.InlineData(dots)).mark_circle(size=42, opacity=0.8).encode(x=x, y=y, color=colour)
    return layered(block, zero, points, height=230)


def _description(rounds: pd.DataFrame) -> str:
    low, high = 1 + float(rounds["change"].min()), 1 + float(rounds["change"].max())
    span = f"from {change(low)} to {change(high)}"
    return f"{plural(len(rounds), 'round')}, {span} against the median of their treatment."
