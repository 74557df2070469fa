from __future__ import annotations

import json
from collections import Counter
from itertools import groupby, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.plan.control import PLAIN, Control, beside
from experiments.plan.plan import Design, Plan, make_plan
from kit.errors import SettingsError
from tests.contracts.plans import small_design, small_plan

VARIANTS, FORMS = ("before", "after", "next"), ("plain", "soci-v2", "zstd")
CONTROLS = [
    *(Control(variant=name) for name in VARIANTS),
    *(Control(form=form) for form in FORMS),
    *(Control(variant=name, form=form) for name, form in product(VARIANTS, FORMS)),
]
designs = st.builds(
    small_design,
    variants=st.just(VARIANTS),
    forms=st.just(FORMS),
    task_counts=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    blocks=st.integers(1, 4),
    seed=st.integers(0, 2**63 - 1),
    control=st.sampled_from(CONTROLS),
)


@pytest.mark.slow
@given(designs)
def test_whatever_the_control_a_treatment_stands_in_one_group_with_it_in_every_block(design: Design) -> None:
    plan = make_plan(design)
    wanted = Counter(product(range(design.blocks), design.variants, design.forms, design.task_counts))
    assert Counter((each.block, each.variant, each.form, each.task_count) for each in plan.rounds) == wanted
    groups = [(each.block, *design.against.group(each.variant, each.form), each.task_count) for each in plan.rounds]
    assert len(list(groupby(groups))) == len(set(groups)), "a group is not torn apart"
    for variant, form in design.treatments:
        control = design.control_of(variant, form)
        if control is not None:
            assert design.against.group(variant, form) == design.against.group(*control)
            assert design.control_of(*control) is None, "a control is compared with nothing"
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_an_image_is_as_likely_to_come_before_its_control_as_behind_it() -> None:
    """So the permutation test, which swaps the two within blocks, is exact."""
    control = Control(variant="before")
    first = Counter(
        small_plan(variants=("before", "after"), control=control, seed=seed, blocks=1).rounds[0].variant
        for seed in range(400)
    )
    assert 150 < first["after"] < 250


def test_a_plan_of_before_there_were_controls_is_read_and_means_plain() -> None:
    stored = json.loads(small_plan().model_dump_json())
    del stored["design"]["control"]
    stored["schema_version"] = 2
    plan = Plan.model_validate(stored)
    assert plan.design.against == PLAIN
    assert plan.rounds == small_plan().rounds
    assert small_plan(control=PLAIN) == small_plan(), "it is the same whether it is named or not"
    assert "control" not in json.dumps(plan.model_dump(mode="json", exclude_none=True)), "its digest is the same"


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("before", Control(variant="before")),
        ("soci-v2", Control(form="soci-v2")),
        ("after:soci-v2", Control(variant="after", form="soci-v2")),
    ],
)
def test_a_control_is_an_image_a_form_or_both(text: str, control: Control) -> None:
    assert Control.parse(text, ("before", "after"), ("plain", "soci-v2")) == control
    assert control.text == text
    assert str(control) == text.replace(":", " as ")


def test_a_control_that_names_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="a control names a variant, a form, or both"):
        Control()


def test_a_form_of_a_control_may_be_written_in_another_way() -> None:
    assert Control.parse("SOCI", ("before",), ("plain", "soci"), str.lower) == Control(form="soci")
    assert Control.parse("before:SOCI", ("before",), ("plain", "soci"), str.lower) == Control(
        variant="before", form="soci"
    )


def test_a_form_of_a_control_may_have_a_colon_of_its_own() -> None:
    form = "soci-v2,prefetch=a:b"
    assert Control.parse(f"before:{form}", ("before",), ("plain", form)) == Control(variant="before", form=form)


def test_what_stands_together_is_alike_in_all_that_the_control_leaves_open() -> None:
    assert Control(form="plain").group("movie", "soci-v2") == ("movie", "")
    assert Control(variant="before").group("movie", "soci-v2") == ("", "soci-v2")
    assert Control(variant="before", form="plain").group("movie", "soci-v2") == ("", "")


def test_what_is_no_control_is_refused_with_what_would_be() -> None:
    allowed = r"Allowed: an image \(before, after\), a form \(plain, soci-v2\), or both, such as before:plain\."
    for text in ("befor", "befor:soci-v2", "before:zstd", "after:", ""):
        with pytest.raises(SettingsError, match=f"--control '{text}' is not measured. {allowed}"):
            Control.parse(text, ("before", "after"), ("plain", "soci-v2"))
    with pytest.raises(SettingsError, match="is an image and a form"):
        Control.parse("plain", ("plain", "after"), ("plain", "soci-v2"))
    with pytest.raises(SettingsError, match=r"nothing to compare with the control movie. Name another image, too"):
        small_plan(control=Control(variant="movie"))
    with pytest.raises(SettingsError, match="control parquet is not among what the plan measures"):
        small_plan(control=Control(variant="parquet"))


def test_a_treatment_is_named_by_what_it_differs_in() -> None:
    assert beside(("movie", "plain"), ("movie", "zstd")) == "plain"
    assert beside(("before", "plain"), ("after", "plain")) == "before"
    assert beside(("before", "plain"), ("after", "zstd")) == "before as plain"
