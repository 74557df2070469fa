"""A history for people: one line and one sparkline per series, and a page with one picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from experiments.compare.history import History, Point, Series, Shift, Stretch
from experiments.compare.slower import Standing
from experiments.report.contents import SIMULATED
from experiments.report.page import style_sheet
from experiments.report.plots.style import Panel, layered, panel
from experiments.wording import MINUS, TIMES, percent, percent_number, plural, seconds, tasks, visible

_BARS = "▁▂▃▄▅▆▇█"
_DIGITS = 19


def text(history: History) -> str:
    """The history as plain text."""
    return visible("\n".join(_lines(history)) + "\n")


def _lines(history: History) -> Iterator[str]:
    if history.simulated:
        yield f"{SIMULATED}: no figure here is a measurement"
    for series in history.series:
        yield f"{title(series)}  {'|'.join(sparkline(stretch.points) for stretch in series.stretches)}"
        yield from (f"  {line}" for line in sentences(series, history.control))
    yield from notes(history)


def title(series: Series) -> str:
    """What a series is of."""
    return f"{series.phase} of {series.variant} {series.form} with {tasks(series.task_count)}"


def sparkline(points: Sequence[Point]) -> str:
    """One bar a sweep, from the lowest to the highest of the stretch."""
    low, high = min(point.value for point in points), max(point.value for point in points)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0
    return "".join(_BARS[round((point.value - low) * scale)] for point in points)


def sentences(series: Series, control: str | None) -> Iterator[str]:
    """What each stretch says, oldest first."""
    for stretch in series.stretches:
        if stretch.broken_by:
            yield f"break, not compared across it: {stretch.broken_by}"
        yield f"{plural(len(stretch.points), 'sweep')}, last {value(stretch.points[-1].value, control)}"
        yield from map(shift, stretch.shifts)
        if not stretch.shifts:
            yield _nothing(stretch)


def shift(found: Shift) -> str:
    """One line for continuous integration: slower since release 1.8 (sha256:…), 12 % (8 to 16)."""
    low, high = found.interval.low, found.interval.high
    word = "slower" if found.ratio > 1 else "faster"
    probably = "probably " if low < 1 < high else ""
    where = (
        "" if found.earliest == found.latest else f", somewhere in sweeps {found.earliest + 1} to {found.latest + 1}"
    )
    size = by(found.ratio, low, high)
    if not found.image_changed:
        return (
            f"{probably}{word} since sweep {found.sweep}, {size}{where}; the image did not change there: look for "
            "another cause"
        )
    return f"{probably}{word} since release {_release(found)}, {size}{where}"


def left(found: Standing) -> str:
    """A slow-down, and what is left of it after the releases that followed."""
    if not found.followed:
        return shift(found.shift)
    return f"{shift(found.shift)}; with the later releases it is now {by(found.ratio, found.low, found.high)} slower"


def by(ratio: float, low: float, high: float) -> str:
    """By how much, without a sign: 12 % (8 to 16); a range beyond no change begins with a minus."""
    size, near, far = (ratio - 1, low - 1, high - 1) if ratio > 1 else (1 - ratio, 1 - high, 1 - low)
    ends = (percent_number(end, like=size).replace("-", MINUS) for end in (near, far))
    return f"{percent(size)} ({' to '.join(ends)})"


def _release(found: Shift) -> str:
    digest = found.digest[:_DIGITS]
    return found.release if found.release == digest else f"{found.release} ({digest})"


def value(number: float, control: str | None) -> str:
    """Seconds, or a ratio to the control."""
    return f"{seconds(number)} s" if control is None else f"{number:.3f} {TIMES} {control}"


def notes(history: History) -> Iterator[str]:
    """What a reader must know."""
    yield (
        "One value per sweep. Changes: binary segmentation with a permutation test over sweeps. While nothing changes, "
        "a change is found by chance in 5 % of histories; after a true change, others by chance are more frequent. "
        "Intervals: nominally 95 %, too narrow because the place of the change was searched for."
    )
    if history.control is None:
        yield "Seconds of different days differ by the day as well. With --control plain that part cancels."
    yield from (f"Left out: {line}" for line in history.ignored)


def html(history: History) -> str:
    """One page that needs nothing else, with one picture."""
    picture = _picture(history)
    lines = "".join(
        f"<h2>{escape(title(series))}</h2><ul>"
        + "".join(f"<li>{escape(line)}</li>" for line in sentences(series, history.control))
        + "</ul>"
        for series in history.series
    )
    mark = f"<p><strong>{escape(SIMULATED)}</strong></p>" if history.simulated else ""
    remarks = "".join(f"<p>{escape(note)}</p>" for note in notes(history))
    return visible(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>History</title><style>{style_sheet()}</style>'
        f"<main><h1>Starts over sweeps</h1>{mark}<figure>{picture.svg}</figure>{lines}{remarks}</main></html>\n"
    )


def _picture(history: History) -> Panel:
    """Every series by number of sweep: levels as steps, sweeps as points; lines end at breaks."""
    import altair as alt  # slow, for the page alone

    rows = [row for series in history.series for row in _rows(series)]
    unit = "seconds" if history.control is None else f"ratio to {history.control}"
    base = alt.Chart(alt.InlineData(values=rows))
    place = {
        "x": alt.X("sweep:Q", title="sweep, oldest first", axis=alt.Axis(tickMinStep=1, format="d")),
        "color": alt.Color("series:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=440)),
    }
    scale = alt.Scale(zero=False)
    dots = base.mark_point(filled=True, size=45).encode(y=alt.Y("value:Q", title=unit, scale=scale), **place)
    levels = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        y=alt.Y("level:Q", title=unit, scale=scale), detail="part:N", **place
    )
    described = "; ".join(f"{title(each)}: {'; '.join(sentences(each, history.control))}" for each in history.series)
    return panel("history", "Starts over sweeps", described, layered(levels, dots, height=260))


def _rows(series: Series) -> Iterator[dict[str, object]]:
    number = 0
    for part, stretch in enumerate(series.stretches):
        edges = [0, *(found.index for found in stretch.shifts), len(stretch.points)]
        for start, end in pairwise(edges):
            level = _geometric([point.value for point in stretch.points[start:end]])
            for point in stretch.points[start:end]:
                number += 1
                name = title(series)
                yield {
                    "sweep": number,
                    "value": point.value,
                    "level": level,
                    "series": name,
                    "part": f"{name} {part}",
                }


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _nothing(stretch: Stretch) -> str:
    if stretch.missing:
        return f"too few sweeps to find a change: {plural(stretch.missing, 'more sweep')} needed"
    return "no change found (that is no proof that there is none)"
