"""A gate for continuous integration: do starts get slower, or fail more often, within one sweep or between two? Pure.

The gate fails only on evidence: the verdict is `slower` and the whole interval lies at or above the limit, or fewer
tasks boot than before (within one sweep: than of the control), beyond chance. It also fails if a treatment that should
have a figure has none. An inconclusive result is reported, and fails if that is asked for (`--fail-if-unsure`). What
could have been caught is always said, because a gate that passes for lack of data is worthless.
"""

from __future__ import annotations

from experiments.analysis.cells import Share
from experiments.analysis.sentences import interval, share
from experiments.compare.lacking import Booting
from experiments.compare.versus import Change, Versus
from experiments.wording import change as changed
from experiments.wording import percent, plural, tasks
from kit.values import Frozen

WITHIN_TWO = (
    "All of this is within these two sweeps: what changes from one sweep to the next, such as the machine's day, is "
    "not in the intervals, for no other sweeps of the same images are in the store."
)
IN_ONE = (
    "Images measured in one sweep do not leave that doubt: `sociometer run --image before=REF --image after=REF "
    "--control before`."
)


class Judgement(Frozen):
    """A phrase for each change that is slower than allowed, each that may be (``open``), each lost treatment, and each
    of which ``fewer`` tasks boot than before."""

    slower: tuple[str, ...]
    open: tuple[str, ...]
    lost: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the gate fails."""
        return bool(self.slower or self.lost or self.fewer)


def judge(comparison: Versus, limit: float) -> Judgement:
    """Judge the primary phase of every treatment and task count; ``limit`` is a share, 0.05 is 5 %."""
    primary = [change for change in comparison.changes if change.primary]
    control = comparison.control
    slower = [change for change in primary if _is_slower(change, limit)]
    unclear = [change for change in primary if change not in slower and not _is_within(change, limit)]
    perhaps = [each for each in comparison.booting if not each.less and _share(each.after) < _share(each.before)]
    return Judgement(
        slower=tuple(_phrase(each, control) for each in slower),
        open=(
            *(_phrase(each, control) for each in unclear),
            *(_booting(each, control) for each in perhaps),
            *(text.rstrip(".") for text in comparison.unfinished),
        ),
        lost=comparison.lost,
        fewer=tuple(_booting(each, control) for each in comparison.booting if each.less),
    )


def refusal(judgement: Judgement, limit: float, *, unequal: bool = False) -> str:
    """Return the message of a failure; ``unequal``: the machine was busier in one of two sweeps."""
    sentences = []
    if judgement.lost:
        lost = ", ".join(judgement.lost)
        sentences.append(f"Without a figure: {lost} (too few tasks booted; `sociometer report` says why).")
    if judgement.fewer:
        sentences.append(f"Fewer tasks boot, beyond chance: {'; '.join(judgement.fewer)}.")
    if judgement.slower:
        sentences.append(f"Slower by {percent(limit)} or more: {'; '.join(judgement.slower)}.")
        if unequal:
            sentences.append("The machine was busier in one of the sweeps: measure again before believing it.")
    return " ".join(sentences)


def doubt(judgement: Judgement, limit: float) -> str:
    """Return the warning about changes that may be worse than allowed."""
    return f"Cannot rule out a slow-down of {percent(limit)}: {'; '.join(judgement.open)}. More blocks would tell."


def reach(comparison: Versus) -> str:
    """Say which slow-down could have been caught: of the treatment of which it could catch least."""
    what = "pair of sweeps" if comparison.control is None else "sweep"
    primary = [change for change in comparison.changes if change.primary]
    known = [(change.could_catch, change) for change in primary if change.could_catch is not None]
    if len(known) < len(primary) or not known:
        enough = "3 blocks in each of them" if comparison.control is None else "3 blocks that have both"
        return f"This {what} could miss any slow-down, however large: it takes {enough}."
    caught, worst = max(known, key=lambda each: each[0])
    least_sure = f" Least sure is {_treatment(worst)}." if len(known) > 1 else ""
    apart = comparison.control is None and worst.between_sweeps is None
    return (
        f"{'Within these two sweeps: such' if apart else 'Such'} a {what} catches a slow-down of "
        f"{percent(caught)} or more in 4 of 5 cases; a smaller one may pass unseen.{least_sure}"
    )


def _is_slower(change: Change, limit: float) -> bool:
    return change.verdict == "slower" and change.interval is not None and change.interval.low >= 1 + limit


def _is_within(change: Change, limit: float) -> bool:
    return change.interval is not None and change.interval.high < 1 + limit and not change.lost_blocks


def _share(of_tasks: Share) -> float:
    return of_tasks.booted / of_tasks.tasks


def _treatment(each: Change | Booting) -> str:
    return f"{each.variant} {each.form} with {tasks(each.task_count)}"


def _phrase(change: Change, control: str | None) -> str:
    subject = f"{change.phase} of {_treatment(change)}{', as deployed,' if change.as_deployed else ''}"
    subject += f" against {control}" if control else ""
    if change.interval is None:
        return f"{subject} {changed(change.ratio)} in too few blocks"
    lost = f", and too many tasks failed in {plural(change.lost_blocks, 'more block')}" if change.lost_blocks else ""
    return f"{subject} {changed(change.ratio)} ({interval(change.interval)}){lost}"


def _booting(each: Booting, control: str | None) -> str:
    theirs = f"{share(each.before)} {'before' if control is None else f'of {control}'}"
    return f"{share(each.after)} tasks of {_treatment(each)} booted, {theirs}"
