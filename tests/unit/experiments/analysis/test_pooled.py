from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.findings import Analysis
from experiments.records.model import Round
from experiments.wording import percent
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made

COUNTS = (1, 2, 4)


def analysed(ratio_of: dict[int, float], *, blocks: int = 6, noise: float = 0.02) -> Analysis:
    """The analysis of sweeps whose soci-v2 takes ``ratio_of`` its task count of plain's 10 s, with some noise."""
    drawn = np.random.default_rng(3).normal(0, noise, 1000)

    def seconds(round_: Round, _: int) -> float:
        factor = 1.0 if round_.form == "plain" else ratio_of[round_.task_count]
        return 10 * factor * math.exp(drawn[round_.index])

    return analysis_of(made(small_plan(task_counts=COUNTS, blocks=blocks), seconds))


def analysis_of(sweep: Made) -> Analysis:
    return analyse(sweep.sweep, sweep.tasks, sweep.rounds)


@pytest.mark.slow
def test_the_pooled_effect_is_the_mean_over_the_counts_with_the_blocks_own_interval() -> None:
    analysis = analysed(dict.fromkeys(COUNTS, 0.5))
    [effect] = analysis.pooled
    ratios = [each.ratio for each in analysis.comparisons if each.phase == "boot"]
    assert effect.ratio == pytest.approx(math.exp(np.log(ratios).mean()))
    assert effect.interval is not None and effect.ratio is not None
    assert effect.interval.low < effect.ratio < effect.interval.high
    assert effect.task_counts == COUNTS and effect.blocks == 6


@pytest.mark.slow
def test_counts_that_agree_are_one_figure_in_the_headline() -> None:
    analysis = analysed(dict.fromkeys(COUNTS, 0.5))
    assert analysis.pooled[0].agrees(0.95)
    assert "over 1 to 4 tasks" in analysis.headline
    assert not [finding for finding in analysis.findings if "depends on the number of tasks" in finding.text]


@pytest.mark.slow
def test_counts_that_differ_are_said_to_and_never_pooled_in_the_headline() -> None:
    analysis = analysed({1: 0.4, 2: 0.5, 4: 0.625})
    [effect] = analysis.pooled
    assert effect.differs(0.95) and not effect.agrees(0.95)
    assert effect.doubling == pytest.approx(1.25, rel=0.02)
    assert "over 1 to 4 tasks" not in analysis.headline
    [largest] = [each for each in analysis.comparisons if (each.phase, each.task_count) == ("boot", 4)]
    assert f"but {percent(1 - largest.ratio)} with 4 tasks" in analysis.headline
    assert any("depends on the number of tasks" in finding.text for finding in analysis.findings)


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, 2])
def test_too_few_blocks_give_no_interval_and_no_claim(blocks: int) -> None:
    [effect] = analysed(dict.fromkeys(COUNTS, 0.5), blocks=blocks).pooled
    assert effect.interval is None and effect.agree_p is None
    assert not effect.agrees(0.95) and not effect.differs(0.95)


def test_a_plan_with_one_count_has_nothing_to_pool() -> None:
    sweep = made(small_plan(task_counts=(2,), blocks=4), lambda *_: 1.0)
    assert analysis_of(sweep).pooled == ()
