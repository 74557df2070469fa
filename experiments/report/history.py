"""A history for people: one sparkline and a few lines per series, or a page with a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from experiments.compare.history import History, Point, Series, Shift, Stretch
from experiments.compare.slower import Standing
from experiments.report import page
from experiments.report.contents import SIMULATED
from experiments.report.plots import history as plots
from experiments.wording import MINUS, TIMES, percent, percent_number, plural, seconds, tasks
from kit.visible import visible

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


def headline(history: History) -> str:
    """The newest change of each series that has one, slower releases first; else what can be said."""
    newest = [(series, series.stretches[-1]) for series in history.series]
    changed = [(series, stretch.shifts[-1]) for series, stretch in newest if stretch.shifts]
    if changed:
        changed.sort(key=lambda pair: (not (pair[1].image_changed and pair[1].ratio > 1), -pair[1].ratio))
        return "; ".join(f"{series.variant} {series.form}: {shift(found)}" for series, found in changed[:2]) + "."
    if least := min(stretch.missing for _, stretch in newest):
        return f"Too few sweeps to find a change: {plural(least, 'more sweep')} needed."
    return "No change found."


def sparkline(points: Sequence[Point]) -> str:
    """One bar a sweep, from the lowest to the highest of the stretch."""
    low, high = min(point.value for point in points), max(point.value for point in points)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0
    return "".join(_BARS[round((point.value - low) * scale)] for point in points)


def sentences(series: Series, control: str | None) -> Iterator[str]:
    """What each stretch says, oldest first."""
    for stretch in series.stretches:
        if stretch.broken_by:
            yield f"not compared with the sweeps before, because of another {stretch.broken_by}"
        yield _measured(stretch.points, control)
        yield from map(shift, stretch.shifts)
        if not stretch.shifts:
            yield _nothing(stretch)


def _measured(points: Sequence[Point], control: str | None) -> str:
    values = [point.value for point in points]
    days = list(dict.fromkeys(f"{datetime.fromtimestamp(each.created_ns // 10**9, UTC):%Y-%m-%d}" for each in points))
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    if len(points) == 1:
        return f"1 sweep, {when}: {value(values[0], control)}"
    ends = f"{number(min(values), control)} to {value(max(values), control)}"
    return f"{plural(len(points), 'sweep')}, {when}: {ends}; the last {value(values[-1], control)}"


def shift(found: Shift) -> str:
    """One line for continuous integration: slower since release 1.8 (sha256:…), 12 % (8 to 16)."""
    low, high = found.interval.low, found.interval.high
    word = "slower" if found.ratio > 1 else "faster"
    probably = "probably " if low < 1 < high else ""
    first, last = found.sweeps
    where = "" if first == last else f", somewhere from sweep {first} to {last}"
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


def value(figure: float, control: str | None) -> str:
    """Seconds, or a ratio to the control."""
    return f"{number(figure, control)} s" if control is None else f"{number(figure, control)} {TIMES} {control}"


def number(figure: float, control: str | None) -> str:
    """The same without its unit."""
    return seconds(figure) if control is None else f"{figure:.3f}"


def notes(history: History) -> Iterator[str]:
    """What a reader must know."""
    yield (
        "One value per sweep. Where nothing changes, 1 history in 20 shows a change by chance. The 95 % ranges take "
        "into account that the change was searched for, so they are wide where it is barely visible."
    )
    if history.control is None:
        yield "Seconds also differ from day to day. --control plain compares ratios to plain, which leaves that out."
    yield from (f"Left out: {line}" for line in history.ignored)


def html(history: History) -> str:
    """One page that needs nothing else."""
    named = ", ".join(dict.fromkeys(series.variant for series in history.series))
    return page.rendered(
        "history.html.j2",
        history=history,
        title=f"History of {named}",
        headline=headline(history),
        figure=plots.figure(history),
        series=[(title(series), list(sentences(series, history.control))) for series in history.series],
        notes=list(notes(history)),
    )


def _nothing(stretch: Stretch) -> str:
    if stretch.missing:
        return f"too few sweeps to find a change: {plural(stretch.missing, 'more sweep')} needed"
    return "no change found; a small one may be hidden"
