"""Count the tasks and rounds that the figures leave out, and say why, once for every report. Pure.

A task is in the figures if it booted as its form promises, in a round that completed as planned (`cells.is_measured`).
Everything else is counted by treatment and reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from experiments.analysis.cells import is_measured
from experiments.records.model import Outcome, RoundStatus
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

_TREATMENT = ["variant", "form", "task_count"]


class LeftOut(Frozen):
    """Tasks or rounds of one treatment that no figure includes, for one reason."""

    variant: str
    form: str
    task_count: int
    what: str
    count: int
    reason: str


def left_out(tasks: pd.DataFrame, rounds: pd.DataFrame) -> list[LeftOut]:
    """Return a row per treatment and reason, the most frequent first."""
    return sorted([*_tasks(tasks), *_rounds(rounds)], key=lambda row: -row.count)


def _tasks(tasks: pd.DataFrame) -> Iterator[LeftOut]:
    out = tasks[~is_measured(tasks)]
    outcome, status = out["outcome"].astype("str"), out["round_status"].astype("str")
    what = outcome.where(outcome != Outcome.BOOTED.value, "booted, in a round " + status)
    return _counted(out, "task " + what)


def _rounds(rounds: pd.DataFrame) -> Iterator[LeftOut]:
    out = rounds[rounds["status"] != RoundStatus.COMPLETE.value]
    return _counted(out, "round " + out["status"].astype("str"))


def _counted(frame: pd.DataFrame, what: pd.Series[str]) -> Iterator[LeftOut]:
    if frame.empty:
        return
    rows = frame[[*_TREATMENT, "reason"]].astype({"variant": "str", "form": "str", "reason": "object"})
    rows["reason"] = rows["reason"].where(rows["reason"].notna(), "")
    counts = rows.assign(what=what).groupby([*_TREATMENT, "what", "reason"], sort=False).size()
    key: tuple[Any, ...]
    for key, count in counts.items():
        variant, form, task_count, kind, reason = key
        yield LeftOut(
            variant=variant,
            form=form,
            task_count=int(task_count),
            what=kind,
            count=int(count),
            reason=str(reason) or "no reason given",
        )
