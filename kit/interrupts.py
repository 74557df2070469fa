"""The signals that end a command: held back while something is made, and as children are to find them.

Whoever starts a process may have it ignore signals: `nohup` a hang-up, cron and a script's ``&`` Ctrl-C. Children would
inherit that, and then neither a tool nor a container could be asked to end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; an orderly end; a terminal or connection that is gone."""
_HANDED_DOWN = (*SIGNALS, signal.SIGQUIT)


def for_children() -> None:
    """Let children find every such signal at its default: what this process ignores, it goes on ignoring.

    The kernel hands "ignored" and "blocked" down to children, but not a handler. So an ignored signal gets a handler
    that does nothing. Only the main thread can do this, and it lasts.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_HANDED_DOWN, signal.SIGCHLD))
    for number in _HANDED_DOWN:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # the kernel would reap children, and their exit codes
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def is_ignored(number: int) -> bool:
    """Whether this process was started to ignore the signal."""
    return signal.getsignal(number) in (signal.SIG_IGN, _do_nothing)


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
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):  # the kernel handles the others
                    afterwards.callback(signal.signal, number, handler)
                    signal.signal(number, on_signal)
        yield


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Ignore a signal, so that children do not."""


def _raise_each(numbers: list[int]) -> None:
    for number in numbers:
        signal.raise_signal(number)
