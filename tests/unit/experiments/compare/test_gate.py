from __future__ import annotations

import pytest

from experiments.analysis.cells import Share
from experiments.analysis.findings import Interval, Verdict
from experiments.compare import gate
from experiments.compare.lacking import Booting
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


def versus(changes: list[Change], lost: tuple[str, ...] = (), **other: object) -> Versus:
    sides = {"before": "a", "after": "b", "target": "lab", "simulated": False, "measure": "seconds", "differing": {}}
    return Versus.model_validate({**sides, "changes": tuple(changes), "lost": lost, **other})


def booting(before: int, after: int, *, less: bool = False) -> Booting:
    """How many of 8 tasks booted in both sweeps."""
    shares = {
        name: Share(booted=count, tasks=8, low=0, high=1) for name, count in (("before", before), ("after", after))
    }
    return Booting.model_validate({"variant": "movie", "form": "soci-v2", "task_count": 1, "less": less, **shares})


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


def test_a_refusal_says_all_that_is_wrong_and_a_doubt_all_that_is_open() -> None:
    judged = gate.Judgement(slower=("a", "b"), open=("c", "d"), lost=("e", "f"), fewer=("g", "h"))
    assert gate.refusal(judged, 0.05, unequal=True) == (
        "Without a figure: e, f (too few tasks booted; `sociometer report` says why). "
        "Fewer tasks boot, beyond chance: g; h. "
        "Slower by 5.0 % or more: a; b. "
        "The machine was busier in one of the sweeps: measure again before believing it."
    )
    assert gate.doubt(judged, 0.05) == "Cannot rule out a slow-down of 5.0 %: c; d. More blocks would tell."


def test_within_one_sweep_every_phrase_names_the_control() -> None:
    changes = [change(1.06, 1.2, "slower"), change(0.9, 1.2, "undecided", as_deployed=True)]
    booted = (booting(8, 2, less=True), booting(8, 7))
    judged = gate.judge(versus(changes, booting=booted, control="plain"), 0.05)
    assert judged.slower == ("boot of movie soci-v2 with 1 task against plain +13 % (+6.0 to +20 %)",)
    assert judged.open[0].startswith("boot of movie soci-v2 with 1 task, as deployed, against plain ")
    assert judged.open[1].endswith(" booted, 8 of 8 (0\N{EN DASH}100 %) of plain")
    assert judged.fewer[0].endswith(" booted, 8 of 8 (0\N{EN DASH}100 %) of plain")


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


def test_the_limit_itself_is_too_slow_and_is_not_ruled_out() -> None:
    assert len(gate.judge(versus([change(1.05, 1.2, "slower")]), 0.05).slower) == 1
    assert len(gate.judge(versus([change(0.98, 1.05, "no-difference")]), 0.05).open) == 1


def test_blocks_that_were_lost_leave_open_what_would_lie_within_the_limit() -> None:
    judged = gate.judge(versus([change(0.98, 1.02, "no-difference", lost_blocks=2)]), 0.05)
    assert judged.slower == ()
    assert [text.endswith(", and too many tasks failed in 2 more blocks") for text in judged.open] == [True]
    assert gate.judge(versus([change(1.06, 1.2, "slower", lost_blocks=2)]), 0.05).open == ()


def test_fewer_tasks_that_boot_beyond_chance_fail_and_by_chance_leave_it_open() -> None:
    alike, chance, fewer = booting(7, 7), booting(8, 7), booting(8, 2, less=True)
    judged = gate.judge(versus([], booting=(alike, chance, fewer)), 0.05)
    assert judged.fewer == (
        "2 of 8 (0\N{EN DASH}100 %) tasks of movie soci-v2 with 1 task booted, 8 of 8 (0\N{EN DASH}100 %) before",
    )
    assert judged.open == (
        "7 of 8 (0\N{EN DASH}100 %) tasks of movie soci-v2 with 1 task booted, 8 of 8 (0\N{EN DASH}100 %) before",
    )
    assert judged.fails
    assert gate.refusal(judged, 0.05) == f"Fewer tasks boot, beyond chance: {judged.fewer[0]}."
    assert not gate.judge(versus([], booting=(alike, chance, booting(6, 8))), 0.05).fails


def test_of_more_tasks_more_may_boot_and_yet_a_smaller_share() -> None:
    more = Booting(
        variant="movie",
        form="soci-v2",
        task_count=1,
        before=Share(booted=3, tasks=8, low=0, high=1),
        after=Share(booted=4, tasks=16, low=0, high=1),
        less=False,
    )
    assert len(gate.judge(versus([], booting=(more,)), 0.05).open) == 1


def test_a_sweep_that_is_not_finished_leaves_it_open() -> None:
    unfinished = ("Sweep b is not finished (running).", "Nothing is known of X.")
    assert gate.judge(versus([], unfinished=unfinished), 0.05) == gate.Judgement(
        slower=(), open=("Sweep b is not finished (running)", "Nothing is known of X")
    )


def test_what_can_be_caught_is_that_of_the_treatment_that_is_least_sure() -> None:
    sure, unsure = (
        change(0.98, 1.02, "no-difference", form=form, could_catch=share, between_sweeps=0.01)
        for form, share in (("plain", 0.04), ("soci-v2", 0.09))
    )
    pull = change(0.9, 1.2, "undecided", phase="pull", primary=False, could_catch=0.5)
    said = gate.reach(versus([sure, unsure, pull]))
    assert said.startswith("Such a pair of sweeps catches a slow-down of 9.0 % or more in 4 of 5 cases")
    assert said.endswith(" Least sure is movie soci-v2 with 1 task.")
    alike = unsure.model_copy(update={"form": "zstd"})
    assert gate.reach(versus([alike, unsure])).endswith(" Least sure is movie zstd with 1 task.")
    assert gate.reach(versus([unsure], control="plain")) == (
        "Such a sweep catches a slow-down of 9.0 % or more in 4 of 5 cases; a smaller one may pass unseen."
    )


def test_where_nothing_is_known_of_other_sweeps_the_reach_is_within_these_two() -> None:
    alone = change(0.98, 1.02, "no-difference", could_catch=0.09)
    assert gate.reach(versus([alone])).startswith("Within these two sweeps: such a pair of sweeps catches")
    assert gate.reach(versus([alone], control="plain")).startswith("Such a sweep catches")


def test_without_a_figure_for_every_treatment_any_slow_down_may_be_missed() -> None:
    known, unknown = (change(0.98, 1.02, "no-difference", could_catch=share) for share in (0.05, None))
    for changes in ([known, unknown], []):
        assert gate.reach(versus(changes)) == (
            "This pair of sweeps could miss any slow-down, however large: it takes 3 blocks in each of them."
        )
    assert gate.reach(versus([unknown], control="plain")) == (
        "This sweep could miss any slow-down, however large: it takes 3 blocks that have both."
    )
