"""Things done in threads of their own: one every so often while a block lasts, or some at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

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
            ended.put((item, _outcome(work, item)))

    for _ in items[:at_once]:
        threading.Thread(target=go_on, daemon=True).start()
    try:
        for _ in items:
            yield ended.get()
    finally:
        while _next(waiting) is not None:
            pass


def _next(waiting: queue.SimpleQueue[Item]) -> Item | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _outcome(work: Callable[[Item], Result], item: Item) -> Future[Result]:
    future: Future[Result] = Future()
    try:
        future.set_result(work(item))
    except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
        future.set_exception(error)
    return future
