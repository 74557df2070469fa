from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from scipy.stats import ttest_ind

from experiments.analysis.comparisons import Terms
from experiments.compare import caught, gate, repetitions
from experiments.compare.samples import Blocks, Recorded, Samples, logarithms, samples
from experiments.compare.versus import Change, Versus, changes, compare
from experiments.plan.plan import Plan, Stopping
from experiments.records.model import Outcome
from experiments.records.phases import durations
from experiments.report import versus
from experiments.store import frames
from experiments.store.store import Store
from experiments.store.sweeps import Sweep
from kit.errors import SweepError
from tests.contracts.plans import small_plan
from tests.support.made_frames import made
from tests.unit.experiments.conftest import StartSweep

BLOCKS = 5
Record = Callable[..., Recorded]


@pytest.fixture
def record(store: Store, sweep: StartSweep) -> Record:
    """Return a function that runs a sweep of the fake and returns it with its frame; options as for `sweep`."""

    def begin(plan: Plan | None = None, **fake: object) -> Recorded:
        done = sweep(plan or small_plan(blocks=BLOCKS, task_counts=(2,)), **fake)
        return Recorded(done, frames.tasks(store, done.id))

    return begin


def of(comparison: Versus, form: str, phase: str) -> Change:
    [change] = [change for change in comparison.changes if (change.form, change.phase) == (form, phase)]
    return change


@pytest.mark.slow
def test_a_slower_form_is_called_slower_and_the_other_form_is_not(record: Record) -> None:
    comparison = compare(record(), record(seed=1, factors={"soci-v2": 1.3}), None)
    assert comparison.measure == "seconds"
    assert of(comparison, "soci-v2", "boot").verdict == "slower"
    assert of(comparison, "soci-v2", "boot").ratio == pytest.approx(1.3, abs=0.05)
    assert of(comparison, "plain", "boot").verdict in ("undecided", "no-difference")
    assert of(compare(record(factors={"plain": 2}), record(), None), "plain", "boot").verdict == "faster"


def test_figures_are_those_of_the_records_computed_another_way(record: Record, store: Store) -> None:
    sides = record(), record(seed=1, factors={"plain": 1.1})
    change = of(compare(*sides, None), "plain", "boot")
    before, after = (
        [
            math.log(median(durations(task).boot_seconds or math.nan for task in round_.observation.tasks))
            for round_ in store.rounds(side.sweep.id)
            if round_.round.form == "plain"
        ]
        for side in sides
    )
    low, high = ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    assert change.interval is not None
    assert (change.interval.low, change.interval.high) == pytest.approx((math.exp(low), math.exp(high)))
    assert change.ratio == pytest.approx(math.exp(np.mean(after) - np.mean(before)))
    assert (change.before, change.after) == pytest.approx((math.exp(np.mean(before)), math.exp(np.mean(after))))
    assert change.after / change.before == pytest.approx(change.ratio)
    assert (change.blocks_before, change.blocks_after) == (BLOCKS, BLOCKS)


def test_one_phase_of_each_variant_is_the_one_that_matters(record: Record) -> None:
    comparison = compare(record(), record(seed=1), None)
    assert {change.phase for change in comparison.changes if change.primary} == {"boot"}
    assert {change.phase for change in comparison.changes} == {"pull", "start", "ready", "boot"}


def test_across_targets_only_what_a_form_does_to_plain_is_compared(record: Record) -> None:
    lab = record(metadata={"target": "lab"})
    both_doubled = {"plain": 2.0, "soci-v2": 2.0}
    fargate = record(seed=1, metadata={"target": "fargate", "region": "eu-west-1"}, factors=both_doubled)
    with pytest.raises(SweepError, match="To measure the effect of this change, add --across target"):
        compare(lab, fargate, None)
    comparison = compare(lab, fargate, "target")
    assert (comparison.measure, comparison.target, comparison.simulated) == ("ratio-to-control", "lab / fargate", False)
    assert {change.form for change in comparison.changes} == {"soci-v2"}
    boot = of(comparison, "soci-v2", "boot")
    assert boot.verdict != "slower"  # twice as long in seconds, but the same relative to its own plain
    assert boot.before == pytest.approx(0.76, abs=0.1)
    assert "duration ÷ the control's duration in the same block" in versus.text(comparison)


