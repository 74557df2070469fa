from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from experiments.analysis.analyse import analyse
from experiments.analysis.cells import Cell, Share
from experiments.analysis.effects import Pairs, round_medians
from experiments.analysis.failures import _permuted, _typical, claimable, failures, guarded
from experiments.analysis.findings import Analysis, Comparison, Direction, Verdict
from experiments.analysis.shares import Counts, counts
from experiments.analysis.statistics import permutation
from experiments.plan.control import Control
from experiments.records.model import Outcome, Round
from experiments.records.phases import PHASES
from tests.contracts.plans import small_plan
from tests.support.made_frames import Made, made, marked

Fate = Callable[[Round, int], str]


def swept(fate: Fate, *, blocks: int = 5, tasks: int = 4, soci: float = 5.0) -> Made:
    """A sweep of the movie in which plain boots in 10 s and soci-v2 in ``soci``, if their fate is to boot."""
    noise = np.random.default_rng(1)

    def seconds(round_: Round, number: int) -> float:
        booted = fate(round_, number) in ("booted", "not-lazy")
        lazy = round_.form != "plain" and fate(round_, number) == "booted"
        return (soci if lazy else 10.0) * float(noise.lognormal(0, 0.02)) if booted else np.nan

    sweep = made(small_plan(task_counts=(tasks,), blocks=blocks), seconds)
    rounds = {round_.index: round_ for round_ in sweep.sweep.plan.rounds}
    numbers = sweep.tasks["task_id"].str.split("/").str[1].astype(int)
    outcomes = [fate(rounds[index], number) for index, number in zip(sweep.tasks["round"], numbers, strict=True)]
    return Made(sweep.sweep, sweep.tasks.assign(outcome=pd.Categorical(outcomes)), sweep.rounds)


def analysed(sweep: Made) -> Analysis:
    return analyse(sweep.sweep, sweep.tasks, sweep.rounds)


def boot(comparisons: Sequence[Comparison]) -> Comparison:
    [comparison] = [each for each in comparisons if each.phase == "boot"]
    return comparison


def lazy_fails(outcome: str, number: int, *, in_blocks: int = 99) -> Fate:
    """The first ``number`` tasks of soci-v2's rounds end so."""
    return lambda round_, task: (
        outcome if round_.form != "plain" and task < number and round_.block < in_blocks else "booted"
    )


@pytest.mark.parametrize("outcome", ["timeout", "stopped"])
def test_a_task_that_never_booted_is_slower_than_every_other_of_its_round(outcome: str) -> None:
    tasks = swept(lazy_fails(outcome, 1)).tasks
    medians = round_medians(tasks)
    for row in medians[medians["form"] == "soci-v2"].itertuples():
        booted = sorted(tasks.loc[tasks["round"] == row.round, "boot_seconds"].dropna())
        assert len(booted) == 3
        assert row.boot_seconds == pytest.approx((booted[1] + booted[2]) / 2)
    assert not medians["boot_lost"].any()


def test_what_a_task_did_before_it_timed_out_is_known() -> None:
    sweep = swept(lazy_fails("timeout", 2))
    began, ended = (pd.Series(value, index=sweep.tasks.index, dtype="Int64") for value in (0, 3 * 10**9))
    tasks = sweep.tasks.assign(pull_seconds=3.0, pull_started_ns=began, pull_stopped_ns=ended)
    medians = round_medians(tasks.assign(pull_seconds=tasks["pull_seconds"].where(tasks["outcome"] == "booted")))
    assert set(medians["pull_seconds"]) == {3.0}
    assert medians["boot_lost"].sum() == 5


def test_a_round_of_which_half_never_booted_has_no_figure_and_that_is_said() -> None:
    analysis = analysed(swept(lazy_fails("timeout", 2, in_blocks=1)))
    comparison = boot(analysis.comparisons)
    assert (comparison.blocks, comparison.lost_blocks) == (4, 1)
    [finding] = [each.text for each in analysis.findings if each.kind == "failures"]
    assert finding.startswith("movie as soci-v2 with 4 tasks: 18 of 20 tasks booted as promised (68–99 %); 2 timed")  # noqa: RUF001
    assert "In 1 round at least half of the tasks did not, so it has no median." in finding


