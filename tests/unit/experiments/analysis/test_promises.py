from __future__ import annotations

import numpy as np
import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.findings import Analysis
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import made


def of(blocks: int, stalled: tuple[int, ...] = (), form: str = "soci-v2") -> Analysis:
    rng = np.random.default_rng(8)
    plan = small_plan(blocks=blocks)

    def boot(round_: Round, _: int) -> float:
        slow = 3.0 if round_.form == form and round_.block in stalled else 1.0
        return slow * float(rng.lognormal(0.5, 0.02))

    sweep = made(plan, boot)
    return analyse(sweep.sweep, sweep.tasks, sweep.rounds)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "cautions"), [(2, ()), (3, ("few-blocks",)), (7, ("few-blocks",)), (8, ())])
def test_intervals_of_few_blocks_say_what_they_cannot_know(blocks: int, cautions: tuple[str, ...]) -> None:
    analysis = of(blocks)
    assert {each.cautions for each in analysis.comparisons} == {cautions}
    assert [each.kind for each in analysis.findings].count("few-blocks") == len(cautions)
    if blocks >= 3:
        assert all((1 - (each.unseen or 0)) ** blocks == pytest.approx(0.05) for each in analysis.comparisons)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["plain", "soci-v2"])
def test_a_rare_stall_of_either_side_is_a_caution_of_the_interval(form: str) -> None:
    analysis = of(8, stalled=(4,), form=form)
    assert all("outliers" in each.cautions for each in analysis.comparisons)
    told = [each.text for each in analysis.findings if each.kind == "outlier"]
    assert len(told) == 2
    assert all("an interval is of the usual start and may miss rare ones" in text for text in told)


@pytest.mark.slow
def test_rounds_of_two_kinds_are_a_caution_for_programs_too() -> None:
    analysis = of(9, stalled=(0, 3, 4, 7))
    assert all("two-kinds" in each.cautions for each in analysis.comparisons)
    assert any(each.kind == "bimodal" for each in analysis.findings)
