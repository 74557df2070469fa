"""Other sweeps of the same things as two that are compared: they tell how much sweeps differ among themselves. Pure.

A sweep repeats another one's treatment if nothing but chance is between them: the same target, machine, tools, profile
and payload, and the same digest of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from experiments.analysis.statistics.between import Between, estimate
from experiments.analysis.statistics.paired import Floats
from experiments.compare import comparable
from experiments.compare.samples import Blocks, Recorded, Row, logarithms
from experiments.store.sweeps import Sweep

MOST = 20
"""Sweeps to read for this, the latest first: more degrees of freedom hardly help."""
LEAST_BLOCKS = 2


def is_one(sweep: Sweep, before: Sweep, after: Sweep) -> bool:
    """Whether a sweep may tell how much sweeps like these two differ; it is neither of them."""
    if sweep.id in (before.id, after.id) or sweep.status != "finished":
        return False
    return any(_alike(sweep, side) and _shared(sweep, side) for side in (before, after))


def between(before: Recorded, after: Recorded, repeated: Sequence[Recorded]) -> Callable[[Row], Between | None]:
    """Return how much sweeps differ in each row, by the sweeps of its treatment; None where none repeat it.

    The two themselves count, if they are not of the same thing: then their difference is not what they are asked for.
    """
    sides = (before, after)
    known = {side.sweep.id: logarithms(side, "seconds", deployed=True) for side in (*sides, *repeated) if repeated}
    alike = {(each.sweep.id, side.sweep.id): _alike(each.sweep, side.sweep) for each in repeated for side in sides}
    same_thing = _alike(before.sweep, after.sweep)

    def of_row(row: Row) -> Between | None:
        digests = [_digest(side.sweep, row) for side in sides]
        groups: list[list[Floats]] = []
        for side, digest in zip(sides, digests, strict=True):
            members = [
                each
                for each in repeated
                if alike[each.sweep.id, side.sweep.id] and _digest(each.sweep, row) == digest is not None
            ]
            if same_thing and digests[0] == digests[1]:
                groups = [_blocks(members, known, row)]
            else:
                groups.append(_blocks([side, *members], known, row))
        return estimate(groups)

    return of_row


def _blocks(sweeps: Sequence[Recorded], known: Mapping[str, Mapping[Row, Blocks]], row: Row) -> list[Floats]:
    found = [known[side.sweep.id][row].logarithms for side in sweeps if row in known.get(side.sweep.id, {})]
    return [each for each in found if len(each) >= LEAST_BLOCKS]


def _alike(sweep: Sweep, other: Sweep) -> bool:
    """Whether nothing but their images may differ."""
    return comparable.aspects(sweep, other).keys() <= {"image"}


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