@pytest.mark.slow
@pytest.mark.parametrize("soci", [5.0, 10.0, 20.0])
def test_blocks_that_are_left_over_make_no_form_faster_or_equal(soci: float) -> None:
    every = boot(analysed(swept(lazy_fails("timeout", 0), blocks=8, soci=soci)).comparisons)
    left = boot(analysed(swept(lazy_fails("timeout", 4, in_blocks=3), blocks=8, soci=soci)).comparisons)
    assert every.verdict == {5.0: "faster", 10.0: "no-difference", 20.0: "slower"}[soci]
    assert left.verdict == ("slower" if soci == 20.0 else "undecided")
    assert left.taken_alone is None and left.margin is None


@pytest.mark.parametrize(
    ("verdict", "lost", "control_lost", "kept"),
    [
        ("faster", 0, 2, "faster"),
        ("slower", 0, 2, "undecided"),
        ("no-difference", 0, 1, "undecided"),
        ("faster", 1, 0, "undecided"),
        ("slower", 1, 0, "slower"),
    ],
)
def test_a_lost_block_speaks_against_its_own_side_alone(
    verdict: Verdict, lost: int, control_lost: int, kept: Verdict
) -> None:
    assert claimable(verdict, lost=lost, control_lost=control_lost) == kept


@pytest.mark.slow
def test_a_form_of_which_half_fails_in_every_block_boots_less_beyond_chance() -> None:
    for outcome in ("timeout", "stopped", "not-lazy"):
        [lazy] = [cell for cell in analysed(swept(lazy_fails(outcome, 2), blocks=3)).cells if cell.form == "soci-v2"]
        assert lazy.booted is not None
        assert (lazy.booted.booted, lazy.booted.tasks, lazy.boots_less) == (6, 12, True)


def test_a_form_of_which_nothing_ever_boots_boots_less_though_nothing_can_be_compared() -> None:
    analysis = analysed(swept(lazy_fails("timeout", 4)))
    assert analysis.comparisons == ()
    assert [cell.boots_less for cell in analysis.cells] == [False, True]
    assert [cell.lost_rounds for cell in analysis.cells] == [0, 5]


def test_one_bad_minute_is_no_proof_however_many_tasks_it_failed() -> None:
    analysis = analysed(swept(lazy_fails("timeout", 8, in_blocks=1), tasks=8))
    assert [cell.boots_less for cell in analysis.cells] == [False, False]


@pytest.mark.slow
def test_tasks_that_were_not_lazy_count_as_deployed_and_not_for_the_form() -> None:
    analysis = analysed(swept(lazy_fails("not-lazy", 3)))
    assert boot(analysis.comparisons).seconds == pytest.approx(5, rel=0.05)
    deployed = boot(analysis.as_deployed)
    assert deployed.as_deployed
    assert deployed.seconds == pytest.approx(10, rel=0.05)
    assert analysed(swept(lazy_fails("timeout", 1))).as_deployed == ()


def test_a_late_task_is_named_and_its_seconds_count() -> None:
    sweep = swept(lazy_fails("timeout", 0))
    late = sweep.tasks["task_id"] == sweep.tasks["task_id"].iat[0]
    tasks = marked(sweep.tasks, late, reason="booted after 67 s, later than 60 s")
    analysis = analyse(sweep.sweep, tasks, sweep.rounds)
    [finding] = [each for each in analysis.findings if each.kind == "late"]
    assert "1 task booted after the time limit (the first booted after 67 s, later than 60 s)" in finding.text
    first = sweep.tasks.iloc[0]
    assert (finding.variant, finding.form, finding.task_count) == (first["variant"], first["form"], first["task_count"])
    assert sum(cell.tasks_in_figures for cell in analysis.cells) == len(sweep.tasks)


def test_a_task_that_did_not_boot_or_whose_round_was_disturbed_is_not_called_late() -> None:
    sweep = swept(lazy_fails("timeout", 1))
    disturbed = sweep.tasks["form"] == "plain"
    tasks = marked(sweep.tasks, disturbed, round_status="contaminated")
    tasks = marked(tasks, disturbed | (tasks["outcome"] == "timeout"), reason="later than 60 s")
    analysis = analyse(sweep.sweep, tasks, sweep.rounds)
    assert [each for each in analysis.findings if each.kind == "late"] == []


