from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from experiments.analysis.findings import Finding, Trend
from experiments.analysis.noise import Sample, outliers, overloaded, samples
from experiments.analysis.trends import moved
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import made

PLAN = small_plan(blocks=5)


def quiet(seed: int = 1) -> Callable[[Round, int], float]:
    rng = np.random.default_rng(seed)
    return lambda *_: float(rng.lognormal(2, 0.02))


def load(pressure: Callable[[Round], float], steal: Callable[[Round], float] = lambda _: 0.0) -> list[Finding]:
    return list(overloaded(made(PLAN, quiet(), pressure=pressure, steal=steal).rounds, PLAN.design))


def boots(tasks: pd.DataFrame) -> list[Sample]:
    """Return the samples of tasks whose primary phase is boot."""
    return list(samples(tasks, {"movie": "boot"}))


def test_a_treatment_that_loads_the_machine_evenly_for_both_forms_is_not_warned_of() -> None:
    assert load(lambda round_: 0.19 if round_.task_count == 2 else 0.1) == []


def test_a_machine_that_is_short_of_cpu_all_along_is_told_of_once() -> None:
    (finding,) = load(lambda round_: 0.6 if round_.task_count == 2 else 0.3)
    assert finding.text.startswith(
        "In 20 of 20 rounds (marked overloaded) processes waited for this machine's CPU for more "
    )
    assert "(median 45 %)" in finding.text
    assert load(lambda round_: 0.25 if round_.index % 2 else 0.18) == []


def test_a_round_that_stands_out_from_its_treatment_s_own_is_named() -> None:
    (finding,) = load(lambda round_: 0.33 if round_.index == 7 else 0.15)
    assert (finding.kind, finding.form) == ("overloaded", None)
    assert "Something else used this machine's CPU in round 7: processes waited up to an extra 18 % of" in finding.text


def test_stolen_time_is_always_somebody_else_s() -> None:
    (finding,) = load(lambda _: 0.0, lambda round_: 0.08 if round_.index in (3, 4) else 0.04)
    assert "in rounds 3, 4 for more than 5.0 % of the time, up to 8.0 %" in finding.text


def test_a_form_that_loads_the_machine_less_than_the_control_is_told_of_at_each_task_count() -> None:
    findings = load(lambda round_: 0.7 if round_.form == "plain" else 0.1)
    assert [(each.variant, each.form, each.task_count) for each in findings] == [
        ("movie", "soci-v2", 1),
        ("movie", "soci-v2", 2),
    ]
    assert "70 % of the time as plain, 10 % as soci-v2" in findings[0].text


def test_a_load_that_was_not_told_is_no_warning() -> None:
    assert load(lambda _: math.nan, lambda _: math.nan) == []


def test_an_outlier_is_named_with_its_round_and_kept() -> None:
    steady = quiet()
    tasks = made(PLAN, lambda round_, number: 60.0 if round_.index == 2 else steady(round_, number)).tasks
    (finding,) = outliers(boots(tasks))
    hit = PLAN.rounds[2]
    assert (finding.variant, finding.form, finding.task_count) == (hit.variant, hit.form, hit.task_count)
    assert f"{hit.task_count} of {5 * hit.task_count} tasks are outliers (60.00 s to 60.00 s" in finding.text
    assert "in round 2; the figures include them" in finding.text


def test_trends_that_may_be_chance_are_not_warned_of() -> None:
    def trend(over: str, p_adjusted: float) -> Trend:
        place = {"variant": "movie", "form": "plain", "phase": "boot", "over": over}
        return Trend.model_validate({**place, "slope": 0.3, "p_value": p_adjusted, "p_adjusted": p_adjusted})

    findings = list(moved([trend("order", 0.01), trend("task-count", 0.01), trend("order", 0.06)], 0.95))
    assert [each.kind for each in findings] == ["drift", "task-count"]
    assert "boots 30 % slower at the end of the sweep than at its beginning" in findings[0].text
    assert "boots 30 % slower for each doubling of the number of tasks" in findings[1].text


def test_nothing_measured_warns_of_nothing() -> None:
    nothing = made(PLAN, quiet(), ran=lambda _: False)
    assert [*overloaded(nothing.rounds, PLAN.design), *outliers(boots(nothing.tasks))] == []
