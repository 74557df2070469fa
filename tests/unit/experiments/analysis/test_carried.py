from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.carried import carried_over
from experiments.analysis.effects import round_medians
from experiments.analysis.findings import Finding
from experiments.plan.plan import Plan
from experiments.records.model import Round
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made


def found(frames: Made, medians: pd.DataFrame | None = None) -> list[Finding]:
    design = frames.sweep.plan.design
    phases = dict.fromkeys(design.variants, "boot")
    medians = round_medians(frames.tasks) if medians is None else medians
    return list(carried_over(design, medians, frames.rounds, phases))


def boots(plan: Plan, after: float, seed: int) -> Callable[[Round, int], float]:
    """Boots of soci-v2 that take ``after`` times as long if the round before was plain of the same image and count."""
    rng = np.random.default_rng(seed)
    before = dict(zip(plan.rounds[1:], plan.rounds, strict=False))

    def boot(round_: Round, _: int) -> float:
        last = before.get(round_)
        follows = last is not None and round_.form == "soci-v2" and last.form == "plain" and last.block == round_.block
        return (after if follows else 1.0) * float(rng.lognormal(1, 0.02))

    return boot


def test_a_round_that_gains_from_its_control_s_is_told_of_with_how_much() -> None:
    plan = small_plan(variants=("movie", "parquet"), blocks=6, seed=3)
    (finding,) = found(made(plan, boots(plan, 0.85, 1)))
    assert finding.kind == "carry-over"
    assert finding.text.startswith("soci-v2 takes 1")
    assert (
        "less time, relative to plain, when it runs after it than when it runs before it (corrected p " in finding.text
    )


@pytest.mark.slow
def test_rounds_that_leave_nothing_behind_seldom_look_as_if_they_did() -> None:
    """Of a hundred sweeps; at 5 % each, more than 11 would be told of in 1 of 200 cases."""
    told = 0
    for seed in range(10):
        plan = small_plan(task_counts=(1,), blocks=6, seed=seed)
        frames = made(plan, boots(plan, 1.0, seed))
        medians, rng = round_medians(frames.tasks), np.random.default_rng(seed)
        for _ in range(10):
            medians["boot_seconds"] = rng.lognormal(1, 0.02, len(medians))
            told += len(found(frames, medians))
    assert told <= 11


def test_rounds_that_were_tried_again_do_not_count() -> None:
    plan = small_plan(variants=("movie", "parquet"), blocks=6, seed=3)
    frames = made(plan, boots(plan, 0.85, 1))
    frames.rounds["attempt"] = 2
    assert found(frames) == []


def test_nothing_measured_tells_of_nothing() -> None:
    assert found(made(small_plan(), lambda *_: 1.0, ran=lambda _: False)) == []