def test_a_treatment_has_the_seconds_of_its_rounds_and_none_without_a_round() -> None:
    sweep = swept(lazy_fails("timeout", 0))
    cells = {cell.form: cell for cell in analysed(sweep).cells}
    assert (cells["plain"].seconds["boot"], cells["soci-v2"].seconds["boot"]) == pytest.approx((10, 5), rel=0.05)
    tasks = marked(sweep.tasks, sweep.tasks["form"] == "plain", round_status="failed", outcome="failed")
    without = {cell.form: cell for cell in analyse(sweep.sweep, tasks, sweep.rounds).cells}
    assert (without["plain"].booted, without["plain"].lost_rounds, without["plain"].seconds) == (None, 0, {})
    assert without["soci-v2"] == cells["soci-v2"]


def test_what_failed_is_said_of_its_treatment_and_of_each_comparison_with_it() -> None:
    analysis = analysed(swept(lazy_fails("timeout", 1)))
    cells = {(each.variant, each.form, each.task_count): each for each in analysis.cells}
    [found] = [each for each in analysis.findings if each.kind == "failures"]
    assert (found.variant, found.form, found.task_count) == ("movie", "soci-v2", 4)
    assert analysis.comparisons
    for each in analysis.comparisons:
        form = cells[each.variant, each.form, each.task_count]
        control = cells[each.control_variant, each.control, each.task_count]
        assert form.booted is not None and control.booted is not None and form.booted != control.booted
        assert (each.booted, each.control_booted) == (form.booted, control.booted)
        assert each.boots_less == form.boots_less


def test_a_task_that_stopped_and_spoilt_its_round_counts_with_the_others_of_that_round() -> None:
    sweep = swept(lazy_fails("stopped", 1))
    spoilt = (sweep.tasks["form"] == "soci-v2") & (sweep.tasks["block"] == 0)
    tasks = marked(sweep.tasks, spoilt, round_status="contaminated")
    tasks = marked(tasks, spoilt & (tasks["outcome"] != "stopped"), outcome=Outcome.CONTAMINATED.value)
    counted = counts(tasks)["movie", "soci-v2", 4]
    assert (counted.booted.tolist(), counted.tasks.tolist()) == ([3] * 5, [4] * 5)


def test_rounds_spoilt_from_outside_say_nothing_of_the_image() -> None:
    sweep = swept(lazy_fails("contaminated", 4))
    tasks = marked(sweep.tasks, sweep.tasks["outcome"] == "contaminated", round_status="contaminated")
    assert list(counts(tasks)) == [("movie", "plain", 4)]


def test_a_phase_typically_takes_what_it_took_where_it_took_any_time() -> None:
    took = {"boot_seconds": [0.5, 2.0, np.nan], "pull_seconds": [0.0, 0.25, 0.25]}
    rounds = pd.DataFrame({f"{phase}_seconds": took.get(f"{phase}_seconds", [np.nan, 0.0, np.nan]) for phase in PHASES})
    assert _typical(rounds) == pytest.approx({"boot": 1.0, "pull": 0.25})


def test_whole_blocks_that_both_sides_have_are_compared() -> None:
    form = Counts(np.array([0, 1, 2, 3, 4, 5]), np.array([4, 3, 0, 3, 4, 3]), np.full(6, 4))
    control = Counts(np.array([0, 1, 3, 4, 5, 7]), np.array([4, 4, 4, 3, 4, 0]), np.full(6, 4))
    assert _permuted(form, control) == permutation.test(np.array([0, 1, 1, -1, 1]) / 4)


def compared(verdict: Verdict, alone: Direction | None) -> Comparison:
    return Comparison(
        variant="movie",
        form="soci-v2",
        control_variant="movie",
        control="plain",
        task_count=2,
        phase="boot",
        blocks=5,
        seconds=1.0,
        control_seconds=2.0,
        ratio=0.5,
        interval=None,
        verdict=verdict,
        taken_alone=alone,
        margin=0.05,
    )