@pytest.mark.slow
def test_sweeps_without_a_common_treatment_say_so(record: Record) -> None:
    plain = record(small_plan(forms=("plain",)))
    lazy = record(small_plan(forms=("soci-v2",)))
    with pytest.raises(SweepError, match=f"{plain.sweep.id} and {lazy.sweep.id} share no treatment"):
        compare(plain, lazy, None)
    with pytest.raises(SweepError, match="share no treatment at a task count"):
        compare(record(small_plan(task_counts=(1,))), record(small_plan(task_counts=(2,))), None)


def test_a_sweep_without_complete_rounds_shares_nothing(record: Record) -> None:
    plan = small_plan(task_counts=(1,), blocks=1)
    contaminated = record(plan, script=dict.fromkeys(range(len(plan.rounds)), [Outcome.CONTAMINATED] * 3))
    assert len(contaminated.tasks) > 0
    with pytest.raises(SweepError, match="in complete rounds"):
        compare(record(), contaminated, None)


@pytest.mark.slow
def test_a_treatment_that_broke_is_named_and_a_form_that_was_not_planned_is_not(record: Record) -> None:
    plan = small_plan(blocks=BLOCKS, task_counts=(2,))
    lazy_rounds = [round_.index for round_ in plan.rounds if round_.form == "soci-v2"]
    broken = record(plan, script={index: [Outcome.NOT_LAZY] * 2 for index in lazy_rounds})
    comparison = compare(record(plan), broken, None)
    assert comparison.lost == ("movie soci-v2 with 2 tasks",)
    assert "without a round that has a figure: movie soci-v2 with 2" in versus.text(comparison)
    assert compare(broken, record(plan, seed=1), None).lost == ()
    plain = record(small_plan(blocks=BLOCKS, task_counts=(2,), forms=("plain",)))
    assert compare(record(plan), plain, None).lost == ()


@pytest.mark.slow
def test_half_of_the_tasks_that_fail_after_are_fewer_beyond_chance_and_fail_the_gate(record: Record) -> None:
    plan = small_plan(blocks=BLOCKS, task_counts=(1, 2))
    ones = [round_.index for round_ in plan.rounds if (round_.form, round_.task_count) == ("soci-v2", 1)]
    twos = [round_.index for round_ in plan.rounds if (round_.form, round_.task_count) == ("soci-v2", 2)]
    for outcome in (Outcome.TIMEOUT, Outcome.NOT_LAZY, Outcome.STOPPED):
        failing = record(plan, seed=1, script={index: [outcome] for index in (*ones, *twos[:3])})
        comparison = compare(record(plan), failing, None)
        less = {(each.form, each.task_count): each.less for each in comparison.booting}
        assert less["soci-v2", 1] and not less["plain", 1]
        assert gate.judge(comparison, 0.05).fails
        assert "0 of 5 (0–52 %)" in versus.text(comparison)  # noqa: RUF001
        assert "fewer, beyond chance" in versus.markdown(comparison)


def test_one_bad_round_is_unsure_and_no_proof(record: Record) -> None:
    plan = small_plan(blocks=BLOCKS, task_counts=(2,))
    [bad, *_] = [round_.index for round_ in plan.rounds if round_.form == "soci-v2"]
    comparison = compare(record(plan), record(plan, seed=1, script={bad: [Outcome.TIMEOUT]}), None)
    judged = gate.judge(comparison, 10.0)
    assert not judged.fails
    assert "8 of 10 (44–97 %) tasks of movie soci-v2 with 2 tasks booted" in judged.open[-1]  # noqa: RUF001
    assert any("and too many tasks failed in 1 more block" in text for text in judged.open)


def test_what_was_not_lazy_after_counts_as_deployed(record: Record) -> None:
    plan = small_plan(blocks=BLOCKS, task_counts=(2,))
    lazy = [round_.index for round_ in plan.rounds if round_.form == "soci-v2"]
    after = record(plan, seed=1, script={index: [Outcome.NOT_LAZY] for index in lazy[:2]})
    comparison = compare(record(plan), after, None)
    rows = {(each.form, each.phase, each.as_deployed): each for each in comparison.changes}
    assert rows["soci-v2", "pull", True].ratio > 2 > rows["soci-v2", "pull", False].ratio
    assert ("plain", "pull", True) not in rows
    assert "soci-v2, as deployed" in versus.text(comparison)


