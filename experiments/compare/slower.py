"""Which changes of a history leave an image slower than a limit allows: what a gate fails on. Pure.

A slow-down counts until a later release undoes it, so a small step up or down after it does not hide it; and several
small ones add up. What changed without a new image is left out of the sums.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from experiments.compare.history import Shift
from kit.values import Frozen


class Standing(Frozen):
    """How much slower the image is now than before ``shift``: what all its releases from there on changed."""

    shift: Shift
    ratio: float
    low: float
    high: float
    followed: int

    def certain(self, limit: float) -> bool:
        """Whether the whole interval lies at or above the limit."""
        return self.low >= 1 + limit


def standing(shifts: Sequence[Shift], accepted: Collection[str] = ()) -> Iterator[Standing]:
    """Yield what is left of each slow-down, oldest first; ``accepted`` are releases that may be slower.

    The interval of a sum is MOVER's (Zou, Donner, Construction of confidence limits about effect measures, Statistics
    in Medicine 27, 2008). It takes the changes as independent; two that share a level are not, and their sum varies
    less than that.
    """
    counted = [shift for shift in shifts if shift.image_changed and not accepts(accepted, shift)]
    for number, shift in enumerate(counted):
        if shift.ratio <= 1:
            continue
        rest = counted[number:]
        sizes = np.log([each.ratio for each in rest])
        lows = np.log([each.interval.low for each in rest])
        highs = np.log([each.interval.high for each in rest])
        size = float(sizes.sum())
        yield Standing(
            shift=shift,
            ratio=float(np.exp(size)),
            low=float(np.exp(size - np.sqrt(((sizes - lows) ** 2).sum()))),
            high=float(np.exp(size + np.sqrt(((highs - sizes) ** 2).sum()))),
            followed=len(rest) - 1,
        )


def to_blame(found: Sequence[Standing], limit: float) -> list[Standing]:
    """Return the slow-downs that are beyond the limit by themselves, or else the first that is with what followed."""
    certain = [each for each in found if each.certain(limit)]
    alone = [each for each in certain if each.shift.interval.low >= 1 + limit]
    return alone or certain[:1]


def accepts(accepted: Collection[str], shift: Shift) -> bool:
    """Whether a change came with a release of one of these names, or beginnings of digests."""
    return any(name == shift.release or shift.digest.startswith(name) for name in accepted)
