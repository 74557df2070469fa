"""Count the tasks and rounds that the figures leave out, and say why, once for every report. Pure.

A task is in the figures if it booted as its form promises, in a round that completed as planned (`cells.is_measured`).
Everything else is counted by treatment and reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from experiments.analysis.cells import is_measured
from experiments.records.model import Outcome, RoundStatus
from kit.values import Frozen

if TYPE_CHECKING:
    import pandas as pd

_TREATMENT = ["variant", "form", "task_count"]
TASKS = {
    Outcome.BOOTED.value: "booted",
    Outcome.TIMEOUT.value: "timed out",
    Outcome.STOPPED.value: "stopped",
    Outcome.NOT_LAZY.value: "booted without lazy loading",
    Outcome.CONTAMINATED.value: "disturbed",
    Outcome.ABORTED.value: "interrupted",
    Outcome.FAILED.value: "failed",
}
"""What became of a task, behind a number of tasks."""
ROUNDS = {
    RoundStatus.COMPLETE.value: "was complete",
    RoundStatus.CONTAMINATED.value: "was disturbed",
    RoundStatus.FAILED.value: "failed",
    RoundStatus.ABORTED.value: "was interrupted",
}
"""What became of a round, behind a number of rounds."""


class LeftOut(Frozen):
    """Tasks or rounds of one treatment that no figure includes, for one reason."""

    variant: str
    form: str
    task_count: int
    what: Literal["task", "round"]
    fate: str
    count: int
    reason: str


def left_out(tasks: pd.DataFrame, rounds: pd.DataFrame) -> list[LeftOut]:
    """Return a row per treatment and reason, the most frequent first."""
    return sorted([*_tasks(tasks), *_rounds(rounds)], key=lambda row: -row.count)


def _tasks(tasks: pd.DataFrame) -> Iterator[LeftOut]:
    return _counted(tasks[~is_measured(tasks)], "task", _fates_of_tasks)


def _fates_of_tasks(tasks: pd.DataFrame) -> pd.Series[str]:
    outcome, status = tasks["outcome"].astype("str"), tasks["round_status"].astype("str")
    return outcome.map(TASKS).where(outcome != Outcome.BOOTED.value, "booted in a round that " + status.map(ROUNDS))


def _rounds(rounds: pd.DataFrame) -> Iterator[LeftOut]:
    return _counted(rounds[rounds["status"] != RoundStatus.COMPLETE.value], "round", _fates_of_rounds)


def _fates_of_rounds(rounds: pd.DataFrame) -> pd.Series[str]:
    return rounds["status"].astype("str").map(ROUNDS)


def _counted(
    frame: pd.DataFrame, what: Literal["task", "round"], fates: Callable[[pd.DataFrame], pd.Series[str]]
) -> Iterator[LeftOut]:
    if frame.empty:
        return
    rows = frame[[*_TREATMENT, "reason"]].astype({"variant": "str", "form": "str", "reason": "object"})
    rows["reason"] = rows["reason"].where(rows["reason"].notna(), "")
    counts = rows.assign(fate=fates(frame)).groupby([*_TREATMENT, "fate", "reason"], sort=False).size()
    key: tuple[Any, ...]
    for key, count in counts.items():
        variant, form, task_count, fate_of_it, reason = key
        yield LeftOut(
            variant=variant,
            form=form,
            task_count=int(task_count),
            what=what,
            fate=str(fate_of_it),
            count=int(count),
            reason=str(reason) or "no reason given",
        )
