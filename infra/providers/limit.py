"""When the making of forms has to end, told to providers, which the engine runs in processes of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "SOCIOMETER_MAKE_UNTIL"
"""Seconds since the epoch; the engine and its plugins inherit it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is made in the block ends in time: a form that is not done by then fails, and leaves nothing behind."""
    before = os.environ.get(VARIABLE)
    until = time.time() + seconds
    os.environ[VARIABLE] = str(min(until, float(before)) if before else until)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def seconds_left(most: float) -> float:
    """How long a form may take: ``most``, or what is left of a block of `within`."""
    until = os.environ.get(VARIABLE)
    return most if until is None else max(min(most, float(until) - time.time()), 0.0)
