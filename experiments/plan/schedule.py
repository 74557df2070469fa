"""Which round of a plan comes next, from what the store holds. Pure, so that a resumed sweep decides the same.

Rounds run in the plan's order. A round that failed, was disturbed, or had fewer tasks than planned is tried again at
the end of its block, where it still shares the block's conditions, at most `MAX_ATTEMPTS` times in all. An aborted
round never ran to its end: it does not count as an attempt and comes first again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from experiments.plan.plan import Plan
from experiments.records.model import Outcome, Round, RoundRecord, RoundStatus

MAX_ATTEMPTS = 3
UNBOOTED = (Outcome.TIMEOUT, Outcome.STOPPED)
"""A task that ended so says something of its image, not of the target."""
_TRIED_AGAIN = (RoundStatus.FAILED, RoundStatus.CONTAMINATED)


def next_round(plan: Plan, records: Sequence[RoundRecord]) -> Round | None:
    """The round to run now, or `None` when the plan is done."""
    return next(remaining(plan, records), None)


def remaining(plan: Plan, records: Sequence[RoundRecord]) -> Iterator[Round]:
    """The rounds that are still to be run if all goes well, in order."""
    done = {record.round.index for record in records if record.status is RoundStatus.COMPLETE}
    failures = Counter(record.round.index for record in records if record.status in _TRIED_AGAIN)
    for _, block in groupby(plan.rounds, key=lambda round_: round_.block):
        open_rounds = [round_ for round_ in block if round_.index not in done]
        tries_left = [round_ for round_ in open_rounds if failures[round_.index] < MAX_ATTEMPTS]
        yield from sorted(tries_left, key=lambda round_: (failures[round_.index], round_.index))


def why_nothing_boots(plan: Plan, records: Sequence[RoundRecord], block: int) -> str | None:
    """The most frequent reason of a block that is done and in which no task booted, with the treatment that it is of;
    None for any other block.

    Only tasks whose image is to blame count: the next blocks would wait as long, for nothing.
    """
    following = next_round(plan, records)
    tasks = [
        (record.round, task) for record in records if record.round.block == block for task in record.observation.tasks
    ]
    if following is None or following.block == block or any(task.outcome not in UNBOOTED for _, task in tasks):
        return None
    reasons = Counter(
        f"{round_.variant} as {round_.form}: {(task.reason or 'no task gave a reason').rstrip('.')}"
        for round_, task in tasks
    )
    return reasons.most_common(1)[0][0] if reasons else None


def due_rounds(plan: Plan, begun: Collection[int]) -> tuple[Round, ...]:
    """The rounds that a sweep owes, given the indexes of those it began: all of them, or, where a rule may end the
    sweep early, those of every block that it began. A race owes no more than it began."""
    if plan.race is not None:
        return tuple(round_ for round_ in plan.rounds if round_.index in begun)
    if plan.stopping is None:
        return plan.rounds
    blocks = {round_.block for round_ in plan.rounds if round_.index in begun}
    return tuple(round_ for round_ in plan.rounds if round_.block in blocks)


def attempt_number(round_: Round, records: Iterable[RoundRecord]) -> int:
    """The number of the next attempt at a round, from 1, counting aborted ones too."""
    return 1 + sum(record.round.index == round_.index for record in records)
