from __future__ import annotations

from collections import Counter
from itertools import groupby, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from experiments.plan.control import Control
from experiments.plan.plan import Look, Payload, Plan, Stopping, check_against_stack, drawn_seed, make_plan
from experiments.plan.presets import PRESETS, preset
from experiments.plan.race import Race
from infra.settings.model import Settings
from kit.errors import SettingsError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_design, small_plan
from tests.support.forms import EVERY

designs = st.builds(
    small_design,
    variants=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4, unique=True),
    forms=st.lists(st.sampled_from(EVERY), min_size=1, unique=True),
    task_counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=4, unique=True),
    blocks=st.integers(1, 5),
    seed=st.integers(0, 2**63 - 1),
)


@pytest.mark.slow
@given(designs.map(make_plan))
def test_every_block_holds_every_treatment_at_every_count_exactly_once(plan: Plan) -> None:
    design = plan.design
    wanted = Counter(product(design.variants, design.forms, design.task_counts))
    for block in range(design.blocks):
        own = [round_ for round_ in plan.rounds if round_.block == block]
        assert Counter((round_.variant, round_.form, round_.task_count) for round_ in own) == wanted
    assert [round_.index for round_ in plan.rounds] == list(range(len(plan.rounds)))
    assert [round_.block for round_ in plan.rounds] == sorted(round_.block for round_ in plan.rounds)


@pytest.mark.slow
@given(designs)
def test_a_plan_is_its_seed_s_and_comes_back_from_json(design: object) -> None:
    plan = make_plan(design)  # type: ignore[arg-type]
    again = Plan.model_validate_json(plan.model_dump_json())
    assert again == plan == make_plan(plan.design)
    assert again.digest == plan.digest


@pytest.mark.slow
@given(designs)
def test_more_blocks_leave_the_earlier_ones_as_they_were(design: object) -> None:
    plan = make_plan(design)  # type: ignore[arg-type]
    longer = make_plan(plan.design.model_copy(update={"blocks": plan.design.blocks + 1}))
    assert longer.rounds[: len(plan.rounds)] == plan.rounds


def test_the_order_of_a_seed_is_the_same_on_every_python() -> None:
    """The first numbers of random.Random(1) are 0.134, 0.847 for one and two tasks; 0.763, 0.255 for plain and soci-v2
    with one task, 0.495, 0.449 with two; each is sorted by its own."""
    order = [(round_.form, round_.task_count) for round_ in small_plan(seed=1, blocks=1).rounds]
    assert order == [("soci-v2", 1), ("plain", 1), ("soci-v2", 2), ("plain", 2)]


@pytest.mark.slow
@given(designs.map(make_plan))
def test_within_a_block_the_forms_of_one_variant_and_count_stand_together(plan: Plan) -> None:
    groups = [(round_.block, round_.variant, round_.task_count) for round_ in plan.rounds]
    assert len(list(groupby(groups))) == len(set(groups))


def test_seeds_are_drawn_for_sweeps_that_are_given_none() -> None:
    assert len({drawn_seed() for _ in range(20)}) > 10


def test_blocks_are_shuffled_independently_and_seeds_differ() -> None:
    plan = small_plan(blocks=10, task_counts=(1, 2, 3))
    orders = {
        tuple((round_.form, round_.task_count) for round_ in plan.rounds if round_.block == block)
        for block in range(10)
    }
    assert len(orders) > 5
    assert small_plan(seed=2, blocks=10).rounds != small_plan(seed=1, blocks=10).rounds


def test_no_place_in_a_block_is_favoured() -> None:
    first = Counter(small_plan(seed=seed, blocks=1).rounds[0].form for seed in range(400))
    assert 150 < first["plain"] < 250


