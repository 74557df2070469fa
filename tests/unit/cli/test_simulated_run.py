"""Claims about `--target sim`: the whole experiment from the command line, without a stack and without an account."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from experiments.records.phases import PHASES
from tests.unit.cli.conftest import Sociometer

SMALL = ("--target", "sim", "--variants", "movie", "--counts", "1,3", "--blocks", "3", "--seed", "1")


@pytest.mark.slow
def test_run_gives_a_report_and_files_that_say_simulated(sociometer: Sociometer, tmp_path: Path) -> None:
    done = sociometer("run", *SMALL)
    assert done.exit_code == 0
    assert done.stdout.startswith("SIMULATED")
    assert "movie as soci-v2: probably boots" in done.stdout
    [results] = (tmp_path / "results").iterdir()
    assert {path.name for path in results.iterdir()} >= {"report.txt", "records.csv", "records.json", "summary.json"}
    assert (results / "report.txt").read_text() == done.stdout
    rows = list(csv.DictReader(io.StringIO((results / "records.csv").read_text())))
    assert len(rows) == 3 * 2 * (1 + 3)
    assert {row["target"] for row in rows} == {"sim"}
    assert {row["outcome"] for row in rows} == {"booted"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_figures(sociometer: Sociometer) -> None:
    def times(seed: str) -> list[tuple[str, ...]]:
        """Sorted, for tasks are listed by ids that no seed decides."""
        assert sociometer("sweep", *SMALL, "--seed", seed).exit_code == 0
        rows = csv.DictReader(io.StringIO(sociometer("export", "--format", "csv").stdout))
        return sorted((row["round"], *(row[f"{phase}_seconds"] for phase in PHASES)) for row in rows)

    assert times("4") == times("4")
    assert times("4") != times("5")


def test_each_sweep_has_an_order_of_its_own_unless_a_seed_is_given(sociometer: Sociometer) -> None:
    def orders(*options: str) -> set[int]:
        return {json.loads(sociometer("plan", *SMALL[:-2], *options, "--json").stdout)["seed"] for _ in "abc"}

    assert len(orders()) > 1
    assert orders("--seed", "7") == {7}


@pytest.mark.slow
def test_a_sweep_is_resumed_with_the_options_that_it_was_started_with(sociometer: Sociometer) -> None:
    assert sociometer("sweep", *SMALL[:-2]).exit_code == 0
    assert sociometer("sweep", "--resume", "last", *SMALL[2:-2]).exit_code == 0
    other = sociometer("sweep", "--resume", "last", *SMALL[2:])
    assert other.exit_code == 1
    assert "seed" in other.stderr


@pytest.mark.slow
def test_set_changes_a_parameter_and_the_figures_follow(sociometer: Sociometer) -> None:
    slow = ("--set", "connect_seconds=100", "--set", "noise=0/0/0")
    assert sociometer("run", *SMALL, *slow).exit_code == 0
    rows = csv.DictReader(io.StringIO(sociometer("export", "--format", "csv").stdout))
    assert {round(float(row["connect_seconds"])) for row in rows} == {100}


def test_an_unknown_parameter_and_a_value_that_cannot_be_are_named(sociometer: Sociometer) -> None:
    unknown = sociometer("run", *SMALL, "--set", "speed=9")
    assert unknown.exit_code == 2
    assert unknown.stderr.startswith("error: The simulation has no parameter 'speed'. Allowed: launches, ")
    impossible = sociometer("run", *SMALL, "--set", "unlisted_share=2")
    assert impossible.exit_code == 2
    assert "unlisted_share" in impossible.stderr


@pytest.mark.slow
def test_sweep_report_and_export_go_together(sociometer: Sociometer) -> None:
    swept = sociometer("sweep", *SMALL, "--json")
    assert swept.exit_code == 0
    told = json.loads(swept.stdout)
    assert (told["stack"], told["rounds_complete"]) == ("sim", 12)
    assert sociometer("report").stdout.startswith("SIMULATED")
    records = json.loads(sociometer("export", "--format", "json").stdout)
    assert {record["target"] for record in records} == {"sim"}


@pytest.mark.slow
def test_a_finished_simulation_can_be_resumed_with_the_parameters_it_had(sociometer: Sociometer) -> None:
    assert sociometer("run", *SMALL, "--set", "connect_seconds=20", "--set", "launches=50/5").exit_code == 0
    assert sociometer("sweep", "--resume", "last").exit_code == 0


@pytest.mark.slow
def test_rounds_without_a_measurement_end_the_command_with_1_and_are_named(sociometer: Sociometer) -> None:
    done = sociometer("run", *SMALL, "--timeout", "5", "--blocks", "1")
    assert done.exit_code == 1
    assert "4 of 4 rounds of sweep" in done.stderr
    assert "timed out" in done.stdout


def test_a_first_block_in_which_nothing_boots_ends_the_command_with_1_and_the_reason(sociometer: Sociometer) -> None:
    done = sociometer("run", *SMALL, "--timeout", "5")
    assert done.exit_code == 1
    assert "error: No task of block 1 booted; most often: " in done.stderr


def test_a_simulation_has_no_stack(sociometer: Sociometer) -> None:
    for words in (("run", "--stack", "lab"), ("up",), ("down",), ("outputs",), ("clean",)):
        refused = sociometer(*words, "--target", "sim")
        assert refused.exit_code == 2
        assert "simulation has no stack" in refused.stderr


def test_a_plan_can_be_looked_at_before_it_is_simulated(sociometer: Sociometer) -> None:
    plan = json.loads(sociometer("plan", *SMALL, "--json").stdout)
    assert len(plan["rounds"]) == 12
    assert "cost" not in plan


IMAGES = ("--image", "before=team/web:1", "--image", "after=team/web:2", "--control", "before")
TWO = ("--target", "sim", *IMAGES, "--counts", "1", "--blocks", "3", "--seed", "1")


@pytest.mark.slow
def test_two_images_in_one_sweep_are_a_gate(sociometer: Sociometer, tmp_path: Path) -> None:
    done = sociometer("run", *TWO, "--fail-if-slower", "5%")
    assert done.exit_code == 0
    assert "\nafter against before: as " in done.stdout
    assert "after: against before\n" in done.stdout
    assert "--control before" in done.stdout, "the command that repeats it"
    assert "Such a sweep catches a slow-down of " in done.stderr
    assert "warning: Cannot rule out a slow-down of 5.0 %: boot of after " in done.stderr
    [results] = (tmp_path / "results").iterdir()
    assert json.loads((results / "summary.json").read_text())["control"] == "before"
    forms = sociometer("report", "--control", "plain").stdout
    assert "control plain (the plan's is before)" in " ".join(forms.split())
    assert "after: against plain\n" in forms and "before: against plain\n" in forms
    assert sociometer("report", "--control", "befor").exit_code == 2
    unsure = sociometer("compare", "last", "--fail-if-slower", "5%", "--fail-if-unsure")
    assert unsure.exit_code == 5
    assert sociometer("sweep", "--resume", "last", "--fail-if-slower", "900%").exit_code == 0
    other = sociometer("sweep", "--resume", "last", "--control", "plain", "--variants", "before,after")
    assert "control: before then, plain now" in other.stderr


def test_a_plan_says_what_it_compares(sociometer: Sociometer) -> None:
    shown = sociometer("plan", *TWO)
    assert "It compares before as plain with after as plain; before as soci-v2 with after as soci-v2," in (
        " ".join(shown.stdout.split())
    )
    assert json.loads(sociometer("plan", *TWO, "--json").stdout)["control"] == "before"


def test_a_control_or_a_gate_that_makes_no_sense_is_refused_before_anything_runs(sociometer: Sociometer) -> None:
    for words, said in (
        ((*TWO, "--control", "befor"), "--control 'befor' is not measured. Allowed: an image (before, after), a form"),
        ((*SMALL, "--forms", "plain", "--fail-if-slower", "5%"), "measures nothing beside its control plain"),
        ((*SMALL, "--fail-if-unsure"), "--fail-if-unsure needs a limit"),
        ((*SMALL, "--fail-if-slower", "x"), "--fail-if-slower 'x' is no limit"),
    ):
        done = sociometer("run", *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr
