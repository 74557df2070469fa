from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.analysis.cells import measured
from experiments.analysis.clusters import Clusters, clusters, told
from experiments.analysis.effects import pairs, round_medians
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import made


def found(plan_changes: dict[str, object], boot: Callable[[Round, int], float]) -> tuple[Clusters, ...]:
    plan = small_plan(**plan_changes)
    tasks = made(plan, boot).tasks
    medians = round_medians(tasks)
    return clusters(measured(tasks), medians, pairs(plan.design, medians))


def test_quiet_times_have_no_clusters() -> None:
    rng = np.random.default_rng(1)
    assert found({"blocks": 30, "task_counts": (1, 8)}, lambda *_: float(rng.lognormal(2, 0.02))) == ()


def test_two_values_among_the_tasks_of_rounds_are_told() -> None:
    rng = np.random.default_rng(4)
    (each,) = found(
        {"blocks": 6, "task_counts": (8,), "forms": ("plain",)},
        lambda _, number: float(rng.lognormal(2 + 0.7 * (number % 2), 0.03)),
    )
    assert each[:4] == ("movie", "plain", "tasks", ("boot",))
    (finding,) = told([each])
    assert "form two clusters within rounds, 50 % of them " in finding.text
    assert (finding.kind, finding.form) == ("bimodal", "plain")


@pytest.mark.parametrize("slow", ["plain", "soci-v2"])
def test_rounds_of_one_side_that_take_one_of_two_values_are_told_from_five_blocks_on(slow: str) -> None:
    """Pulls of 2.2 or 3.1 s; levels differ between task counts, and blocks share their hour."""
    rng = np.random.default_rng(5)
    hours = rng.normal(0, 0.1, 5)
    seconds = {
        (round_.block, round_.task_count, round_.form): 3.1
        if round_.form == slow and (round_.block + round_.task_count) % 2
        else 2.2
        for round_ in small_plan(blocks=5).rounds
    }

    def boot(round_: Round, _: int) -> float:
        value = seconds[round_.block, round_.task_count, round_.form] * round_.task_count**0.3
        return value * float(np.exp(hours[round_.block] + rng.normal(0, 0.02)))

    (each,) = found({"blocks": 5}, boot)
    assert each[:4] == ("movie", "soci-v2", "rounds", ("boot",))
    assert each.distance == pytest.approx(np.log(3.1 / 2.2), abs=0.05)
    (finding,) = told([each])
    assert "from round to round" in finding.text
    assert "an interval of few blocks may miss both" in finding.text
    assert slow in each.whose


def test_an_hour_that_is_slow_for_both_sides_makes_no_two_kinds() -> None:
    rng = np.random.default_rng(6)
    assert found({"blocks": 10}, lambda round_, _: float(rng.lognormal(2 + 0.7 * (round_.block % 2), 0.03))) == ()


def test_without_a_control_the_rounds_themselves_are_looked_at() -> None:
    rng = np.random.default_rng(4)
    (each,) = found(
        {"blocks": 10, "task_counts": (1,), "forms": ("plain",)},
        lambda round_, _: float(rng.lognormal(2 + 0.7 * (round_.block % 2), 0.03)),
    )
    assert each[:4] == ("movie", "plain", "rounds", ("boot",))


def test_rounds_that_differ_from_each_other_are_no_two_heaps_within_rounds() -> None:
    rng = np.random.default_rng(4)
    levels = {round_.index: rng.normal(0, 0.3) for round_ in small_plan(blocks=10, task_counts=(8,)).rounds}
    assert (
        found(
            {"blocks": 10, "task_counts": (8,)},
            lambda round_, _: float(rng.lognormal(2 + levels[round_.index], 0.05)),
        )
        == ()
    )


def test_nothing_measured_has_no_clusters() -> None:
    plan = small_plan()
    nothing = made(plan, lambda *_: 1.0, ran=lambda _: False).tasks
    assert clusters(measured(nothing), round_medians(nothing), []) == ()
