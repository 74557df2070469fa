"""The parts of a start on a common axis, for a typical task of each treatment and for every task of one round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from experiments.analysis.findings import Analysis
from experiments.report.plots import data
from experiments.report.plots.style import SEGMENT_COLOURS, Figure, Key, Panel, layered, panel, row_labels
from experiments.wording import plural, seconds

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_LEGEND = tuple(Key(label=name, colour=SEGMENT_COLOURS[name]) for name in data.SEGMENTS)
_TYPICAL = (
    "connect: until the task's network is up; pull: of the image; start: until the container runs; boot: its own "
    "work; wait: none of these. Each part ends at the median of its ends over the tasks."
)
_ROUND = (
    "Each bar is a task; time counts from the creation of the round's first task. For each form, this is the first "
    "complete round at the plan's largest task count."
)
_SEPARATOR = "\x1f"
"""Between a row's label and its number; it cannot be typed, so no name contains it."""
_LABEL, _IS_FIRST = f"split(datum.label, '{_SEPARATOR}')[0]", f"split(datum.label, '{_SEPARATOR}')[1] === '0'"


def timelines(measured: pd.DataFrame, analysis: Analysis) -> Figure:
    """A typical start of each treatment, one panel per variant."""
    panels: list[Panel] = []
    for number, (variant, variant_tasks) in enumerate(_variants(measured, analysis)):
        bars = list(_typical_bars(variant_tasks, analysis, variant))
        if bars:
            chart = _bars(bars, list(dict.fromkeys(bar["row"] for bar in bars)), 26)
            title = f"{variant}: parts of a typical start"
            panels.append(panel(f"parts-{number}", title, _description(bars), chart))
    return Figure(name="parts", title="Where the time goes", caption=_TYPICAL, legend=_LEGEND, panels=tuple(panels))


def one_round(measured: pd.DataFrame, analysis: Analysis) -> Figure:
    """Every task of one round of each form, one panel per variant."""
    panels: list[Panel] = []
    notes: list[str] = []
    for number, (variant, variant_tasks) in enumerate(_variants(measured, analysis)):
        bars: list[dict[str, Any]] = []
        for form in dict.fromkeys(cell.form for cell in analysis.cells if cell.variant == variant):
            round_tasks = _one_round(variant_tasks[variant_tasks["form"] == form])
            if round_tasks is None:
                continue
            bars += _round_bars(form, round_tasks)
            if len(round_tasks) > data.MOST_BARS:
                notes.append(f"{variant}, {form}: {data.MOST_BARS} of {plural(len(round_tasks), 'task')} are drawn.")
        if bars:
            rows = _with_gaps(list(dict.fromkeys(bar["row"] for bar in bars)))
            title = f"{variant}: the tasks of one round"
            panels.append(panel(f"round-{number}", title, _round_description(bars), _bars(bars, rows, 9, grouped=True)))
    return Figure(
        name="round", title="One round", caption=_ROUND, notes=tuple(notes), legend=_LEGEND, panels=tuple(panels)
    )


def _variants(measured: pd.DataFrame, analysis: Analysis) -> Iterator[tuple[str, pd.DataFrame]]:
    for variant in dict.fromkeys(cell.variant for cell in analysis.cells):
        yield variant, measured[measured["variant"] == variant]


def _typical_bars(tasks: pd.DataFrame, analysis: Analysis, variant: str) -> Iterator[dict[str, Any]]:
    cells = [cell for cell in analysis.cells if cell.variant == variant and cell.phases]
    counts = sorted({cell.task_count for cell in cells})
    for cell in sorted(cells, key=lambda cell: cell.task_count):
        row = data.row_label(cell.form, cell.task_count, counts)
        group = tasks[(tasks["form"] == cell.form) & (tasks["task_count"] == cell.task_count)]
        for part in data.typical(group):
            yield {"row": row, "part": part.name, "begin": part.begin_seconds, "end": part.end_seconds}


