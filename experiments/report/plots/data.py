"""What the pictures draw, as small frames made from a sweep's frames and its analysis. Pure.

Only measurements are drawn as durations: booted tasks of complete rounds (`cells.measured`). Pictures hold at most
`MOST_POINTS` points each; beyond that, tasks are drawn at even steps through their order by duration, the fastest and
the slowest always among them, so that neither the shape nor an outlier is lost. The caller says that it was done.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.records.phases import NS_PER_SECOND
from experiments.wording import TIMES
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 600
MOST_BARS = 24
"""Tasks of one round in the Gantt picture; more could not be told apart."""
SEGMENTS = ("connect", "wait", "pull", "start", "boot")
_ENDS = ("connected_ns", "pull_started_ns", "pull_stopped_ns", "started_ns")
COLUMNS = (
    *("variant", "form", "task_count", "block", "round", "created_ns", *_ENDS, "ready_ns", "boot_finished_ns"),
    *("ready_seconds", "boot_seconds", "outcome", "round_status"),
)
"""The columns of tasks that pictures need: of a million rows, no more are copied."""
_GOLDEN = 0.618033988749895


class Segment(Frozen):
    """A part of a start, in seconds since the task's creation."""

    name: str
    begin_seconds: float
    end_seconds: float


def row_label(form: str, task_count: int, task_counts: Sequence[int]) -> str:
    """Names a row of a picture; the task count only where there are several."""
    return form if len(task_counts) == 1 else f"{task_count:,} {TIMES} {form}"


def thinned(frame: pd.DataFrame, column: str, most: int) -> pd.DataFrame:
    """At most ``most`` rows, at even steps through their order by ``column``, both ends included."""
    ordered = frame.sort_values(column, kind="stable")
    if len(ordered) <= most:
        return ordered
    last = len(ordered) - 1
    return ordered.iloc[[round(step * last / (most - 1)) for step in range(most)]]


def scattered(count: int) -> list[float]:
    """Offsets from 0 to 1 that spread points evenly and are the same every time (a golden-ratio sequence)."""
    return [(number * _GOLDEN + 0.5) % 1 for number in range(count)]


def moments(tasks: pd.DataFrame) -> pd.DataFrame:
    """Seconds since each task's creation at which its parts ended; one column per part, NaN where it was not seen.

    Without a boot report, a task is done when it is ready.
    """
    import pandas as pd

    done = tasks["boot_finished_ns"].where(tasks["boot_finished_ns"].notna(), tasks["ready_ns"])
    ends = dict(zip(SEGMENTS, (*(tasks[end] for end in _ENDS), done), strict=True))
    columns = {name: (end - tasks["created_ns"]) / NS_PER_SECOND for name, end in ends.items()}
    return pd.DataFrame(columns, index=tasks.index).astype("float64")


def segments(ends: Sequence[float | None]) -> Iterator[Segment]:
    """The parts between ends in the order of `SEGMENTS`; a part whose end is not known is left out."""
    begin = 0.0
    for name, end in zip(SEGMENTS, ends, strict=True):
        if end is None or math.isnan(end):
            continue
        if end > begin:
            yield Segment(name=name, begin_seconds=begin, end_seconds=end)
            begin = end


def typical(tasks: pd.DataFrame) -> list[Segment]:
    """The parts of a typical start: each ends at the median of the moments at which it ended.

    So the last one ends at the median of the whole, which the sum of the parts' own medians would not.
    """
    return list(segments(list(moments(tasks).median())))
