"""Something done every so often in a thread of its own, while a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

END_SECONDS = 10.0
"""A thread that does not end by then is left: it is a daemon, and ends with the process."""


@contextmanager
def repeating(every_seconds: float, do: Callable[[], object]) -> Iterator[None]:
    """Call ``do`` every ``every_seconds``, for the first time when they have passed once."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(every_seconds):
            do()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(END_SECONDS)
