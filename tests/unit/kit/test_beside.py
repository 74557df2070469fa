from __future__ import annotations

import signal
import threading
import time

import pytest

from kit.beside import as_they_end, repeating, within


def test_each_item_comes_with_its_result_or_its_error() -> None:
    outcomes = dict(as_they_end(lambda number: 12 // number, [0, 3, 4], 2))
    assert (outcomes[3].result(), outcomes[4].result()) == (4, 3)
    with pytest.raises(ZeroDivisionError):
        outcomes[0].result()


def test_no_more_are_done_at_once_than_wanted() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.005)
        with lock:
            running -= 1

    assert len(list(as_they_end(work, range(12), 3))) == 12
    assert most <= 3


def test_the_first_to_end_comes_first() -> None:
    release = threading.Event()

    def work(name: str) -> None:
        if name == "slow":
            release.wait(20)

    ended = as_they_end(work, ["slow", "fast"], 2)
    assert next(ended)[0] == "fast"
    release.set()
    assert next(ended)[0] == "slow"


def test_who_stops_listening_begins_no_further_item() -> None:
    begun: list[int] = []
    release = threading.Event()
    others = set(threading.enumerate())

    def work(number: int) -> None:
        begun.append(number)
        if number:
            release.wait(20)

    ended = as_they_end(work, range(9), 2)
    next(ended)
    ended.close()
    release.set()
    for thread in set(threading.enumerate()) - others:
        thread.join(5)
    assert len(begun) <= 3


def test_something_is_repeated_while_the_block_lasts() -> None:
    done = threading.Event()
    with repeating(0.001, done.set):
        assert done.wait(20)


def test_what_takes_too_long_is_left() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError, match=r"took longer than 0\.05 s"):
        within(0.05, lambda: release.wait(20))
    release.set()
    assert within(20, lambda: "done") == "done"


def test_what_it_raises_is_raised_to_who_waits() -> None:
    with pytest.raises(ZeroDivisionError):
        within(20, lambda: 1 // 0)


def test_an_interrupt_waits_for_what_was_begun() -> None:
    steps = []
    main = threading.main_thread().ident
    assert main is not None

    def work() -> None:
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.2)
        steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        within(20, work)
    assert steps == ["done"]
