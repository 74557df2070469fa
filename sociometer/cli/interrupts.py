"""Ctrl-C and SIGTERM end a command alike: what runs is stopped and cleared, then the exit code is 130."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the first signal and let the clearing that follows finish at the second.

    A third one is raised again: the next start clears what is then left behind.
    """
    received = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal received
        received += 1
        if received == 2:
            sys.stderr.write("still clearing; interrupt once more to leave it to the next start\n")
            return
        raise KeyboardInterrupt

    earlier = [(number, signal.signal(number, on_signal)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in earlier:
            signal.signal(number, handler)
