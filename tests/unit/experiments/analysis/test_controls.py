"""Sweeps whose control is another image, another form, or one treatment of all: what their analysis compares."""

from __future__ import annotations

import math

import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.findings import Analysis
from experiments.analysis.precision import wanted_comparisons
from experiments.analysis.sentences import sentence
from experiments.plan.control import Control
from experiments.records.model import Round
from experiments.report.contents import command, contents
from experiments.report.markdown import markdown
from experiments.report.page import html
from experiments.report.plots import effects
from experiments.report.terminal import text
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made

SECONDS = {("before", "plain"): 10.0, ("before", "soci-v2"): 5.0, ("after", "plain"): 12.0, ("after", "soci-v2"): 5.5}
IMAGE, FORM, BOTH = Control(variant="before"), Control(form="soci-v2"), Control(variant="before", form="plain")


def measured(control: Control | None, forms: tuple[str, ...] = ("plain", "soci-v2")) -> Made:
    """Five blocks of two images, each with 0.2 % of scatter that no rounding hides."""
    plan = small_plan(variants=("before", "after"), forms=forms, task_counts=(1,), blocks=5, control=control)

    def boot(round_: Round, _: int) -> float:
        scatter = 1 + 0.001 * ((7 * round_.index) % 5 - 2)
        return SECONDS[round_.variant, round_.form] * math.exp(0.3 * (round_.block - 2)) * scatter

    return made(plan, boot)


def of(sweep: Made) -> Analysis:
    return analyse(sweep.sweep, sweep.tasks, sweep.rounds)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "ratios"),
    [
        (None, {("before", "soci-v2"): 0.5, ("after", "soci-v2"): 5.5 / 12}),
        (FORM, {("before", "plain"): 2.0, ("after", "plain"): 12 / 5.5}),
        (IMAGE, {("after", "plain"): 1.2, ("after", "soci-v2"): 1.1}),
        (BOTH, {("before", "soci-v2"): 0.5, ("after", "plain"): 1.2, ("after", "soci-v2"): 0.55}),
    ],
)
def test_each_treatment_is_compared_with_its_control_and_no_other(
    control: Control | None, ratios: dict[tuple[str, str], float]
) -> None:
    sweep = measured(control)
    compared = {(each.variant, each.form): each for each in of(sweep).comparisons}
    assert compared.keys() == ratios.keys()
    assert len(compared) == wanted_comparisons(sweep.sweep.plan.design)
    for treatment, ratio in ratios.items():
        assert compared[treatment].ratio == pytest.approx(ratio, rel=0.01)
        named = sweep.sweep.plan.design.control_of(*treatment)
        assert (compared[treatment].control_variant, compared[treatment].control) == named


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "forms", "said"),
    [
        (IMAGE, ("plain",), "after against before: boots 2.0 s later (20 %)."),
        (
            IMAGE,
            ("plain", "soci-v2"),
            "after against before: as soci-v2 boots 0.50 s later (10 %); as plain boots",
        ),
        (FORM, ("plain", "soci-v2"), "Keep soci-v2 for before: plain boots 5.0 s later (1"),
        (
            BOTH,
            ("plain", "soci-v2"),
            "after against before as plain: as soci-v2 boots 4.5 s sooner (45 %); as",
        ),
    ],
)
def test_the_headline_says_what_was_compared_with_what(control: Control, forms: tuple[str, ...], said: str) -> None:
    assert said in of(measured(control, forms)).headline


@pytest.mark.slow
def test_every_report_names_the_control() -> None:
    sweep = measured(IMAGE)
    analysis = of(sweep)
    told = contents(sweep.sweep, analysis, sweep.rounds, len(sweep.tasks))
    assert ", control before, " in told.standing
    assert "--control before" in command(sweep.sweep)
    assert "after: against before\n" in text(told)
    assert "control before" in markdown(told)
    assert "Control: before," in html(told, ())
    assert {panel.title for panel in effects.figure(analysis).panels} == {"after: boot against before"}
    assert sentence(analysis.comparisons[0]).startswith("after with 1 task boots 20 % (95 % CI")
    assert "as plain than before" in sentence(analysis.comparisons[0])
