"""How figures are put into words and short texts; the one place where seconds, ratios and verdicts are formatted."""

from __future__ import annotations

import math
import unicodedata

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def visible(text: str) -> str:
    """Text in which nothing works unseen: control, direction and zero-width characters are written out.

    A name could else turn the reading direction of what follows it, or command a terminal. Line ends and tabs stay.
    """
    return "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in _UNSEEN and letter not in "\n\t" else letter
        for letter in text
    )


def seconds(value: float) -> str:
    """A duration with about three digits, and never more than milliseconds."""
    digits = 3 if value < 0.0995 else 2 if value < 9.995 else 1
    return f"{value:.{digits}f}"


def change(ratio: float) -> str:
    """A ratio as a change in percent: 0.54 is a minus of 46 %; tenths below five percent, where they matter."""
    percent = (ratio - 1) * 100
    digits = 1 if abs(percent) < 5 else 0
    text = f"{percent:+.{digits}f} %"
    return text.replace("-", MINUS) if float(f"{percent:.{digits}f}") else "0 %"


def share(value: float) -> str:
    """A share in percent, without a sign: 0.05 is 5 %."""
    percent = value * 100
    return f"{percent:.1f} %" if 0 < percent < 5 and not math.isclose(percent, round(percent)) else f"{percent:.0f} %"


def probability(value: float | None) -> str:
    """A p-value with two digits; below a thousandth only that it is."""
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def tasks(count: int) -> str:
    """A number of tasks: 1 task, 8 tasks."""
    return plural(count, "task")


def plural(count: int, noun: str) -> str:
    """A count with its noun, grouped by thousands: 1 round, 1,000 rounds."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(share: float) -> str:
    """A share in percent: whole from 10 % on, else with one digit."""
    return f"{100 * share:.{_digits(share)}f} %"


def _digits(share: float) -> int:
    return 0 if abs(share) >= 0.0995 else 1


def tasks_of(task_count: int) -> str:
    """A number of tasks in words."""
    return "1 task" if task_count == 1 else f"{task_count} tasks"
