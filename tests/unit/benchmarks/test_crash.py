"""The campaign's draws can be repeated, and its table and its eyes see what is wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from benchmarks.crash import line, table
from benchmarks.crash_command import is_victim
from benchmarks.crash_episode import Result
from benchmarks.crash_left import Home, left
from benchmarks.crash_moments import PHASES, PROGRAMS, SIGNALS, Moment, moments


def test_a_seed_draws_the_same_moments_again_and_another_seed_others() -> None:
    first = list(moments(1, 1, 2, 50))
    assert first == list(moments(1, 1, 2, 50))
    assert first != list(moments(2, 1, 2, 50))
    assert {moment.phase for moment in first} == set(PHASES)
    assert all(0 <= moment.delay <= PHASES[moment.phase][1] for moment in first)


def test_the_episodes_of_a_campaign_end_each_phase_in_each_way() -> None:
    drawn = [moment for episode in range(1, 7) for moment in moments(1, episode, 2, 10)]
    met = {(moment.phase, moment.means) for moment in drawn}
    assert met == {(phase, means) for phase, (_, _, programs) in PHASES.items() for means in (*SIGNALS, *programs)}


def test_the_table_counts_what_was_met_and_what_went_wrong() -> None:
    pull = {"phase": "pull", "means": "KILL"}
    rows = [{"moment": pull, "met": True, "wrong": []}, {"moment": pull, "met": True, "wrong": ["2 records are lost"]}]
    said = table([*rows, {"moment": pull, "met": False, "wrong": []}])
    assert "2 (1 !)" in said
    assert said.endswith("2 moments met, 1 with something wrong; 1 came too late.")


def test_what_went_wrong_stands_below_its_moment() -> None:
    result = Result(Moment("pull", 1, "KILL", 0.5), met=True, wrong=["1 records are lost"])
    assert line(result) == "pull + 0.50 s, KILL: wrong\n    1 records are lost"


def test_whatever_is_left_is_seen(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for folder in (home.data / "lab" / "run" / "7-1-1", home.cache / "scratch" / "made-1", home.temporary / "stray"):
        folder.mkdir(parents=True)
    (home.data / ".store.json.half").write_text("half")
    runaway = subprocess.Popen(["sleep", "60"], env=home.environment())
    try:
        found = left(home, [])
    finally:
        runaway.kill()
        runaway.wait(30)
    assert [entry.partition(" ")[0] for entry in found] == ["process", *["folder"] * 4]
    assert f"process {runaway.pid}: sleep 60" in found


@pytest.mark.parametrize("means", PROGRAMS)
def test_each_program_that_is_to_be_killed_is_recognised(tmp_path: Path, means: str) -> None:
    """The kernel keeps 15 letters of a name, and one of the programs has more."""
    program = tmp_path / PROGRAMS[means]
    shutil.copy(shutil.which("sleep") or "", program)
    victim = subprocess.Popen([program, "60"])
    try:
        process = psutil.Process(victim.pid)
        found = {each for each in PROGRAMS if is_victim(process, each)}
    finally:
        victim.kill()
        victim.wait(30)
    assert found == ({means} if means != "registry" else set()), "only the lab's own registry, by its folder"
