"""What a race found: a row per form, the form that was chosen, and how it compares with the references. Pure.

Intervals of the chosen form come from the confirming blocks alone (`experiments.analysis.race` says why); those of the
others from every block that measured both, each taken alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
from pydantic import Field

from experiments.analysis import race as races
from experiments.analysis.findings import Comparison, Interval, Verdict
from experiments.analysis.race import Times
from experiments.analysis.statistics.paired import LEAST_BLOCKS, interval
from experiments.plan.race import Race
from experiments.records.model import Outcome, RoundRecord
from experiments.records.phases import NS_PER_SECOND
from experiments.store.sweeps import Sweep
from kit.values import Frozen

LEVEL = 0.95


class Against(Frozen):
    """A form ÷ a reference in seconds to ready, by the blocks that measured both."""

    blocks: int
    ratio: float
    interval: Interval | None = Field(description=f"None below {LEAST_BLOCKS} blocks")
    seconds: float = Field(description="of the form: geometric mean over these blocks")
    reference_seconds: float = Field(description="the same of the reference")


class Racer(Frozen):
    """A form in the race."""

    form: str
    blocks: int = Field(description="in which it was ready")
    seconds: float | None = Field(description="median to ready over all its blocks")
    run_seconds: float | None = Field(description="median from the container's start to ready")
    received_bytes: float | None = Field(description="median over the network")
    dropped_after: int | None = Field(description="blocks; None: it was in to the end")
    against: dict[str, Against] = Field(description="by reference")


class Raced(Frozen):
    """A race as it stands. ``chosen`` is None before it has chosen, or when nothing was ready in every block."""

    sweep_id: str
    image: str
    profile: str
    racers: tuple[Racer, ...] = Field(description="fastest first, by those left in, then by the last that was dropped")
    chosen: str | None
    tied: tuple[str, ...] = Field(description="as fast as the fastest, as far as anybody can tell, fastest first")
    raced: int = Field(description="blocks that chose")
    confirmed: int = Field(description="blocks that confirmed")
    wanted: int = Field(description="blocks that were to confirm")
    out_of_time: bool

    def racer(self, form: str) -> Racer:
        """The row of a form."""
        return next(racer for racer in self.racers if racer.form == form)

    @property
    def winner(self) -> Racer | None:
        """The row of the chosen form."""
        return None if self.chosen is None else self.racer(self.chosen)


def raced(sweep: Sweep, race: Race, records: Sequence[RoundRecord]) -> Raced:
    """The standing of a race, with the figures of every form."""
    times = races.times_of(sweep.plan, race, records)
    now = races.standing(race, times)
    confirming = range(now.raced, len(times)) if now.chosen else range(0)
    racers = [
        _racer(form, race, times, confirming if form == now.chosen else range(len(times)), records)
        for form in race.forms
    ]
    return Raced(
        sweep_id=sweep.id,
        image=race.image,
        profile=sweep.key_metadata.get("profile", ""),
        racers=tuple(sorted(racers, key=_best_first)),
        chosen=now.chosen,
        tied=now.tied,
        raced=now.raced,
        confirmed=len(confirming),
        wanted=races.confirming_blocks(race, now.raced),
        out_of_time=now.out_of_time,
    )


def comparison(found: Raced, form: str, reference: str) -> Comparison | None:
    """A form against a reference as any sweep's comparison; None where no block measured both."""
    against = found.racer(form).against.get(reference)
    if against is None:
        return None
    ends = against.interval
    verdict: Verdict = "undecided"
    if ends is not None and not ends.low <= 1 <= ends.high:
        verdict = "faster" if ends.high < 1 else "slower"
    return Comparison(
        variant=found.image,
        form=form,
        control_variant=found.image,
        control=reference,
        task_count=1,
        phase=races.PHASE,
        blocks=against.blocks,
        seconds=against.seconds,
        control_seconds=against.reference_seconds,
        ratio=against.ratio,
        interval=ends,
        verdict=verdict,
    )


def _racer(form: str, race: Race, times: Times, compared: range, records: Sequence[RoundRecord]) -> Racer:
    tasks = [
        task
        for record in records
        if record.round.form == form
        for task in record.observation.tasks
        if task.outcome is Outcome.BOOTED and task.times.ready_ns is not None
    ]
    ready = [seen.seconds for each in times.values() if (seen := each.get(form)) and seen.seconds is not None]
    run = [(task.times.ready_ns or 0) - task.times.started_ns for task in tasks if task.times.started_ns is not None]
    received = [task.received_bytes for task in tasks if task.received_bytes is not None]
    others = [reference for reference in race.references if reference != form]
    found = {reference: _against(times, form, reference, compared) for reference in others}
    return Racer(
        form=form,
        blocks=len(ready),
        seconds=median(ready) if ready else None,
        run_seconds=median(run) / NS_PER_SECOND if run else None,
        received_bytes=median(received) if received else None,
        dropped_after=races.standing(race, times).dropped.get(form),
        against={reference: against for reference, against in found.items() if against is not None},
    )


def _against(times: Times, form: str, reference: str, blocks: range) -> Against | None:
    if not len(blocks):
        return None
    values = races.logs(times, (form, reference), blocks)
    values = values[:, ~np.isnan(values).any(axis=0)]
    differences = values[0] - values[1]
    if not len(differences):
        return None
    own, others = np.exp(values.mean(axis=1))
    ends = None
    if len(differences) >= LEAST_BLOCKS:
        low, high = np.exp(interval(differences, LEVEL))
        ends = Interval(low=float(low), high=float(high), level=LEVEL)
    return Against(
        blocks=len(differences),
        ratio=float(np.exp(differences.mean())),
        interval=ends,
        seconds=float(own),
        reference_seconds=float(others),
    )


def _best_first(racer: Racer) -> tuple[bool, int, float]:
    seconds = float("inf") if racer.seconds is None else racer.seconds
    return racer.dropped_after is not None, -(racer.dropped_after or 0), seconds
