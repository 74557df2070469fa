"""A clock that is set is noticed, and one that runs is not."""

from __future__ import annotations

import time

import pytest

from kit.machine import clock


def test_a_clock_that_runs_is_not_taken_for_one_that_was_set() -> None:
    before = clock.reading()
    time.sleep(0.02)
    assert clock.step_between(before, clock.reading()) == ""


def test_a_steady_clock_tells_the_time_and_is_moved_by_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    true = time.time_ns
    before = true()
    steady = clock.Steady.start()
    monkeypatch.setattr(time, "time_ns", lambda: true() - 3600 * 10**9)
    assert before <= steady.began_ns <= steady.now_ns() <= true() + 10**6


@pytest.mark.parametrize(
    ("seconds", "said"), [(3600.25, "forward by 3600.250 s"), (-0.02, "back by 0.020 s")], ids=["forward", "back"]
)
def test_a_clock_that_is_set_is_told_by_how_much(monkeypatch: pytest.MonkeyPatch, seconds: float, said: str) -> None:
    before = clock.reading()
    true = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() + round(seconds * 1e9))
    told = clock.step_between(before, clock.reading())
    assert told.startswith(f"This machine's clock was set {said[:-3]}")
