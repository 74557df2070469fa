"""Ctrl-C and SIGTERM held back for a moment, so that what is being made can be cleaned up afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held() -> Iterator[None]:
    """Run Python's handlers of these signals only when the block has ended. Keep the block short.

    Other threads never run a handler, so there is nothing to hold back in them.
    """
    received: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    with ExitStack() as afterwards:
        if threading.current_thread() is threading.main_thread():
            afterwards.callback(_raise_each, received)
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):  # the kernel handles the others, and children inherit an ignored signal
                    afterwards.callback(signal.signal, number, handler)
                    signal.signal(number, on_signal)
        yield


def _raise_each(numbers: list[int]) -> None:
    for number in numbers:
        signal.raise_signal(number)
