"""A gate for continuous integration: did starts get slower than allowed between two sweeps? Pure.

The gate fails only on evidence: the verdict is `slower` and the whole interval lies at or above the limit. An
inconclusive result does not fail, but it is reported, because a gate that passes for lack of data is worthless. For
the same reason the gate fails if a treatment that was measured before has no complete round after.
"""

from __future__ import annotations

from experiments.analysis.sentences import interval
from experiments.compare.versus import Change, Versus
from experiments.wording import change as changed
from experiments.wording import percent, tasks
from kit.values import Frozen


class Judgement(Frozen):
    """A phrase for each change that is slower than allowed, each that may be (``open``), and each lost treatment."""

    slower: tuple[str, ...]
    open: tuple[str, ...]
    lost: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the gate fails."""
        return bool(self.slower or self.lost)


def judge(comparison: Versus, limit: float) -> Judgement:
    """Judge the primary phase of every treatment and task count; ``limit`` is a share, 0.05 is 5 %."""
    primary = [change for change in comparison.changes if change.primary]
    slower = [change for change in primary if _is_slower(change, limit)]
    unclear = [change for change in primary if change not in slower and not _is_within(change, limit)]
    return Judgement(slower=tuple(map(_phrase, slower)), open=tuple(map(_phrase, unclear)), lost=comparison.lost)


def refusal(judgement: Judgement, limit: float, *, unequal: bool = False) -> str:
    """Return the message of a failure; ``unequal``: the machine was busier in one of the sweeps."""
    sentences = []
    if judgement.lost:
        lost = ", ".join(judgement.lost)
        sentences.append(f"No longer measured: {lost} (no complete round after; `sociometer report` says why).")
    if judgement.slower:
        sentences.append(f"Slower by {percent(limit)} or more: {'; '.join(judgement.slower)}.")
        if unequal:
            sentences.append("The machine was busier in one of the sweeps: measure again before believing it.")
    return " ".join(sentences)


def doubt(judgement: Judgement, limit: float) -> str:
    """Return the warning about changes that may be slower than allowed."""
    return f"Cannot rule out a slowdown of {percent(limit)}: {'; '.join(judgement.open)}. More blocks would tell."


def _is_slower(change: Change, limit: float) -> bool:
    return change.verdict == "slower" and change.interval is not None and change.interval.low >= 1 + limit


def _is_within(change: Change, limit: float) -> bool:
    return change.interval is not None and change.interval.high < 1 + limit


def _phrase(change: Change) -> str:
    subject = f"{change.phase} of {change.variant} {change.form} with {tasks(change.task_count)}"
    if change.interval is None:
        return f"{subject} {changed(change.ratio)} in too few blocks"
    return f"{subject} {changed(change.ratio)} ({interval(change.interval)})"
