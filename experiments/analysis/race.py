"""Where a race stands, from its rule and what was measured so far: who is dropped, what comes next, who won. Pure.

Everything follows from the records: a race that was killed, or is looked at later, comes to the same. First all forms
that are still in run in each block, and after each block those that are clearly slower than the leader are dropped
(`statistics.racing`). That ends when one is left, or when just the time is left for the confirmation. Then one form is
chosen, by those blocks alone, and only it and the references run in the confirming blocks. The intervals that are told
come from these: they took no part in the choice, so the chosen form's good luck is not in them (the winner's curse).

A reference that is dropped (as a slow `plain` mostly is) runs again in the first `LEAST_BLOCKS` confirming blocks
alone: enough for an interval, without eating the budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import mean
from typing import NamedTuple

import numpy as np

from experiments.analysis.statistics import racing
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.plan import schedule
from experiments.plan.plan import Plan
from experiments.plan.race import MOST_RACING, Race
from experiments.records.model import Outcome, Round, RoundRecord, RoundStatus
from experiments.records.phases import durations, wall_seconds

PHASE = "ready"


class Seen(NamedTuple):
    """A form in a block: its seconds to ready, None where it gave none, and how long the round took in all."""

    seconds: float | None
    wall_seconds: float


Times = Mapping[int, Mapping[str, Seen]]
"""By block, then by form."""


@dataclass(frozen=True)
class Standing:
    """A race before the block that comes next. ``next_forms`` is empty when it is over.

    ``dropped`` has for each dropped form the number of blocks after which it was; ``raced`` is how many blocks the race
    had when ``chosen`` was chosen, and ``tied`` the forms that were as fast as far as anybody can tell, fastest first.
    """

    next_forms: tuple[str, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)
    raced: int = 0
    chosen: str | None = None
    tied: tuple[str, ...] = ()
    out_of_time: bool = False


def standing(race: Race, times: Times) -> Standing:
    """Where a race stands when the blocks 0, 1, … of ``times`` are done."""
    alive, dropped = race.forms, dict[str, int]()
    for block in range(MOST_RACING + 1):
        over = block > 0 and (len(alive) < 2 or _only_time_to_confirm(race, times, block, alive, dropped))
        if over or block == MOST_RACING:
            return _confirmation(race, times, block, alive, dropped)
        if block not in times:
            return Standing(alive, dropped, block)
        if block == 0 and not times[0].keys() >= set(race.forms):
            return Standing((), out_of_time=True)  # the time was over in the first block, which can choose nothing
        out = _slower(race, times, block + 1, alive)
        dropped.update(dict.fromkeys(out, block + 1))
        alive = tuple(form for form in alive if form not in out)
    raise AssertionError("a race ends with its last block")


def confirming_blocks(race: Race, raced: int) -> int:
    """How many blocks confirm what so many blocks chose: a long race is worth a narrow interval."""
    return max(race.confirming, raced // 2)


def due(plan: Plan, race: Race, records: Sequence[RoundRecord]) -> Plan:
    """The plan with those rounds alone that a race wants by now, the next block's included."""
    by_round = {round_.index: round_ for round_ in plan.rounds}
    wanted: list[Round] = []
    times: dict[int, dict[str, Seen]] = {}
    for block, rounds in groupby(plan.rounds, key=lambda round_: round_.block):
        forms = standing(race, times).next_forms
        now = [round_ for round_ in rounds if round_.form in forms]
        wanted += now
        reduced = plan.model_copy(update={"rounds": tuple(wanted)})
        if block == 0 and _is_over(race, reduced, records):
            return _only_done(reduced, records)
        if not now or schedule.next_round(reduced, records) is not None:
            return reduced
        of_block = [record for record in records if by_round[record.round.index].block == block]
        times[block] = {form: seen(of_block, form) for form in forms}
    return plan.model_copy(update={"rounds": tuple(wanted)})


def _is_over(race: Race, first_block: Plan, records: Sequence[RoundRecord]) -> bool:
    """Whether the first block's next round would end after the budget, as far as the rounds so far tell."""
    if not records or schedule.next_round(first_block, records) is None:
        return False
    seconds = [wall_seconds(record) for record in records]
    return sum(seconds) + mean(seconds) > race.budget_seconds


def _only_done(plan: Plan, records: Sequence[RoundRecord]) -> Plan:
    """The plan without the rounds that are still to be run."""
    left = {round_.index for round_ in schedule.remaining(plan, records)}
    return plan.model_copy(update={"rounds": tuple(it for it in plan.rounds if it.index not in left)})


def times_of(plan: Plan, race: Race, records: Sequence[RoundRecord]) -> dict[int, dict[str, Seen]]:
    """What was measured in the blocks that are done."""
    wanted = due(plan, race, records)
    pending = schedule.next_round(wanted, records)
    return {
        block: {round_.form: seen([it for it in records if it.round.block == block], round_.form) for round_ in rounds}
        for block, rounds in groupby(wanted.rounds, key=lambda round_: round_.block)
        if pending is None or block < pending.block
    }


