"""Changes with their intervals as lines of text, for places that show neither pictures nor scripts.

A comment on GitHub or GitLab cannot hold an SVG, and Mermaid's charts have no intervals. A block of text is shown alike
there, in a mail and in a job's log. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from experiments.analysis.findings import Interval
from experiments.compare.versus import Change
from experiments.wording import change, tasks
from kit.visible import visible

WIDTH = 49
"""Columns of the scale."""
ROOM = 4
_NONE, _LIMIT, _POINT, _LINE = "│", "┊", "●", "─"
_ENDS, _CUT = ("├", "┤"), ("◄", "►")


class Scale(NamedTuple):
    """What the columns stand for: ratios from ``low``, in the first one, to ``high``, in the last.

    Logarithmic: half as long and twice as long are equally far from no change.
    """

    low: float
    high: float

    def column(self, ratio: float) -> int:
        """The column of a ratio; the first or last for one that lies outside."""
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return min(WIDTH - 1, max(0, round(share * (WIDTH - 1))))

    def holds(self, ratio: float) -> bool:
        """Whether a ratio lies within."""
        return self.low <= ratio <= self.high


def chart(changes: Sequence[Change], limit: float | None = None) -> str:
    """One line per change, and a line that says what the marks mean; ends with a newline, empty without changes.

    ``limit`` is the slow-down that is not allowed, as a share.
    """
    if not changes:
        return ""
    return "\n".join(_lines(changes, limit)) + "\n"


def scale(changes: Sequence[Change], limit: float | None = None) -> Scale:
    """Wide enough for every change, no change and the limit.

    Of the intervals, as much as `ROOM` times that width on either side: one of few blocks would leave nothing of the
    others to be seen.
    """
    core = [1.0, *(each.ratio for each in changes), *([] if limit is None else [1 + limit])]
    least, most = min(core), max(core)
    room = max(most / least, 1.01)
    ends = [end for each in changes if each.interval for end in (each.interval.low, each.interval.high)]
    low = max(min([least / room**0.25, *ends]), least / room**ROOM)
    high = min(max([most * room**0.25, *ends]), most * room**ROOM)
    return Scale(low, high)


def _lines(changes: Sequence[Change], limit: float | None) -> Iterator[str]:
    drawn_on = scale(changes, limit)
    names = [_name(each) for each in changes]
    figures = [change(each.ratio) for each in changes]
    widest, longest = max(map(cell_len, names)), max(map(len, figures))
    for each, name, figure in zip(changes, names, figures, strict=True):
        yield f"{name}{' ' * (widest - cell_len(name))}  {_drawn(each, drawn_on, limit)}  {figure:>{longest}}"
    ends = f"{change(drawn_on.low)}{change(drawn_on.high):>{WIDTH - len(change(drawn_on.low))}}"
    yield f"{' ' * widest}  {ends}"
    marks = [f"{_NONE} no change", f"{_ENDS[0]}{_LINE}{_POINT}{_LINE}{_ENDS[1]} change, 95 % interval"]
    if limit is not None:
        marks.insert(1, f"{_LIMIT} limit {change(1 + limit)}")
    yield f"{' ' * widest}  {'   '.join(marks)}"


def _name(each: Change) -> str:
    form = f"{each.form}, as deployed" if each.as_deployed else each.form
    return visible(" ".join(f"{each.variant} {form}, {tasks(each.task_count)}, {each.phase}".split()))


def _drawn(each: Change, drawn_on: Scale, limit: float | None) -> str:
    columns = [" "] * WIDTH
    none = drawn_on.column(1.0)
    columns[none] = _NONE
    if limit is not None:
        columns[max(none + 1, drawn_on.column(1 + limit))] = _LIMIT
    if each.interval is not None:
        _draw_interval(columns, each.interval, drawn_on)
    columns[drawn_on.column(each.ratio)] = _POINT
    return "".join(columns)


def _draw_interval(columns: list[str], of: Interval, drawn_on: Scale) -> None:
    first, last = drawn_on.column(of.low), drawn_on.column(of.high)
    for column in range(first, last + 1):
        if columns[column] == " ":
            columns[column] = _LINE
    columns[first] = _ENDS[0] if drawn_on.holds(of.low) else _CUT[0]
    columns[last] = _ENDS[1] if drawn_on.holds(of.high) else _CUT[1]
