"""A short form of `benchmarks/crash.py`: real commands in the real lab, ended at a few moments."""

from __future__ import annotations

import pytest

from benchmarks.crash_episode import Episode
from benchmarks.crash_moments import Moment
from kit.scratch import temporary_folder

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

MOMENTS = (
    Moment("up", 1, "KILL", 3.5),
    Moment("pull", 1, "KILL", 0.1),
    Moment("boot", 1, "HUP", 0.0),
    Moment("stop", 1, "TERM", 0.1),
    Moment("report", 1, "KILL", 0.5),
)


def test_commands_that_are_ended_at_any_moment_lose_nothing_and_leave_nothing() -> None:
    with temporary_folder("crash-") as folder:  # BuildKit's socket needs a short path
        results = list(Episode(folder / "home").run(MOMENTS))
    assert [result.wrong for result in results] == [[]] * len(MOMENTS)
    assert [result.met for result in results] == [True] * len(MOMENTS)
