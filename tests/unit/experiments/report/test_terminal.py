from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from experiments.analysis.sentences import interval, verdict
from experiments.report.formats import Report
from experiments.report.terminal import TEXT_WIDTH, show, text
from experiments.wording import change, seconds


def test_the_report_begins_with_the_verdict_and_names_the_sweep(report: Report) -> None:
    lines = text(report.contents).splitlines()
    assert report.contents.analysis.headline.startswith(lines[0])
    assert any(report.contents.summary.sweep_id in line and "seed 1" in line for line in lines)


def test_the_report_shows_every_form_and_outcome(report: Report) -> None:
    shown = text(report.contents)
    for word in ("movie", "plain", "soci-v2", "booted", "1 timed out", "pull", "ready", "boot"):
        assert word in shown


def test_every_main_comparison_has_its_interval_and_verdict(report: Report) -> None:
    lines = text(report.contents).splitlines()
    shown = [each for each in report.contents.analysis.comparisons if each.phase in ("boot", "pull")]
    assert shown
    for each in shown:
        figures = (seconds(each.seconds), change(each.ratio), interval(each.interval) or "-", verdict(each))
        assert any(all(figure in line for figure in (each.phase, each.form, *figures)) for line in lines)


@pytest.mark.parametrize("width", [80, TEXT_WIDTH])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    shown = io.StringIO()
    show(report.contents, Console(file=shown, width=width, color_system=None, markup=False))
    lines = shown.getvalue().splitlines()
    assert len(lines) > 20
    assert max(len(line.rstrip()) for line in lines if not line.startswith("Repeat with: ")) <= width


def test_what_was_left_out_is_said_with_its_reason(report: Report) -> None:
    assert "Left out: 1 task of movie as soci-v2 with 1 task timed out: " in text(report.contents).replace("\n", " ")
    assert "scripted: timeout" in text(report.contents)


def test_the_command_that_repeats_the_sweep_is_on_one_line(report: Report) -> None:
    assert f"Repeat with: {report.contents.command}" in text(report.contents).splitlines()


def test_a_simulation_says_so_before_anything_else(reported: Callable[..., Report]) -> None:
    shown = text(reported(metadata={"target": "sim"}).contents)
    assert shown.startswith("SIMULATED")


def test_no_name_commands_the_terminal(report: Report) -> None:
    analysis = report.contents.analysis.model_copy(update={"headline": "\x1b[2Jgone"})
    shown = text(report.contents.model_copy(update={"analysis": analysis}))
    assert shown.startswith(r"\u001b[2Jgone")
    assert "\x1b" not in shown


def test_markup_in_a_name_is_shown_as_it_is(report: Report) -> None:
    analysis = report.contents.analysis.model_copy(update={"headline": "[red]not markup[/red] [/]"})
    assert "[red]not markup[/red] [/]" in text(report.contents.model_copy(update={"analysis": analysis}))