def test_rounds_that_never_completed_are_said_and_leave_the_gate_unsure(record: Record) -> None:
    plan = small_plan(blocks=BLOCKS, task_counts=(2,))
    failing = record(plan, seed=1, script={0: [Outcome.FAILED] * 3})
    comparison = compare(record(plan), failing, None)
    assert "has no complete attempt of 1 round of movie" in comparison.unfinished[0]
    assert "has no complete attempt" in gate.judge(comparison, 10.0).open[-1]


def test_an_unfinished_sweep_is_said_to_be_one(record: Record) -> None:
    finished, other = record(), record(seed=1)
    stopped = Recorded(other.sweep.model_copy(update={"status": "stopped"}), other.tasks)
    comparison = compare(finished, stopped, None)
    assert comparison.unfinished == (f"Sweep {other.sweep.id} is not finished (stopped).",)
    assert f"Warning: Sweep {other.sweep.id} is not" in versus.markdown(comparison)


@pytest.mark.slow
def test_sweeps_that_may_have_stopped_early_pay_for_their_looks(record: Record) -> None:
    before, after = record(), record(seed=1)
    plan = after.sweep.plan.model_copy(update={"stopping": Stopping(precision=0.05)})
    stopping = Recorded(after.sweep.model_copy(update={"plan": plan}), after.tasks)
    for free, paid in zip(compare(before, after, None).changes, compare(before, stopping, None).changes, strict=True):
        assert free.interval and paid.interval
        assert paid.interval.low < free.interval.low < free.interval.high < paid.interval.high
        assert paid.interval.level == free.interval.level == 0.95
        assert free.p_adjusted is not None
        assert paid.p_adjusted == pytest.approx(min(1.0, 2 * free.p_adjusted))


def test_too_few_blocks_give_figures_and_no_interval(record: Record) -> None:
    comparison = compare(record(), record(small_plan(blocks=2, task_counts=(2,)), seed=1), None)
    change = of(comparison, "plain", "boot")
    assert (change.interval, change.p_value, change.p_adjusted, change.verdict) == (None, None, None, "undecided")
    assert "too few blocks: 5 and 2, not 3" in versus.text(comparison)


def test_a_comparison_survives_json(record: Record) -> None:
    comparison = compare(record(), record(seed=1, factors={"plain": 1.2}), None)
    assert Versus.model_validate_json(comparison.model_dump_json()) == comparison
    assert comparison.simulated


def test_hostile_names_are_no_markup(record: Record) -> None:
    hostile = "a|b `c` <script>&lt; **d** [e](f) @somebody\n# g \\"
    comparison = compare(record(), record(seed=1), None)
    renamed = comparison.model_copy(
        update={
            "changes": tuple(change.model_copy(update={"variant": hostile}) for change in comparison.changes),
            "differing": {"image": [hostile]},
        }
    )
    lines = versus.markdown(renamed).splitlines()
    table = [line for line in lines if line.startswith("|")][: 2 + len(comparison.changes)]
    assert len(table) == 2 + len(comparison.changes)
    cell = r"a\|b \`c\` &lt;script&gt;&amp;lt; \*\*d\*\* \[e\]\(f\) &#64;somebody \# g \\"
    assert all(row.startswith(f"| {cell} | 2 | ") for row in table[2:])
    assert f"Differs in image: {cell}" in lines[-1]
    assert all(row.replace(r"\|", "").count("|") == len(versus.COLUMNS) + 1 for row in table)


@pytest.mark.slow
def test_a_machine_that_was_busier_in_one_of_the_sweeps_is_warned_of(record: Record) -> None:
    before, after = record(), record(seed=1)
    assert compare(before, after, None).warnings == ()
    busy = after.tasks["cpu_pressure"].where(after.tasks["form"] != "plain", 0.5)
    [warning] = (
        comparison := compare(before, Recorded(after.sweep, after.tasks.assign(cpu_pressure=busy)), None)
    ).warnings
    assert warning.startswith("CPU pressure of movie plain with 2 tasks was 0.0 % before and 50 % after: ")
    assert f"Warning: {warning.split(':')[0]}" in versus.text(comparison)
    assert Versus.model_validate_json(comparison.model_dump_json()) == comparison


def test_a_simulation_says_so_in_every_title(record: Record) -> None:
    comparison = compare(record(), record(seed=1), None)
    assert versus.text(comparison).startswith("SIMULATED, not measured: ")
    assert versus.markdown(comparison).startswith("**SIMULATED, not measured: ")


