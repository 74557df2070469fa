"""Format figures: the one place where seconds, ratios, shares and counts become text. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"


def seconds(value: float) -> str:
    """Return a duration with about three digits, never finer than a millisecond."""
    digits = 3 if value < 0.0995 else 2 if value < 9.995 else 1
    return f"{value:.{digits}f}"


def seconds_between(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return signed seconds, with their interval if there is one: 2.8 (1.9 to 3.7)."""
    known = [each for each in (value, low, high) if each is not None]
    largest = max(map(abs, known))
    return _between(known, 3 if largest < 0.0995 else 2 if largest < 9.995 else 1)


def dollars_between(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return signed US dollars, with their interval if there is one, to about two digits: 0.016 (0.014 to 0.018)."""
    known = [each for each in (value, low, high) if each is not None]
    largest = max(map(abs, known))
    return _between(known, min(6, max(2, 1 - math.floor(math.log10(largest)))) if largest > 0 else 2)


def _between(known: Sequence[float], digits: int) -> str:
    middle, *ends = (_signed(each, digits) for each in known)
    return f"{middle} ({' to '.join(ends)})" if len(ends) == 2 else middle


def _signed(value: float, digits: int) -> str:
    number = f"{value:.{digits}f}"
    return number.replace("-", MINUS) if float(number) else number.removeprefix("-")


def about(value: float) -> str:
    """Return a difference of durations with about two digits: 2.8, 0.35, 12."""
    digits = 2 if value < 0.95 else 1 if value < 9.95 else 0
    return f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Return how long something takes, roughly: 40 seconds, 20 minutes, 3 hours."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            return plural(round(seconds / size), unit)
    return plural(max(1, round(seconds)), "second")


def percent(share: float) -> str:
    """Return a share in percent: a whole number from 10 % up, one decimal below."""
    return f"{percent_number(share)} %"


def percent_number(share: float, *, like: float | None = None) -> str:
    """Return a share in percent without its unit; ``like`` sets the decimals, so that both ends of a range match."""
    decimals = 0 if abs(share if like is None else like) >= 0.0995 else 1
    return f"{100 * share:.{decimals}f}"


def change(ratio: float) -> str:
    """Return a ratio as a signed change in percent: 0.54 is minus 46 %."""
    number = percent_number(ratio - 1)
    if float(number) == 0:
        return "0 %"
    return f"{number.replace('-', MINUS) if ratio < 1 else f'+{number}'} %"


def faster_or_slower(ratio: float) -> str:
    """Return a ratio of durations in words: 0.81 is 19 % faster."""
    return f"{percent(1 - ratio)} faster" if ratio < 1 else f"{percent(ratio - 1)} slower"


def probability(value: float | None) -> str:
    """Return a p-value with two digits; below a thousandth only "<0.001"; empty for None."""
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def tasks(count: int) -> str:
    """Return a number of tasks: 1 task, 8 tasks."""
    return plural(count, "task")


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, with thousands separated: 1 round, 1,000 rounds."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """Return a number of bytes in megabytes (10⁶), or in kilobytes when small."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
