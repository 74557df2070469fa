"""Where the seconds of each form went, as one bar, with the floor that no form can beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from experiments.analysis.because import NAMES
from experiments.analysis.findings import Analysis
from experiments.analysis.why import PARTS, Why
from experiments.report.plots import data
from experiments.report.plots.style import INK, WHY_COLOURS, Figure, Key, Panel, layered, panel, row_labels
from experiments.wording import seconds

if TYPE_CHECKING:
    import altair as alt

_WITH_LABEL = 1.25
"""The axis's end ÷ the longest bar: the seconds stand to the right of each."""
FLOOR = "floor: no form can be faster"
_CAPTION = (
    "Medians of the tasks, from their creation until the work of their boot was done. The parts add up to the whole. "
    "Floor: the larger of the bytes that the boot needs at the link's rate, and its own CPU time at its quota."
)


def figure(analysis: Analysis) -> Figure:
    """One panel per variant of which the parts were observed."""
    panels: list[Panel] = []
    seen: set[str] = set()
    for variant in dict.fromkeys(each.variant for each in analysis.why):
        rows = [each for each in analysis.why if each.variant == variant and each.cpu_seconds is not None]
        if rows:
            seen |= {name for each in rows for name, value in each.parts.items() if value}
            title = f"{variant}: what its {rows[0].phase} is made of"
            panels.append(panel(f"why-{len(panels)}", title, " ".join(map(_described, rows)), _chart(rows)))
    keys = [Key(label=NAMES[name], colour=WHY_COLOURS[name]) for name in PARTS if name in seen]
    keys += [Key(label=FLOOR, colour=INK)] if any(each.floor for each in analysis.why) else []
    return Figure(name="why", title="Where the time goes", caption=_CAPTION, legend=tuple(keys), panels=tuple(panels))


def _chart(rows: Sequence[Why]) -> alt.LayerChart:
    import altair as alt

    counts = sorted({each.task_count for each in rows})
    labels = [data.row_label(each.form, each.task_count, counts) for each in rows]
    bars = [bar for each, label in zip(rows, labels, strict=True) for bar in _bars(each, label)]
    most = max(max(each.seconds, each.floor.seconds if each.floor else 0.0) for each in rows)
    rooms, whole = alt.Scale(domain=labels, paddingInner=0.3), alt.Scale(domain=[0, most * _WITH_LABEL], nice=False)
    y = alt.Y("row:N", sort=labels, title=None, axis=alt.Axis(**row_labels(labels)), scale=rooms)
    x = alt.X("begin:Q", title="seconds", axis=alt.Axis(tickCount=6), scale=whole)
    colour = alt.Color(
        "part:N", scale=alt.Scale(domain=list(PARTS), range=[WHY_COLOURS[name] for name in PARTS]), legend=None
    )
    totals = [
        {"row": label, "end": each.seconds, "label": seconds(each.seconds)}
        for each, label in zip(rows, labels, strict=True)
    ]
    floors = [
        {"row": label, "floor": each.floor.seconds} for each, label in zip(rows, labels, strict=True) if each.floor
    ]
    layers = [
        alt.Chart(alt.InlineData(bars)).mark_bar().encode(y=y, x=x, x2="end:Q", color=colour),
        alt.Chart(alt.InlineData(totals)).mark_text(align="left", dx=5).encode(y=y, x="end:Q", text="label:N"),
    ]
    if floors:
        tick = alt.Chart(alt.InlineData(floors)).mark_tick(color=INK, thickness=3, height=30)
        layers.append(tick.encode(y=y, x="floor:Q"))
    return layered(*layers, height=30 * len(rows) + 54)


def _bars(each: Why, label: str) -> Iterator[dict[str, Any]]:
    begin = 0.0
    for name, length in each.parts.items():
        if length > 0:
            yield {"row": label, "part": name, "begin": begin, "end": begin + length}
            begin += length


def _described(each: Why) -> str:
    parts = ", ".join(f"{seconds(value)} s {NAMES[name]}" for name, value in each.parts.items() if value)
    floor = f"; floor {seconds(each.floor.seconds)} s" if each.floor else ""
    return f"{each.form} with {each.task_count:,}: {seconds(each.seconds)} s, of them {parts}{floor}."
