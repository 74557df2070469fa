"""How many tasks booted as their form promises, per treatment, and whether a share is smaller beyond chance. Pure.

A task counts if its own fate says something of its image: it booted, timed out, stopped by itself, or did not load
lazily. On Fargate a task that stops by itself is replaced, which spoils its round: such a round gives no duration, but
its failure counts, with the round's other tasks. Other attempts that did not complete say something of the target.

A share is smaller beyond chance if two tests agree. Fisher's exact test compares the tasks, with Holm's correction over
the treatments that had a failure at all (the others cannot differ: Tarone, Biometrics 46, 1990). But one bad minute can
fail all tasks of a round. So a permutation test of whole blocks must not contradict: its p is at most 5 %, or the
smallest that so few blocks can give. It takes at least three blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.analysis.cells import Cell, Share
from experiments.analysis.statistics import share
from experiments.analysis.statistics.multiple import holm
from experiments.analysis.statistics.paired import LEAST_BLOCKS, Floats
from experiments.analysis.statistics.permutation import Permuted
from experiments.records.model import Outcome, RoundStatus

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
NEVER_BOOTED = (Outcome.TIMEOUT.value, Outcome.STOPPED.value)
"""Outcomes of tasks that nobody could use, because of their image."""
TREATMENT = ["variant", "form", "task_count"]
_ATTEMPT = [*TREATMENT, "block", "round", "attempt"]
Key = tuple[str, str, int]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Tasks that booted as promised, and all that count, by block; both in the order of ``blocks``."""

    blocks: Ints
    booted: Ints
    tasks: Ints

    @property
    def share(self) -> Share:
        """The share over all blocks."""
        booted, tasks = int(self.booted.sum()), int(self.tasks.sum())
        low, high = share.interval(booted, tasks, LEVEL)
        return Share(booted=booted, tasks=tasks, low=low, high=high)

    @property
    def failed(self) -> Floats:
        """The share of each block that did not boot as promised."""
        return np.asarray(1 - self.booted / self.tasks)


def total(cells: Iterable[Cell]) -> Share | None:
    """Return the share of all tasks of a sweep; None if there are none."""
    known = [cell.booted for cell in cells if cell.booted is not None]
    if not known:
        return None
    booted, tasks = sum(each.booted for each in known), sum(each.tasks for each in known)
    low, high = share.interval(booted, tasks, LEVEL)
    return Share(booted=booted, tasks=tasks, low=low, high=high)


def counts(tasks: pd.DataFrame) -> dict[Key, Counts]:
    """Return the counts of each treatment and task count that has any, from a sweep's task frame."""
    own = tasks[[*_ATTEMPT, "outcome", "round_status"]]
    outcome, complete = own["outcome"], own["round_status"] == RoundStatus.COMPLETE.value
    spoilt = ~complete & (own["round_status"] != RoundStatus.ABORTED.value)
    flagged = own[_ATTEMPT].assign(
        booted=complete & (outcome == Outcome.BOOTED.value),
        failed=complete & outcome.isin([*NEVER_BOOTED, Outcome.NOT_LAZY.value]),
        stopped=spoilt & (outcome == Outcome.STOPPED.value),
    )
    attempts = flagged.groupby(_ATTEMPT, observed=True)[["booted", "failed", "stopped"]].sum().reset_index()
    spoiler = attempts["stopped"].clip(upper=attempts["task_count"])
    others = (attempts["task_count"] - spoiler).where(spoiler > 0, 0)
    summed = (
        attempts.assign(booted=attempts["booted"] + others, failed=attempts["failed"] + spoiler)
        .groupby([*TREATMENT, "block"], observed=True)[["booted", "failed"]]
        .sum()
        .reset_index()
    )
    summed = summed[summed["booted"] + summed["failed"] > 0]
    return {
        (str(variant), str(form), int(count)): Counts(
            blocks=group["block"].to_numpy(dtype=np.int64),
            booted=group["booted"].to_numpy(dtype=np.int64),
            tasks=(group["booted"] + group["failed"]).to_numpy(dtype=np.int64),
        )
        for (variant, form, count), group in summed.groupby(TREATMENT, observed=True)
    }


def smaller(
    pairs: Mapping[Key, tuple[Counts, Counts]], permute: Callable[[Counts, Counts], Permuted]
) -> dict[Key, bool]:
    """Whether the first share of each pair is smaller than the second beyond chance.

    ``permute`` is the two-sided permutation test of whole blocks that fits how the two were measured.
    """
    compared = {
        key: (now, then) for key, (now, then) in pairs.items() if min(len(now.blocks), len(then.blocks)) >= LEAST_BLOCKS
    }
    failing = {key: sides for key, sides in compared.items() if any((side.booted < side.tasks).any() for side in sides)}
    if not failing:
        return dict.fromkeys(pairs, False)
    p_values = [_p_value(now.share, then.share) for now, then in failing.values()]
    certain = dict(zip(failing, holm(np.array(p_values)) <= 1 - LEVEL, strict=True))
    return {key: bool(certain.get(key)) and not _contradicted(permute(*compared[key])) for key in pairs}


def _p_value(now: Share, then: Share) -> float:
    return share.smaller_p(now.booted, now.tasks, then.booted, then.tasks)


def _contradicted(permuted: Permuted) -> bool:
    """Whether whole blocks say that it may be chance; the test is two-sided, and the side is known here."""
    return permuted.p_value / 2 > max(1 - LEVEL, permuted.least / 2)