def _one_round(form_tasks: pd.DataFrame) -> pd.DataFrame | None:
    """The tasks of the first complete round at the largest task count; `None` if there is none."""
    if form_tasks.empty:
        return None
    largest = form_tasks[form_tasks["task_count"] == form_tasks["task_count"].max()]
    return largest[largest["round"] == largest["round"].min()]


def _round_bars(form: str, tasks: pd.DataFrame) -> Iterator[dict[str, Any]]:
    ends = data.moments(tasks)
    since = (tasks["created_ns"] - tasks["created_ns"].min()) / 1e9
    ends["last"] = ends.max(axis="columns") + since
    ends["since"] = since
    for number, (_, row) in enumerate(data.thinned(ends, "last", data.MOST_BARS).iterrows()):
        for part in data.segments([row[name] for name in data.SEGMENTS]):
            yield {
                "row": f"{form}{_SEPARATOR}{number}",
                "part": part.name,
                "begin": part.begin_seconds + row["since"],
                "end": part.end_seconds + row["since"],
            }


def _with_gaps(rows: Sequence[str]) -> list[str]:
    """The rows with an empty one between forms."""
    spaced: list[str] = []
    for row in rows:
        if spaced and row.endswith(f"{_SEPARATOR}0"):
            spaced.append(f"{row}-")
        spaced.append(row)
    return spaced


def _bars(
    bars: Sequence[dict[str, Any]], rows: Sequence[str], row_height: int, *, grouped: bool = False
) -> alt.LayerChart:
    import altair as alt

    labels = [row.split(_SEPARATOR)[0] for row in rows]
    axis = alt.Axis(**(row_labels(labels, _LABEL, _IS_FIRST) if grouped else row_labels(labels)))
    colours = alt.Scale(domain=list(data.SEGMENTS), range=[SEGMENT_COLOURS[name] for name in data.SEGMENTS])
    ends: dict[str, float] = {}
    for bar in bars:
        ends[bar["row"]] = max(ends.get(bar["row"], 0.0), bar["end"])
    y = alt.Y("row:N", sort=list(rows), title=None, axis=axis, scale=alt.Scale(domain=list(rows), paddingInner=0.25))
    x = alt.X(
        "begin:Q",
        title=f"seconds since the creation of {'the first task' if grouped else 'the task'}",
        axis=alt.Axis(tickCount=6),
        scale=alt.Scale(domain=[0, max(ends.values()) * 1.08], nice=False),
    )
    colour = alt.Color("part:N", scale=colours, legend=None)
    layers = [alt.Chart(alt.InlineData(list(bars))).mark_bar().encode(y=y, x=x, x2="end:Q", color=colour)]
    if not grouped:
        totals = alt.Chart(
            alt.InlineData([{"row": row, "end": end, "label": seconds(end)} for row, end in ends.items()])
        )
        layers.append(totals.mark_text(align="left", dx=5).encode(y=y, x="end:Q", text="label:N"))
    return layered(*layers, height=row_height * len(rows) + 54)


def _description(bars: Sequence[dict[str, Any]]) -> str:
    rows = dict.fromkeys(bar["row"] for bar in bars)
    return "; ".join(f"{row}: {', '.join(_parts(bars, row))}" for row in rows) + "."


def _parts(bars: Sequence[dict[str, Any]], row: str) -> Iterator[str]:
    for bar in bars:
        if bar["row"] == row:
            yield f"{bar['part']} {seconds(bar['end'] - bar['begin'])} s"


def _round_description(bars: Sequence[dict[str, Any]]) -> str:
    last: dict[str, float] = {}
    for bar in bars:
        form = bar["row"].split(_SEPARATOR)[0]
        last[form] = max(last.get(form, 0.0), bar["end"])
    return "; ".join(f"{form}: the last task was done after {seconds(end)} s" for form, end in last.items()) + "."
