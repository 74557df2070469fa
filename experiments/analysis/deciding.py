"""How many blocks a sweep needs to decide what this one could not. Pure.

It depends on the square of a spread that few blocks know badly. So it is a range: from the blocks that do for the
smallest spread that is likely to those for the largest, which hold the needed number in 4 of 5 cases
(`power.deviation_range`), as long as the difference is as large as it looks.
"""

from __future__ import annotations

from bisect import bisect_left

from experiments.analysis.comparisons import Terms, deviation_of
from experiments.analysis.effects import Pairs
from experiments.analysis.statistics import paired, power
from experiments.analysis.statistics.power import MOST_BLOCKS
from experiments.wording import duration


def decided_after(pair: Pairs, terms: Terms, share: float) -> tuple[int | None, int | None, int | None]:
    """Return `blocks_to_decide` for the spread as seen, for the smallest that is likely, and for the largest."""
    factors = (1.0, *power.deviation_range(len(pair.differences) - 1))
    usual, least, most = (blocks_to_decide(pair, terms, share, factor) for factor in factors)
    return usual, least, most


def likely(least: int | None, most: int | None) -> str:
    """Return a range of blocks in words, without the noun: 8 to 30; 8 or many more; 8."""
    if least is None or least == most:
        return f"{least}"
    return f"{least} to {most}" if most is not None else f"{least} to more than {MOST_BLOCKS:,}"


def lasting(least: int | None, most: int | None, block_seconds: float) -> str:
    """Return how long such a sweep takes, roughly: 8 to 30 minutes."""
    first, last = (duration((blocks or 0) * block_seconds) for blocks in (least, most))
    if most is None:
        return f"{first} or much longer"
    number, unit = first.split()
    return first if first == last else f"{number if unit == last.split()[1] else first} to {last}"


def blocks_to_decide(pair: Pairs, terms: Terms, share: float, factor: float = 1.0) -> int | None:
    """Return the blocks of a sweep that would probably decide a comparison; None above `power.MOST_BLOCKS`.

    With so many blocks, the corrected test detects a difference as large as the one seen in 4 of 5 cases, or else the
    interval is as narrow as wanted, which settles that there is none to speak of. The difference is taken to stay as it
    is, the spread to be ``factor`` times what it is. ``share`` is the comparison's weight in Holm's procedure.
    """
    deviation, effect = factor * deviation_of(pair), abs(float(pair.differences.mean()))
    alpha = (1 - terms.level) / terms.p_factor * share

    def enough(blocks: int) -> bool:
        narrow = paired.half_width(deviation, blocks, terms.nominal_level) <= terms.half_wanted(pair.differences)
        return bool(narrow) or power.detectable_if_known(deviation, blocks, alpha) <= effect

    blocks = bisect_left(range(MOST_BLOCKS + 1), True, lo=len(pair.differences) + 1, key=enough)
    return blocks if blocks <= MOST_BLOCKS else None
