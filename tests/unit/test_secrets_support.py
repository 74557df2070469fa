"""What looks for credentials finds them, in every form and wherever a process shows them, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.secrets.marks import NAMES, Marks
from tests.support.secrets.watched import Watched, watched

LIVES = "import sys, time; time.sleep(0.3)"


def test_a_credential_is_found_in_every_form_of_a_file(tmp_path: Path) -> None:
    marks = Marks()
    planted = marks.planted(tmp_path)
    (tmp_path / "harmless").write_text(f"{Marks().word} and {marks.word[:-1]}")
    assert set(marks.in_files(tmp_path)) == set(planted)
    assert marks.in_files(tmp_path, leave_out=[tmp_path]) == {}


def test_each_credential_is_named_and_those_of_others_too() -> None:
    marks = Marks(also=("a-token",))
    for name in NAMES:
        assert marks.named(f"x{marks[name]}y".encode()) == {name}
    assert marks.named(b"it is a-token") == {"a token"}


@pytest.mark.slow
def test_a_process_that_shows_a_credential_is_seen_by_its_name_also_after_it_became_another_program() -> None:
    marks = Marks()
    environment = {**os.environ, "PASSWORD": marks["registry-password"]}
    with watched(marks) as seen:
        subprocess.run([sys.executable, "-c", LIVES, marks["aws-secret"]], check=True)
        subprocess.run(["sh", "-c", "sleep 0.1; exec sleep 0.3"], env=environment, check=True)
        time.sleep(0.05)
    assert {frozenset(found) for found in seen.words.values()} == {frozenset({"aws-secret"})}
    assert seen.variables.keys() >= {"sh", "sleep"}
    assert all(found == {"registry-password"} for found in seen.variables.values())


def test_the_variable_of_an_image_in_its_container_is_no_credential_that_was_given() -> None:
    seen = Watched(variables={"shop": {"image-variable"}, "regctl": {"image-variable", "aws-id"}})
    assert seen.given_credentials() == {"regctl"}


@pytest.mark.slow
def test_a_process_that_shows_none_is_only_named() -> None:
    with watched(Marks()) as seen:
        subprocess.run(["sleep", "0.3"], check=True)
    assert "sleep" in seen.programs
    assert not seen.words and not seen.variables
