"""An image's starts over sweeps: a dot per sweep, a line per level, and the releases with which a level changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from experiments.compare.history import History, Point, Series
from experiments.report.plots.style import GRID, LINE, Figure, Panel, colour_by_form, layered, legend, panel
from experiments.wording import plural, tasks

if TYPE_CHECKING:
    import altair as alt

_CAPTION = (
    "Each dot is a sweep, oldest first; a line is the level between two changes, with the release that brought the "
    "change. At a dashed line something other than the image changed, and nothing is compared across it."
)
_Row = dict[str, Any]


def figure(history: History) -> Figure:
    """One panel per variant and task count, with all forms."""
    groups: dict[tuple[str, int, str], list[Series]] = {}
    for series in history.series:
        groups.setdefault((series.variant, series.task_count, series.phase), []).append(series)
    unit = "seconds" if history.control is None else f"ratio to {history.control}"
    return Figure(
        name="history",
        title="Starts over sweeps",
        caption=_CAPTION,
        legend=legend(series.form for series in history.series),
        panels=tuple(
            _panel(f"history-{number}", f"{phase} of {variant} with {tasks(count)}, {unit}", members)
            for number, ((variant, count, phase), members) in enumerate(groups.items())
        ),
    )


def _panel(name: str, title: str, members: Sequence[Series]) -> Panel:
    forms = list(dict.fromkeys(series.form for series in members))
    dots = [row for series in members for row in _dots(series)]
    longest = max(row["sweep"] for row in dots)
    described = "; ".join(f"{series.form}: {plural(_length(series), 'sweep')}" for series in members)
    return panel(name, title, described, _chart(forms, dots, _marks(members), _breaks(members), longest))


def _chart(forms: list[str], dots: list[_Row], marks: list[_Row], breaks: list[_Row], longest: int) -> alt.LayerChart:
    import altair as alt

    colour = colour_by_form(forms)
    x = alt.X(
        "sweep:Q",
        title="sweep",
        scale=alt.Scale(domain=[0.5, longest + 0.5], nice=False),
        axis=alt.Axis(grid=False, values=list(range(1, longest + 1, -(-longest // 12))), format="d"),
    )
    axis = alt.Axis(grid=True, gridColor=GRID, tickCount=5)
    scale = alt.Scale(zero=False, padding=12)
    y = alt.Y("value:Q", title=None, scale=scale, axis=axis)
    points = alt.Chart(alt.InlineData(dots)).mark_circle(size=42, opacity=0.8).encode(x=x, y=y, color=colour)
    levels = (
        alt.Chart(alt.InlineData(dots))
        .mark_line(strokeWidth=2)
        .encode(x=x, y=alt.Y("level:Q", title=None, scale=scale, axis=axis), detail="part:N", color=colour)
    )
    borders = alt.Chart(alt.InlineData(breaks)).mark_rule(color=LINE, strokeDash=[4, 3]).encode(x=alt.X("border:Q"))
    names = (
        alt.Chart(alt.InlineData(marks))
        .mark_text(align="left", baseline="bottom", dx=4, dy=-9, fontSize=11, limit=140)
        .encode(x=alt.X("border:Q"), y=alt.Y("value:Q", title=None, scale=scale, axis=axis), text="release:N")
    )
    return layered(borders, levels, points, names, height=230)


def _dots(series: Series) -> Iterator[_Row]:
    number = 0
    for part, stretch in enumerate(series.stretches):
        edges = [0, *(found.index for found in stretch.shifts), len(stretch.points)]
        for start, end in pairwise(edges):
            points = stretch.points[start:end]
            level = _geometric(points)
            for point in points:
                number += 1
                yield {
                    "sweep": number,
                    "value": point.value,
                    "level": level,
                    "form": series.form,
                    "part": f"{series.form} {part} {start}",
                }


def _marks(members: Sequence[Series]) -> list[_Row]:
    """Where a level changed: above the higher of the two, so that the name covers no dot of the lower."""
    rows: list[_Row] = []
    for series in members:
        number = 0
        for stretch in series.stretches:
            for found in stretch.shifts:
                near = stretch.points[max(0, found.index - 2) : found.index + 4]
                name = found.release if found.image_changed else "same image"
                rows.append(
                    {
                        "border": number + found.index + 0.5,
                        "value": max(point.value for point in near),
                        "release": name,
                    }
                )
            number += len(stretch.points)
    return rows


def _breaks(members: Sequence[Series]) -> list[_Row]:
    ends: set[int] = set()
    for series in members:
        number = 0
        for stretch in series.stretches[:-1]:
            number += len(stretch.points)
            ends.add(number)
    return [{"border": end + 0.5} for end in sorted(ends)]


def _length(series: Series) -> int:
    return sum(len(stretch.points) for stretch in series.stretches)


def _geometric(points: Sequence[Point]) -> float:
    return math.exp(sum(math.log(point.value) for point in points) / len(points))
