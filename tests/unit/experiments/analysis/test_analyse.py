from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.analyse import MOST_REASONS, analyse
from experiments.analysis.deciding import likely
from experiments.analysis.findings import Analysis
from experiments.plan.plan import Plan, Stopping, make_plan
from experiments.records.model import Outcome, Round
from experiments.records.phases import durations
from experiments.store import frames
from experiments.store.store import Store
from tests.contracts.plans import small_design, small_plan
from tests.support.made_frames import Made, made
from tests.unit.experiments.conftest import StartSweep


def of(sweep: Made) -> Analysis:
    return analyse(sweep.sweep, sweep.tasks, sweep.rounds)


def kinds(analysis: Analysis) -> list[str]:
    return [finding.kind for finding in analysis.findings]


def noisy(effects: dict[str, float], spread: float = 0.03, seed: int = 1) -> Callable[[Round, int], float]:
    """Return log-normal boots whose median depends on the form, with a random level per block and round."""
    rng = np.random.default_rng(seed)
    shared: dict[object, float] = {}

    def boot(round_: Round, _: int) -> float:
        for key in (("block", round_.block), ("round", round_.index)):
            shared.setdefault(key, rng.normal(0, spread))
        level = shared["block", round_.block] + shared["round", round_.index] + rng.normal(0, spread)
        return math.exp(level) * effects[round_.form] * 10

    return boot


