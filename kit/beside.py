"""Things done in threads of their own: one every so often while a block lasts, some at once, or one within a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

BEGIN_SECONDS = 1.0
"""A thread that has not begun by then was never started."""
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


def as_they_end(
    work: Callable[[Item], Result], items: Sequence[Item], at_once: int
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Do ``work`` on each item, some at once, and give each with its result when it has ended.

    Who stops listening (Ctrl-C) is not held back: no further item is begun, and the threads are daemons, unlike
    those of an executor, for which Python waits at its end.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[Item, Future[Result]]] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def go_on() -> None:
        while (item := _next(waiting)) is not None:
            ended.put((item, _outcome(partial(work, item))))

    for _ in items[:at_once]:
        threading.Thread(target=go_on, daemon=True).start()
    try:
        for _ in items:
            yield ended.get()
    finally:
        while _next(waiting) is not None:
            pass


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns, or raise what it raises.

    Raises `TimeoutError` if it takes longer. Its thread is left then: a daemon, which does not keep the process. An
    interrupt (Ctrl-C) is raised when the work has ended: what was begun must not take effect after it was cleared up.
    """
    until = time.monotonic() + seconds
    begun = threading.Event()
    outcome: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()

    def run() -> None:
        begun.set()
        outcome.put(_outcome(work))

    try:
        threading.Thread(target=run, daemon=True).start()
        ended = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"It took longer than {seconds:g} s.") from None
    except KeyboardInterrupt:
        if begun.wait(BEGIN_SECONDS):
            with suppress(queue.Empty):
                outcome.get(timeout=max(until - time.monotonic(), 0))
        raise
    return ended.result()


def _next(waiting: queue.SimpleQueue[Item]) -> Item | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _outcome(work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
        future.set_exception(error)
    return future