def seen(of_block: Sequence[RoundRecord], form: str) -> Seen:
    """What the attempts at a form in one block gave."""
    attempts = [record for record in of_block if record.round.form == form]
    complete = [record for record in attempts if record.status is RoundStatus.COMPLETE]
    ready = [
        value
        for record in complete
        for task in record.observation.tasks
        if task.outcome is Outcome.BOOTED and (value := durations(task).of(PHASE)) is not None
    ]
    return Seen(float(np.median(ready)) if ready else None, sum(map(wall_seconds, attempts)))


def logs(times: Times, forms: Sequence[str], blocks: Sequence[int]) -> Floats:
    """The logarithms of the seconds, forms x blocks; NaN where there is none."""
    cells = [[times[block].get(form, _NOTHING).seconds for block in blocks] for form in forms]
    return np.array([[math.nan if value is None else math.log(value) for value in row] for row in cells])


_NOTHING = Seen(None, 0.0)


def _slower(race: Race, times: Times, blocks: int, alive: Sequence[str]) -> tuple[str, ...]:
    """The forms to drop after so many blocks: clearly slower than the leader, or never ready in two blocks."""
    values = logs(times, alive, range(blocks))
    measured = np.sum(~np.isnan(values), axis=1)
    if len(alive) < 2 or not (measured == blocks).any():
        return ()
    leader = _leader(values)
    if blocks < racing.FIRST_LOOK:
        out = values[:, 0] - values[leader, 0] > math.log(racing.FAR)
    else:
        level = racing.error_of_look(race.error, blocks, len(race.forms))
        out = (racing.p_slower(values, leader) <= level) | (blocks - measured >= racing.FIRST_LOOK)
    return tuple(form for form, is_out in zip(alive, out, strict=True) if is_out)


def _leader(values: Floats) -> int:
    """The form with the lowest mean among those that every block measured."""
    whole = ~np.isnan(values).any(axis=1)
    return int(np.argmin(np.where(whole, np.sum(np.nan_to_num(values), axis=1), np.inf)))


def _confirmation(race: Race, times: Times, raced: int, alive: Sequence[str], dropped: Mapping[str, int]) -> Standing:
    chosen, tied = _choice(race, times, raced, alive)
    if chosen is None:
        return Standing((), dropped, raced)
    for number in range(confirming_blocks(race, raced)):
        forms = _confirming(race, chosen, dropped, number)
        if len(forms) < 2:
            break
        if raced + number in times:
            continue
        late = _used(times) + _expected(times, forms) > race.budget_seconds
        return Standing(() if late else forms, dropped, raced, chosen, tied, out_of_time=late)
    return Standing((), dropped, raced, chosen, tied)


def _choice(race: Race, times: Times, raced: int, alive: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """The form that changes the image least among those as fast as the fastest; and all of these, fastest first."""
    values = logs(times, alive, range(raced))
    if not raced or np.isnan(values).all() or not (~np.isnan(values)).all(axis=1).any():
        return None, ()
    leader = _leader(values)
    behind = np.nanmean(values - values[leader], axis=1)
    close = (behind <= math.log1p(race.tie)) & (racing.p_slower(values, leader) > race.error)
    close[leader] = True
    order = [place for place in np.argsort(behind, kind="stable") if close[place]]
    return alive[min(order)], tuple(alive[place] for place in order)


def _confirming(race: Race, chosen: str, dropped: Mapping[str, int], number: int) -> tuple[str, ...]:
    """The forms of a confirming block, in the order of the race's; ``number`` counts them from 0."""
    references = [form for form in race.references if form not in dropped or number < LEAST_BLOCKS]
    return tuple(form for form in race.forms if form == chosen or form in references)


def _only_time_to_confirm(
    race: Race, times: Times, block: int, alive: Sequence[str], dropped: Mapping[str, int]
) -> bool:
    """Whether a further block would leave too little time for the confirmation; once begun, a block counts."""
    before = {done: forms for done, forms in times.items() if done < block}
    chosen = alive[0]
    confirmation = sum(
        _expected(before, {*_confirming(race, chosen, dropped, number), alive[-1]})
        for number in range(confirming_blocks(race, block))
    )
    return _used(before) + _expected(before, alive) + confirmation > race.budget_seconds


def _used(times: Times) -> float:
    return sum(seen.wall_seconds for forms in times.values() for seen in forms.values())


def _expected(times: Times, forms: Sequence[str] | set[str]) -> float:
    """Seconds that rounds of these forms take, by the mean of what such rounds took."""
    return sum(mean([of_block[form].wall_seconds for of_block in times.values() if form in of_block]) for form in forms)
