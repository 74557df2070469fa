"""Did a start become slower than it may? The answer for continuous integration, from a comparison of two sweeps. Pure.

It fails on evidence alone: the verdict is `slower` and the whole interval lies at or above the limit. What cannot be
told is not a failure but is said, for a gate that passes because nothing was measured well is worth nothing. For the
same reason it fails when a treatment that was measured before has no complete round any more.
"""

from __future__ import annotations

from experiments.analysis.sentences import interval
from experiments.compare.versus import Change, Versus
from experiments.wording import change as changed
from experiments.wording import percent, tasks
from kit.values import Frozen


class Judgement(Frozen):
    """The changes that are slower than allowed, and those of which that cannot be ruled out, a sentence each; and the
    treatments that are not measured any more.
    """

    slower: tuple[str, ...]
    open: tuple[str, ...]
    lost: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether this is no pass."""
        return bool(self.slower or self.lost)


def judge(found: Versus, limit: float) -> Judgement:
    """Look at the primary phase of every treatment and task count; ``limit`` is a share, 0.05 is 5 %."""
    primary = [change for change in found.changes if change.primary]
    slower = [change for change in primary if _is_slower(change, limit)]
    left = [change for change in primary if change not in slower and not _is_within(change, limit)]
    return Judgement(slower=tuple(map(_sentence, slower)), open=tuple(map(_sentence, left)), lost=found.lost)


def refusal(judgement: Judgement, limit: float, *, unequal: bool = False) -> str:
    """What is said when it fails; ``unequal``: the machine was busier in one of the sweeps."""
    said = []
    if judgement.lost:
        lost = ", ".join(judgement.lost)
        said.append(f"Not measured any more: {lost} (no complete round after; `sociometer report` says why).")
    if judgement.slower:
        said.append(f"Slower by {percent(limit)} or more: {'; '.join(judgement.slower)}.")
        if unequal:
            said.append("The machine was busier in one of the sweeps: measure again before believing it.")
    return " ".join(said)


def doubt(judgement: Judgement, limit: float) -> str:
    """What is said when something may be."""
    return f"Cannot rule out slower by {percent(limit)}: {'; '.join(judgement.open)}. More blocks would tell."


def _is_slower(change: Change, limit: float) -> bool:
    return change.verdict == "slower" and change.interval is not None and change.interval.low >= 1 + limit


def _is_within(change: Change, limit: float) -> bool:
    return change.interval is not None and change.interval.high < 1 + limit


def _sentence(change: Change) -> str:
    place = f"{change.phase} of {change.variant} {change.form} with {tasks(change.task_count)}"
    if change.interval is None:
        return f"{place} {changed(change.ratio)} in too few blocks"
    return f"{place} {changed(change.ratio)} ({interval(change.interval)})"
