"""The data behind the plots, as small frames made from a sweep's frames. Pure.

Only measurements are drawn as durations: booted tasks of complete rounds (`cells.measured`). A plot has at most
`MOST_POINTS` points. If there are more tasks, they are sampled at even steps in order of duration, always with the
fastest and the slowest, so that neither the shape nor an outlier is lost. The caller notes this below the plot.
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
"""The most tasks in the Gantt chart of a round; more could not be told apart."""
SEGMENTS = ("connect", "wait", "pull", "start", "boot")
_ENDS = ("connected_ns", "pull_started_ns", "pull_stopped_ns", "started_ns")
COLUMNS = (
    *("variant", "form", "task_count", "block", "round", "created_ns", *_ENDS, "ready_ns", "boot_finished_ns"),
    *("ready_seconds", "boot_seconds", "outcome", "round_status"),
)
"""The task columns that plots need; of a million rows, only these are copied."""
_GOLDEN = 0.618033988749895


class Segment(Frozen):
    """One part of a start, in seconds since the task's creation."""

    name: str
    begin_seconds: float
    end_seconds: float


def row_label(form: str, task_count: int, task_counts: Sequence[int]) -> str:
    """The label of a plot's row, with the task count only if there are several."""
    return form if len(task_counts) == 1 else f"{task_count:,} {TIMES} {form}"


def thinned(frame: pd.DataFrame, column: str, most: int) -> pd.DataFrame:
    """At most ``most`` rows, at even steps in the order of ``column``, with both ends."""
    ordered = frame.sort_values(column, kind="stable")
    if len(ordered) <= most:
        return ordered
    last = len(ordered) - 1
    return ordered.iloc[[round(step * last / (most - 1)) for step in range(most)]]


def scattered(count: int) -> list[float]:
    """Offsets from 0 to 1 that spread points evenly and are always the same (a golden-ratio sequence)."""
    return [(number * _GOLDEN + 0.5) % 1 for number in range(count)]


def moments(tasks: pd.DataFrame) -> pd.DataFrame:
    """The seconds from each task's creation to the end of each part; one column per part, NaN if not observed.

    A task without a boot report is done when it is ready.
    """
    import pandas as pd

    done = tasks["boot_finished_ns"].where(tasks["boot_finished_ns"].notna(), tasks["ready_ns"])
    ends = dict(zip(SEGMENTS, (*(tasks[end] for end in _ENDS), done), strict=True))
    columns = {name: (end - tasks["created_ns"]) / NS_PER_SECOND for name, end in ends.items()}
    return pd.DataFrame(columns, index=tasks.index).astype("float64")


def segments(ends: Sequence[float | None]) -> Iterator[Segment]:
    """The parts between ``ends``, which are in the order of `SEGMENTS`; a part with an unknown end is left out."""
    begin = 0.0
    for name, end in zip(SEGMENTS, ends, strict=True):
        if end is None or math.isnan(end):
            continue
        if end > begin:
            yield Segment(name=name, begin_seconds=begin, end_seconds=end)
            begin = end


def typical(tasks: pd.DataFrame) -> list[Segment]:
    """The parts of a typical start: each ends at the median of its ends.

    So the last part ends at the median of the whole start; a sum of the parts' medians would not.
    """
    return list(segments(list(moments(tasks).median())))
