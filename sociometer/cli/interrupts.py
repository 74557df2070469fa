"""Ctrl-C, SIGTERM and a terminal that is gone end a command alike: what runs is stopped and cleared, and the exit code
is 128 and the signal's number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from kit import interrupts

KEYBOARD_EXIT_CODE = 128 + signal.SIGINT


@dataclass
class Received:
    """The signal that ended the command, if one did."""

    number: int | None = None

    @property
    def exit_code(self) -> int:
        """As a shell reports a command that the signal has killed."""
        return KEYBOARD_EXIT_CODE if self.number is None else 128 + self.number


@contextmanager
def handled() -> Iterator[Received]:
    """Raise `KeyboardInterrupt` at the first signal and let the clearing that follows finish whatever comes.

    Only Ctrl-C at the keyboard counts on: the third one is raised again, and the next start clears what is then left
    behind. A terminal that closes and a machine that is shut down tell a program more than once, in a hurry.

    What this process was started to ignore stays ignored (`nohup`, a script's ``&``), except SIGTERM.
    """
    received, pressed = Received(), 0
    terminals = [stream for stream in range(3) if os.isatty(stream)]

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if number == signal.SIGHUP:
            _leave(terminals)
        if received.number is not None and number != signal.SIGINT:
            return
        pressed += 1
        if received.number is not None and pressed == 2:
            with suppress(OSError):  # not through sys.stderr: it may be in the middle of a line
                os.write(2, b"still clearing; interrupt once more to leave it to the next start\n")
            return
        received.number = received.number or number
        raise KeyboardInterrupt

    numbers = [number for number in interrupts.SIGNALS if number == signal.SIGTERM or not interrupts.is_ignored(number)]
    earlier = [(number, signal.signal(number, on_signal)) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in earlier:
            signal.signal(number, handler)


def _leave(terminals: list[int]) -> None:
    """Write to nowhere instead of a terminal that is gone: it would fail in the middle of the clearing."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in terminals:
        os.dup2(nowhere, stream)
    os.close(nowhere)
