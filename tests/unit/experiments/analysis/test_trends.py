from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.analysis.effects import round_medians
from experiments.analysis.findings import Trend
from experiments.analysis.trends import trends
from experiments.plan.plan import Plan
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import made

PLAN = small_plan(blocks=8, task_counts=(1, 2, 8))


def trends_of(plan: Plan, drift: float, per_doubling: float, noise: float = 0.02) -> list[Trend]:
    """The trends of plain and soci-v2 boots that drift over the sweep and grow with each doubling (logarithms)."""
    rng = np.random.default_rng(9)

    def boot(round_: Round, _: int) -> float:
        level = drift * round_.index / (len(plan.rounds) - 1) + per_doubling * math.log2(round_.task_count)
        return math.exp(2 + level + rng.normal(0, noise))

    frames = made(plan, boot)
    return list(trends(round_medians(frames.tasks), frames.rounds))


def test_a_drift_and_a_growth_are_found_with_their_size_apart() -> None:
    detected = trends_of(PLAN, math.log(1.3), math.log(1.1))
    assert [(trend.form, trend.phase, trend.over) for trend in detected] == [
        ("plain", "boot", "order"),
        ("soci-v2", "boot", "order"),
        ("plain", "boot", "task-count"),
        ("soci-v2", "boot", "task-count"),
    ]
    assert [trend.slope for trend in detected[:2]] == pytest.approx([0.3, 0.3], abs=0.05)
    assert [trend.slope for trend in detected[2:]] == pytest.approx([0.1, 0.1], abs=0.02)
    assert all(trend.p_adjusted < 0.001 for trend in detected)


def test_where_nothing_moves_trends_are_chance() -> None:
    assert all(trend.p_adjusted > 0.05 for trend in trends_of(PLAN, 0, 0))


def test_each_kind_of_trend_is_corrected_for_its_own_number() -> None:
    for over in ("order", "task-count"):
        same_kind = [trend for trend in trends_of(PLAN, 0.02, 0.01, noise=0.05) if trend.over == over]
        assert min(trend.p_adjusted for trend in same_kind) == pytest.approx(
            min(1, 2 * min(t.p_value for t in same_kind))
        )


def test_one_task_count_has_no_trend_over_counts_and_one_block_has_none_at_all() -> None:
    assert {trend.over for trend in trends_of(small_plan(blocks=8, task_counts=(2,)), 0, 0)} == {"order"}
    assert trends_of(small_plan(blocks=1), 0, 0) == []
