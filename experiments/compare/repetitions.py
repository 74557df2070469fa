"""Other sweeps of the same things as two that are compared: they tell how much sweeps differ among themselves. Pure.

A sweep repeats another one's treatment if nothing but chance is between them: the same target, machine, tools, profile
and payload, and the same digest of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.analysis.statistics.between import Between, estimate
from experiments.analysis.statistics.paired import Floats
from experiments.compare import comparable
from experiments.compare.samples import Recorded, Row, logarithms
from experiments.store.sweeps import Sweep

MOST = 20
"""Sweeps to read for this, the latest first: more degrees of freedom hardly help."""
LEAST_BLOCKS = 2


def is_one(sweep: Sweep, before: Sweep, after: Sweep) -> bool:
    """Whether a sweep may tell how much sweeps like these two differ; it is neither of them."""
    if sweep.id in (before.id, after.id) or sweep.status != "finished":
        return False
    return any(
        not (comparable.aspects(sweep, side).keys() - {"image"}) and _shared(sweep, side) for side in (before, after)
    )


def between(before: Recorded, after: Recorded, repeated: Sequence[Recorded]) -> Callable[[Row], Between | None]:
    """Return how much sweeps differ in each row, by the sweeps of its treatment; None where none repeat it.

    The two themselves count, if they are of two images: then their difference is not what they are asked for.
    """
    known = {
        side.sweep.id: logarithms(side, "seconds", deployed=True) for side in (before, after, *repeated) if repeated
    }

    def of_row(row: Row) -> Between | None:
        digests = [_digest(side.sweep, row) for side in (before, after)]
        sides = (before, after) if digests[0] != digests[1] else ()
        groups: list[list[Floats]] = []
        for digest in dict.fromkeys(digests):
            sweeps = [side for side in (*sides, *repeated) if digest and _digest(side.sweep, row) == digest]
            blocks = [known[side.sweep.id][row].logarithms for side in sweeps if row in known.get(side.sweep.id, {})]
            groups.append([each for each in blocks if len(each) >= LEAST_BLOCKS])
        return estimate(groups)

    return of_row


def _digest(sweep: Sweep, row: Row) -> str | None:
    variant = sweep.outputs.variants.get(row.variant)
    treatment = variant.treatments.get(row.form) if variant else None
    return treatment.image_digest if treatment else None


def _shared(sweep: Sweep, other: Sweep) -> bool:
    """Whether both measured an image in a form."""
    return any(
        (theirs := _digest(other, row)) is not None and theirs == _digest(sweep, row)
        for variant, form in sweep.plan.design.treatments
        for row in (Row(variant, form, 1, ""),)
    )
