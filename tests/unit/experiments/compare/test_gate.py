from __future__ import annotations

import pytest

from experiments.analysis.findings import Interval, Verdict
from experiments.compare import gate
from experiments.compare.versus import Change, Versus


def change(low: float, high: float, verdict: Verdict, **other: object) -> Change:
    values: dict[str, object] = {
        "variant": "movie",
        "form": "soci-v2",
        "task_count": 1,
        "phase": "boot",
        "primary": True,
        "before": 10.0,
        "after": 10.0 * (low * high) ** 0.5,
        "blocks_before": 5,
        "blocks_after": 5,
        "ratio": (low * high) ** 0.5,
        "interval": Interval(low=low, high=high),
        "verdict": verdict,
    }
    return Change.model_validate({**values, **other})


def versus(changes: list[Change], lost: tuple[str, ...] = ()) -> Versus:
    sides = {"before": "a", "after": "b", "target": "lab", "simulated": False, "measure": "seconds", "differing": {}}
    return Versus.model_validate({**sides, "changes": tuple(changes), "lost": lost})


def test_a_treatment_that_broke_fails_the_gate_though_nothing_is_slower() -> None:
    judged = gate.judge(versus([change(0.98, 1.02, "no-difference")], ("movie soci-v2 with 1 task",)), 0.05)
    assert judged.fails
    assert gate.refusal(judged, 0.05).startswith("Without a figure: movie soci-v2 with 1 task (too few")
    assert not gate.judge(versus([change(0.98, 1.02, "no-difference")]), 0.05).fails


def test_slower_is_what_is_slower_by_the_whole_interval() -> None:
    judged = gate.judge(versus([change(1.06, 1.2, "slower")]), 0.05)
    assert judged.slower == ("boot of movie soci-v2 with 1 task +13 % (+6.0 to +20 %)",)
    assert judged.open == ()
    assert gate.refusal(judged, 0.05) == f"Slower by 5.0 % or more: {judged.slower[0]}."
    assert "busier in one of the sweeps: measure again" in gate.refusal(judged, 0.05, unequal=True)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(1.04, 1.2, "slower"), (0.9, 1.2, "undecided"), (1.06, 1.2, "undecided")]
)
def test_what_may_be_slower_than_allowed_is_open_and_no_failure(low: float, high: float, verdict: Verdict) -> None:
    judged = gate.judge(versus([change(low, high, verdict)]), 0.05)
    assert judged.slower == ()
    assert len(judged.open) == 1
    assert gate.doubt(judged, 0.05).startswith("Cannot rule out a slow-down of 5.0 %: boot of movie soci-v2 with")


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(1.01, 1.04, "slower"), (0.98, 1.02, "no-difference"), (0.5, 0.6, "faster")]
)
def test_what_lies_within_the_limit_passes_in_silence(low: float, high: float, verdict: Verdict) -> None:
    assert gate.judge(versus([change(low, high, verdict)]), 0.05) == gate.Judgement(slower=(), open=())


def test_only_the_phase_that_matters_is_judged() -> None:
    pull = change(2, 3, "slower", phase="pull", primary=False)
    assert gate.judge(versus([pull]), 0.05) == gate.Judgement(slower=(), open=())


def test_too_few_blocks_are_open() -> None:
    few = change(1.1, 1.1, "undecided", interval=None, blocks_after=1)
    assert gate.judge(versus([few]), 0.05).open == ("boot of movie soci-v2 with 1 task +10 % in too few blocks",)