@pytest.mark.parametrize(
    ("verdict", "alone", "lost", "control_lost", "kept"),
    [
        ("faster", None, 0, 0, ("faster", None, None)),
        ("faster", None, 1, 0, ("undecided", None, None)),
        ("slower", None, 2, 0, ("slower", None, None)),
        ("slower", None, 0, 1, ("undecided", None, None)),
        ("no-difference", None, 0, 0, ("no-difference", None, 0.05)),
        ("no-difference", None, 0, 3, ("undecided", None, None)),
        ("undecided", "faster", 0, 0, ("undecided", "faster", None)),
        ("undecided", "faster", 1, 0, ("undecided", None, None)),
        ("undecided", "faster", 0, 1, ("undecided", "faster", None)),
        ("undecided", "slower", 0, 1, ("undecided", None, None)),
        ("undecided", "slower", 1, 0, ("undecided", "slower", None)),
    ],
)
@pytest.mark.parametrize("deployed", [False, True])
def test_a_comparison_claims_nothing_that_its_lost_blocks_could_turn_round(
    verdict: Verdict,
    alone: Direction | None,
    lost: int,
    control_lost: int,
    kept: tuple[Verdict, Direction | None, float | None],
    deployed: bool,
) -> None:
    before, one = compared(verdict, alone), np.ones(5)
    pair = Pairs("movie", "soci-v2", "movie", "plain", 2, "boot", one, one, lost, control_lost, deployed)
    changed = {"lost_blocks": lost, "control_lost_blocks": control_lost, "as_deployed": deployed}
    changed |= dict(zip(("verdict", "taken_alone", "margin"), kept, strict=True))
    assert guarded(before, pair).model_dump() == {**before.model_dump(), **changed}


def cell(form: str, booted: int, *, variant: str = "movie", lost: int = 0, less: bool = False, **outcomes: int) -> Cell:
    return Cell(
        variant=variant,
        form=form,
        task_count=4,
        rounds=5,
        rounds_under_load=0,
        tasks=20,
        tasks_in_figures=booted,
        outcomes={"booted": booted, **{name.replace("_", "-"): count for name, count in outcomes.items()}},
        booted=Share(booted=booted, tasks=20, low=0.5, high=0.9),
        boots_less=less,
        lost_rounds=lost,
        received_bytes_median=None,
        phases={},
    )


def told(*cells: Cell, control: Control | None = None) -> list[str]:
    """What the findings say of cells, of sweeps in which no task booted late."""
    variants, forms = (tuple(dict.fromkeys(getattr(each, name) for each in cells)) for name in ("variant", "form"))
    design = small_plan(variants=variants, forms=forms, task_counts=(4,), control=control).design
    nothing = made(small_plan(), lambda *_: 1.0, ran=lambda _: False).tasks
    return [each.text for each in failures(design, nothing, cells)]


def test_what_became_of_the_tasks_is_told_in_whole_sentences() -> None:
    some = told(cell("plain", 20), cell("soci-v2", 15, timeout=3, stopped=2))
    assert some == [
        "movie as soci-v2 with 4 tasks: 15 of 20 tasks booted as promised (50–90 %); 3 timed out, 2 stopped. "  # noqa: RUF001
        "A task that never booted counts as slower than every task that did."
    ]
    lazy = told(cell("plain", 20), cell("soci-v2", 15, not_lazy=5, lost=1))
    assert lazy == [
        "movie as soci-v2 with 4 tasks: 15 of 20 tasks booted as promised (50–90 %); 5 booted without lazy loading. "  # noqa: RUF001
        "In 1 round at least half of the tasks did not, so it has no median."
    ]
    [less] = told(cell("plain", 19, stopped=1), cell("soci-v2", 15, stopped=5, lost=2, less=True))[1:]
    assert less.endswith(
        " did. In 2 rounds at least half of the tasks did not, so they have no median."
        " As plain, 19 of 20 (50–90 %) did: the difference is more than chance."  # noqa: RUF001
    )
    [plain, *_] = told(cell("plain", 19, stopped=1), cell("soci-v2", 15, stopped=5))
    assert plain.endswith("1 stopped. A task that never booted counts as slower than every task that did.")


def test_of_another_image_is_told_which_one() -> None:
    before = cell("plain", 20, variant="before")
    after = cell("plain", 15, variant="after", timeout=5, less=True)
    [said] = told(before, after, control=Control(variant="before"))
    assert said.endswith(" Of before, 20 of 20 (50–90 %) did: the difference is more than chance.")  # noqa: RUF001
    [unknown] = told(before, after.model_copy(update={"boots_less": False}), control=Control(variant="before"))
    assert unknown.endswith(" counts as slower than every task that did.")