@pytest.mark.slow
def test_a_sweep_of_the_fake_is_compared_as_a_second_computation_does(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(task_counts=(3,), blocks=6)
    done = sweep(plan)
    analysis = analyse(done, frames.tasks(store, done.id), frames.rounds(store, done.id))
    logs = np.zeros((6, 2))
    for record in store.rounds(done.id):
        boots = [durations(task).boot_seconds or math.nan for task in record.observation.tasks]
        logs[record.round.block, ("plain", "soci-v2").index(record.round.form)] = math.log(sorted(boots)[1])
    reference = stats.ttest_rel(logs[:, 1], logs[:, 0]).confidence_interval(0.95)
    (boot,) = [each for each in analysis.comparisons if each.phase == "boot"]
    assert boot.interval is not None
    assert (boot.interval.low, boot.interval.high) == pytest.approx((math.exp(reference.low), math.exp(reference.high)))
    assert analysis.simulated, "the fake measures nothing"
    assert analysis.headline.startswith("Use soci-v2 for movie: it boots 5.8 s sooner (2")
    assert Analysis.model_validate_json(analysis.model_dump_json()) == analysis


def test_a_difference_and_its_size_are_the_headline() -> None:
    analysis = of(made(small_plan(blocks=8), noisy({"plain": 1.0, "soci-v2": 0.75})))
    assert {each.verdict for each in analysis.comparisons} == {"faster"}
    assert analysis.headline.startswith("Use soci-v2 for movie: it boots 2.8 s sooner (28 %) with 1 task, 26 % over")
    assert not analysis.simulated


def test_the_same_image_under_two_names_is_no_difference() -> None:
    analysis = of(made(small_plan(blocks=10), noisy({"plain": 1.0, "soci-v2": 1.0})))
    assert {each.verdict for each in analysis.comparisons} == {"no-difference"}
    assert "Keep plain for movie: with soci-v2 there is no difference above" in analysis.headline


def test_no_record_says_that_nothing_can_be_concluded() -> None:
    analysis = of(made(small_plan(), lambda *_: 1.0, ran=lambda _: False, status="running"))
    assert analysis.comparisons == analysis.trends == ()
    assert [finding.text for finding in analysis.findings] == ["No round has run: nothing can be concluded."]
    assert analysis.headline.startswith("Nothing can be concluded")
    assert len(analysis.cells) == 4


def test_one_record_is_a_figure_without_a_comparison() -> None:
    analysis = of(made(small_plan(), lambda *_: 7.0, ran=lambda round_: round_.index == 0, status="interrupted"))
    assert sum(len(cell.phases) for cell in analysis.cells) == 1
    assert analysis.comparisons == ()
    assert "incomplete" in kinds(analysis)
    (incomplete,) = [finding for finding in analysis.findings if finding.kind == "incomplete"]
    assert "was interrupted: 7 of 8 rounds are missing" in incomplete.text
    assert "sociometer sweep --resume made" in incomplete.text


def test_one_block_has_ratios_and_says_how_many_blocks_an_interval_needs() -> None:
    analysis = of(made(small_plan(blocks=1), noisy({"plain": 1.0, "soci-v2": 0.5})))
    assert {(each.interval, each.verdict) for each in analysis.comparisons} == {(None, "undecided")}
    assert "movie: cannot tell from 1 block with 1 task; it takes at least 3" in analysis.headline
    (few,) = [finding for finding in analysis.findings if finding.kind == "too-few"]
    assert "measured in at most 1 block, and at least 3 are needed" in few.text


def test_only_failures_are_counted_and_compared_with_nothing(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(task_counts=(3,), blocks=1)
    done = sweep(plan, script={index: [Outcome.TIMEOUT] for index in range(2)})
    analysis = analyse(done, frames.tasks(store, done.id), frames.rounds(store, done.id))
    assert analysis.comparisons == analysis.trends == ()
    assert [cell.outcomes for cell in analysis.cells] == [{"timeout": 3}] * 2
    assert [(row.what, row.fate, row.count) for row in analysis.left_out] == [("task", "timed out", 3)] * 2
    assert analysis.headline.startswith("No task booted, so nothing can be compared. 0 of 6 tasks")


def test_a_plan_without_control_is_told_so() -> None:
    analysis = of(made(small_plan(forms=("soci-v1", "soci-v2"), blocks=5), lambda *_: 3.0))
    assert "no-control" in kinds(analysis)
    assert analysis.comparisons == ()
    assert analysis.headline == "Nothing can be compared: the plan has no 'plain' form."
    assert len(analysis.cells) == 4


def test_a_plan_with_the_control_alone_has_nothing_to_compare() -> None:
    analysis = of(made(small_plan(forms=("plain",), blocks=5), lambda *_: 3.0))
    assert analysis.headline == "Nothing can be compared: the plan has no form but 'plain'."


def test_times_that_are_all_alike_are_no_error() -> None:
    analysis = of(made(small_plan(blocks=4), lambda *_: 2.0))
    assert {(each.ratio, each.verdict) for each in analysis.comparisons} == {(1.0, "no-difference")}
    assert all(0 < (each.margin or 0) < 0.002 for each in analysis.comparisons)


def stopped_plan(blocks: int = 30) -> Plan:
    return make_plan(small_design(task_counts=(1,), blocks=blocks), Stopping(precision=0.05))


@pytest.mark.slow
def test_a_sweep_that_may_stop_early_pays_for_its_looks_and_says_why_it_ended() -> None:
    boot = noisy({"plain": 1.0, "soci-v2": 0.8}, spread=0.01)
    fixed = of(made(small_plan(task_counts=(1,), blocks=8), boot)).comparisons[0]
    boot = noisy({"plain": 1.0, "soci-v2": 0.8}, spread=0.01)
    analysis = of(made(stopped_plan(), boot, ran=lambda round_: round_.block < 8))
    assert fixed.interval is not None
    assert analysis.comparisons[0].interval is not None
    assert analysis.comparisons[0].ratio == fixed.ratio
    assert analysis.comparisons[0].interval.low < fixed.interval.low
    assert "incomplete" not in kinds(analysis), "the blocks that were not wanted are not owed"
    (why,) = [finding.text for finding in analysis.findings if finding.kind == "stopped"]
    assert why.startswith(
        "The sweep ended after 8 of at most 30 blocks: every interval was within ±5.0 %. Its intervals hold"
    )
    assert "Of those that end early" in why
    assert all("stopped-early" in each.cautions for each in analysis.comparisons)
    assert any("Stopping rule" in method.name for method in analysis.methods)


@pytest.mark.slow
@pytest.mark.parametrize(("most", "why"), [(30, "its time ran out"), (8, "the plan has no more")])
def test_a_sweep_that_ended_before_it_was_precise_says_so(most: int, why: str) -> None:
    boot = noisy({"plain": 1.0, "soci-v2": 0.8}, spread=0.3)
    analysis = of(made(stopped_plan(most), boot, ran=lambda round_: round_.block < 8))
    assert why in " ".join(finding.text for finding in analysis.findings if finding.kind == "stopped")


def test_every_method_names_its_source() -> None:
    analysis = of(made(small_plan(blocks=3), lambda *_: 1.0))
    assert len(analysis.methods) > 8
    assert all(any(character.isdigit() for character in method.source) for method in analysis.methods)


@pytest.mark.slow
def test_comparisons_that_are_not_decided_say_how_large_a_sweep_would_and_for_what() -> None:
    analysis = of(made(small_plan(blocks=5), noisy({"plain": 1.0, "soci-v2": 0.8}, spread=0.15)))
    (few,) = [finding.text for finding in analysis.findings if finding.kind == "too-few"]
    decided, undecided = sorted(analysis.comparisons, key=lambda each: each.verdict == "undecided")
    assert (decided.verdict, decided.blocks_to_decide, undecided.verdict) == ("faster", None, "undecided")
    assert few.startswith("1 of the 2 comparisons that matter (boot) cannot be decided yet. ")
    least, most = undecided.blocks_to_decide_range or (0, 0)
    assert least < (undecided.blocks_to_decide or 0) < (most or 1_001)
    needed = f"A sweep of {likely(least, most)} blocks, which takes"
    assert needed in few and "should decide movie as soci-v2 with 2 tasks (boot)" in few


def test_a_precision_that_no_plan_can_reach_is_told_so() -> None:
    boot = noisy({"plain": 1.0, "soci-v2": 0.8}, spread=0.5)
    measured = made(small_plan(blocks=5), boot)
    analysis = analyse(measured.sweep, measured.tasks, measured.rounds, precision=0.001)
    assert {each.blocks_needed for each in analysis.comparisons} == {None}
    assert "scatters too much for any sweep to tell" in " ".join(finding.text for finding in analysis.findings)


@pytest.mark.slow
def test_many_failed_rounds_are_listed_in_part_and_counted(store: Store, sweep: StartSweep) -> None:
    plan = small_plan(task_counts=(1,), blocks=15)
    done = sweep(plan, script={index: [Outcome.FAILED] for index in range(30)})
    tasks, rounds = frames.tasks(store, done.id), frames.rounds(store, done.id)
    rounds["reason"] = rounds["reason"].where(rounds["status"] == "complete", rounds["index"].astype("str"))
    analysis = analyse(done, tasks, rounds)
    assert len(analysis.left_out) == MOST_REASONS
    assert sum(row.count for row in analysis.left_out) + analysis.left_out_more == 60, "a task and a round, 30 times"
    assert {each.blocks for each in analysis.comparisons} == {15}, "each was tried again"
