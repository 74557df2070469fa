"""How many blocks a sweep needs to decide what this one could not. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left

from experiments.analysis.comparisons import Terms, deviation_of
from experiments.analysis.effects import Pairs
from experiments.analysis.statistics import paired, power
from experiments.analysis.statistics.power import MOST_BLOCKS


def blocks_to_decide(pair: Pairs, terms: Terms, share: float) -> int | None:
    """Return the blocks of a sweep that would probably decide a comparison; None above `power.MOST_BLOCKS`.

    With so many blocks, the corrected test detects a difference as large as the one seen in 4 of 5 cases, or else the
    interval is as narrow as wanted, which settles that there is none to speak of. Spread and difference are taken to
    stay as they are. ``share`` is the comparison's weight in Holm's procedure.
    """
    deviation, effect = deviation_of(pair), abs(float(pair.differences.mean()))
    alpha = (1 - terms.level) / terms.p_factor * share

    def enough(blocks: int) -> bool:
        narrow = paired.half_width(deviation, blocks, terms.nominal_level) <= math.log1p(terms.precision)
        return bool(narrow) or power.detectable(deviation, blocks, alpha) <= effect

    blocks = bisect_left(range(MOST_BLOCKS + 1), True, lo=len(pair.differences) + 1, key=enough)
    return blocks if blocks <= MOST_BLOCKS else None