def test_another_plan_has_another_digest() -> None:
    assert small_plan(seed=1).digest != small_plan(seed=2).digest


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        small_plan().rounds = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"forms": ("plain", "soci-v3")}, r"no form 'soci-v3': .*; allowed: plain, soci-v1, soci-v2"),
        ({"forms": ("plain", "zstd(level=3)")}, r"canonical text: write zstd, not zstd\(level=3\)"),
        ({"task_counts": (0,)}, "task count 0 is not possible. Allowed: 1 to 10000"),
        ({"task_counts": (1, 10_001)}, "task count 10001"),
        ({"blocks": 0}, "number of blocks 0 is not possible. Allowed: 1 to 1000"),
        ({"blocks": 1_001}, "number of blocks 1001"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**63}, f"The seed {2**63} is not possible. Allowed: 0 to {2**63 - 1}"),
        ({"forms": ()}, "at least one form"),
        ({"variants": ()}, "at least one variant"),
        ({"task_counts": ()}, "at least one task count"),
        ({"forms": ("plain", "plain")}, "form 'plain' is given twice"),
        ({"task_counts": (2, 2)}, "task count 2 is given twice"),
    ],
)
def test_an_impossible_design_is_refused_with_its_value_and_what_is_allowed(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        small_plan(**changes)


def test_the_largest_values_that_are_allowed_are_possible() -> None:
    assert len(small_plan(blocks=1_000, task_counts=(1, 10_000), seed=0).rounds) == 4_000
    assert small_plan(seed=2**63 - 1).rounds


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no plan 'fast'. Allowed: default, aa, full"):
        preset("fast")


def test_a_plan_fits_a_stack_that_has_its_treatments() -> None:
    check_against_stack(small_plan(), stack_outputs())


def test_a_treatment_that_the_stack_lacks_is_named() -> None:
    with pytest.raises(SettingsError, match=r"no variant 'movie'\. It has: parquet, web\."):
        check_against_stack(small_plan(), stack_outputs(variants=["parquet", "web"]))
    with pytest.raises(SettingsError, match=r"no 'movie' as 'soci-v2'\. It has it as: plain, soci-v1\."):
        check_against_stack(small_plan(), stack_outputs(forms=["plain", "soci-v1"]))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_plans_with_the_control_and_settings_that_a_stack_understands(name: str) -> None:
    design = preset(name).design
    assert "plain" in design.forms
    kinds = len(design.variants) * len(design.forms) * len(design.task_counts)
    assert len(make_plan(design).rounds) == kinds * design.blocks
    settings = Settings.parse(design.payload.settings())
    assert settings.movie_megabytes == design.payload.movie_megabytes
    assert settings.parquet_test_megabytes == design.payload.parquet_test_megabytes
    assert settings.parquet_train_megabytes == design.payload.parquet_train_megabytes


def test_a_plan_takes_the_sizes_alone_of_a_stack_s_settings() -> None:
    settings = Settings(movie_megabytes=7, parquet_test_megabytes=8)
    assert Payload.of(settings).model_dump() == {
        "movie_megabytes": 7,
        "parquet_test_megabytes": 8,
        "parquet_train_megabytes": settings.parquet_train_megabytes,
    }


def test_the_full_plan_has_the_full_payload() -> None:
    full = preset("full").design.payload.model_dump()
    assert Settings().model_dump(include=set(full)) == full


def test_the_aa_plan_measures_plain_against_itself() -> None:
    assert preset("aa").design.forms == ("plain", "plain-again")
    assert preset("aa").stack not in {other.stack for name, other in PRESETS.items() if name != "aa"}


@pytest.mark.parametrize("values", [{"precision": 0}, {"precision": 1}, {"precision": 0.5, "budget_seconds": 0}])
def test_a_rule_that_nothing_or_anything_keeps_is_none(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Stopping(**values)


def test_a_rule_says_what_it_wants_and_in_how_long() -> None:
    assert str(Stopping(precision=0.05)) == "5.0%"
    assert str(Stopping(precision=0.5, budget_seconds=0.5)) == "50.0% in 0.5 s"
    assert str(Stopping(precision=0.05, points=True, budget_seconds=90)) == "5.0 points of the control in 90 s"
    assert not Look(blocks=3, wanted=0.05).narrow_enough


def test_a_plan_keeps_the_rule_that_may_end_it_early() -> None:
    rule = Stopping(precision=0.05)
    race = Race(image="web", forms=("plain",), references=(), budget_seconds=60)
    assert (make_plan(small_design(), rule).stopping, make_plan(small_design(), rule).race) == (rule, None)
    assert (make_plan(small_design(), race=race).stopping, make_plan(small_design(), race=race).race) == (None, race)


def test_a_treatment_whose_control_is_not_measured_has_none() -> None:
    assert small_design(forms=("soci-v2",)).control_of("movie", "soci-v2") is None
    assert small_design().control_of("movie", "soci-v2") == ("movie", "plain")


def test_the_same_rounds_may_be_seen_against_another_control_that_compares_something() -> None:
    plan = small_plan(variants=("movie", "parquet"))
    seen = plan.seen_against(Control(variant="parquet"))
    assert seen.rounds == plan.rounds
    assert seen.design.control_of("movie", "plain") == ("parquet", "plain")
    with pytest.raises(SettingsError, match="The control web is not among what the plan measures"):
        plan.seen_against(Control(variant="web"))
    with pytest.raises(SettingsError, match=r"nothing to compare with the control movie\. Name another image"):
        small_plan().seen_against(Control(variant="movie"))
    with pytest.raises(SettingsError, match=r"nothing to compare with the control plain\. Name another form, too\."):
        small_plan(forms=("plain",)).seen_against(Control(form="plain"))