@pytest.mark.slow
def test_equal_sweeps_are_rarely_called_different(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 5 % of 120 pairs of sweeps without a change may be called different, within chance: at exactly 5 %, 12 or
    more would be called so in 1 of 50 cases."""
    monkeypatch.setattr(caught, "slowdown", lambda *_: None)  # takes most of the time, and has tests of its own
    generator = np.random.default_rng(20_100)
    plan = small_plan(blocks=BLOCKS, task_counts=(1, 3), forms=("plain", "soci-v2"))
    still = made(plan, lambda _round, _number: 10.0)
    rows = logarithms(Recorded(still.sweep, still.tasks), "seconds", deployed=False)
    assert len(rows) == 16  # two forms, two counts, four phases
    different = sum(_is_called_different(list(samples(rows, rows)), generator) for _ in range(120))
    assert different <= 11


def _is_called_different(still: list[Samples], generator: np.random.Generator) -> bool:
    drawn = [
        replace(each, before=_noisy(each, generator), after=_noisy(each, generator))
        if each.row.phase == "boot"
        else each
        for each in still
    ]
    return any(change.verdict in ("faster", "slower") for change in changes(drawn, Terms(), 0.0))


def _noisy(each: Samples, generator: np.random.Generator) -> Blocks:
    """Return log-normal boots with a random level per round, and no difference between forms."""
    of_round = generator.normal(0, 0.06, BLOCKS)
    of_task = generator.normal(0, 0.03, (BLOCKS, each.row.task_count))
    return Blocks(each.before.logarithms + of_round + np.median(of_task, axis=1))


def day(record: Record, factor: float, seed: int) -> Recorded:
    """A sweep on a day on which everything takes longer by a factor."""
    return record(seed=seed, factors={"plain": factor, "soci-v2": factor})


@pytest.mark.slow
def test_what_other_sweeps_of_the_same_images_differ_by_is_in_the_intervals(record: Record) -> None:
    before, after = day(record, 1.0, 0), day(record, 1.3, 1)
    alone = compare(before, after, None)
    assert of(alone, "plain", "boot").verdict == "slower"
    assert gate.reach(alone).startswith("Within these two sweeps: such a pair of sweeps catches")
    assert "All of this is within these two sweeps" in versus.text(alone).replace("\n", " ")
    repeated = [day(record, factor, seed) for seed, factor in enumerate((0.8, 1.0, 1.2), start=2)]
    known = compare(before, after, None, repeated=repeated)
    boot = of(known, "plain", "boot")
    assert boot.verdict == "undecided"
    assert boot.sweeps == 3, "the two themselves are not asked: they are of the same images"
    assert boot.between_sweeps == pytest.approx(0.22, abs=0.07)
    assert (boot.could_catch or 0) > 5 * (of(alone, "plain", "boot").could_catch or 1)
    assert "By 3 sweeps of the same images, sweeps differ by up to" in versus.text(known)
    assert gate.reach(known).startswith("Such a pair of sweeps catches")


@pytest.mark.slow
def test_two_machines_are_two_groups_however_much_they_differ(record: Record) -> None:
    """That one machine is twice as fast says nothing of how sweeps on one machine differ."""
    machines = ({"machine.cpu": "slow"}, {"machine.cpu": "fast"})
    slow, fast = (
        [record(seed=seed, metadata=machine, factors={"plain": factor, "soci-v2": factor}) for seed in range(3)]
        for machine, factor in zip(machines, (2.0, 1.0), strict=True)
    )
    told = compare(slow[0], fast[0], "machine", repeated=[*slow[1:], *fast[1:]])
    boot = of(told, "plain", "boot")
    assert (boot.sweeps, boot.verdict) == (6, "faster")
    assert (boot.between_sweeps or 0) < 0.1


def test_only_finished_sweeps_of_the_same_things_on_the_same_machine_are_asked(record: Record) -> None:
    before, after, other = (record(seed=seed).sweep for seed in range(3))
    assert repetitions.is_one(other, before, after)
    assert not repetitions.is_one(after, before, after)
    busier = other.model_copy(update={"key_metadata": {**other.key_metadata, "machine.cpu": "another"}})
    assert not repetitions.is_one(busier, before, after)
    assert not repetitions.is_one(other.model_copy(update={"status": "running"}), before, after)
    rebuilt = re.sub(r"(?<=sha256:)[0-9a-f]{64}", lambda found: found[0][::-1], other.model_dump_json())
    assert not repetitions.is_one(Sweep.model_validate_json(rebuilt), before, after)
