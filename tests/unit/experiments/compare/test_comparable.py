from __future__ import annotations

import re

import pytest

from experiments.compare.comparable import ACROSS, aspects, check
from experiments.store.sweeps import Sweep
from infra.outputs import StackOutputs
from kit.errors import SettingsError, SweepError
from tests.contracts.outputs import stack_outputs
from tests.contracts.plans import small_plan

METADATA = {
    "target": "lab",
    "profile": "fargate-256-512",
    "profile.cpus": "0.25",
    "platform": "linux/amd64",
    "tool.soci": "0.16.0",
    "machine.cpus": "2",
}
ONE_CHANGE = {
    "profile": {"profile.cpus": "0.5"},
    "tools": {"tool.soci": "0.17.0"},
    "machine": {"machine.cpus": "4"},
}


def a_sweep(
    id_: str, *, outputs: StackOutputs | None = None, plan_of: dict[str, object] | None = None, **key: str
) -> Sweep:
    return Sweep(
        id=id_,
        created_ns=0,
        stack="lab",
        status="finished",
        plan=small_plan(**(plan_of or {})),
        key_metadata={**METADATA, **{name.replace("__", "."): value for name, value in key.items()}},
        outputs=outputs or stack_outputs(),
    )


def changed(changes: dict[str, str]) -> Sweep:
    sweep = a_sweep("B")
    return sweep.model_copy(update={"key_metadata": {**sweep.key_metadata, **changes}})


def test_sweeps_that_differ_in_nothing_can_be_compared() -> None:
    assert check(a_sweep("A"), a_sweep("B"), None) == {}


@pytest.mark.parametrize(("aspect", "changes"), ONE_CHANGE.items())
def test_one_difference_is_refused_with_the_way_to_ask_for_it_and_then_allowed(
    aspect: str, changes: dict[str, str]
) -> None:
    [(key, value)] = changes.items()
    line = f"{key}: {METADATA[key]} / {value}"
    advice = f"({line}). To measure the effect of this change, add --across {aspect}."
    with pytest.raises(SweepError, match=re.escape(advice)):
        check(a_sweep("A"), changed(changes), None)
    assert check(a_sweep("A"), changed(changes), aspect) == {aspect: [line]}


def test_another_image_is_refused_with_the_way_to_ask_for_it_and_then_allowed() -> None:
    rebuilt = a_sweep("B", outputs=stack_outputs(version="2"))
    with pytest.raises(SweepError, match=r"differ in image \(movie plain: sha256:\S+ / sha256:.*--across image\."):
        check(a_sweep("A"), rebuilt, None)
    [lines] = check(a_sweep("A"), rebuilt, "image").values()
    assert [line.partition(":")[0] for line in lines] == ["movie plain", "movie soci-v2"]


def test_images_that_neither_plan_runs_may_differ() -> None:
    other = stack_outputs(version="2").variants["parquet"]
    outputs = stack_outputs()
    rebuilt = outputs.model_copy(update={"variants": {**outputs.variants, "parquet": other}})
    assert check(a_sweep("A"), a_sweep("B", outputs=rebuilt), None) == {}


@pytest.mark.parametrize("across", [None, "profile", "tools", "image"])
def test_two_differences_are_refused_whichever_is_asked_about(across: str | None) -> None:
    both = changed({**ONE_CHANGE["profile"], **ONE_CHANGE["tools"]})
    with pytest.raises(SweepError, match="Measure both sweeps with only one thing changed"):
        check(a_sweep("A"), both, across)


@pytest.mark.parametrize(
    ("changes", "aspect"), [({"platform": "linux/arm64"}, "platform"), ({"region": "eu-west-1"}, "other")]
)
def test_what_cannot_be_asked_about_is_refused_without_such_an_advice(changes: dict[str, str], aspect: str) -> None:
    with pytest.raises(SweepError, match=f"differ in {aspect} .*Measure both sweeps with only one thing changed"):
        check(a_sweep("A"), changed(changes), None)


def test_payloads_of_other_sizes_are_other_work() -> None:
    payload = {"movie_megabytes": 1, "parquet_test_megabytes": 30, "parquet_train_megabytes": 60}
    with pytest.raises(SweepError, match=r"differ in payload \(movieMegabytes: 200 / 1\)\. Measure both"):
        check(a_sweep("A"), a_sweep("B", plan_of={"payload": payload}), "image")


def test_across_images_of_one_digest_is_refused_with_the_digest() -> None:
    with pytest.raises(SweepError, match=r"both measured sha256:[0-9a-f]{64} as movie\. Run `sociometer up`"):
        check(a_sweep("A"), a_sweep("B"), "image")


def test_across_targets_everything_of_the_place_may_differ_but_not_the_payload() -> None:
    on_fargate = {"target": "fargate", "profile": "256/512", "region": "eu-west-1", "platform": "linux/arm64"}
    elsewhere = changed({**on_fargate, "machine.cpus": "none"})
    with pytest.raises(SweepError, match=r"effect of this change, add --across target\.$"):
        check(a_sweep("A"), elsewhere, None)
    assert set(check(a_sweep("A"), elsewhere, "target")) == {"target", "profile", "other", "platform", "machine"}
    payload = {"movie_megabytes": 1, "parquet_test_megabytes": 30, "parquet_train_megabytes": 60}
    smaller = a_sweep("B", plan_of={"payload": payload}, **on_fargate)
    with pytest.raises(SweepError, match="differ in payload"):
        check(a_sweep("A"), smaller, "target")


def test_asking_across_targets_allows_nothing_else_on_one_target() -> None:
    with pytest.raises(SweepError, match="differ in machine"):
        check(a_sweep("A"), changed(ONE_CHANGE["machine"]), "target")


@pytest.mark.parametrize("target", ["sim", "fake"])
def test_a_simulation_is_never_compared_with_a_measurement(target: str) -> None:
    simulated = changed({"target": target})
    for pair in ((a_sweep("A"), simulated), (simulated, a_sweep("A"))):
        with pytest.raises(SweepError, match=f"figures of '{target}' are simulated and say nothing"):
            check(*pair, "target")


def test_two_simulations_can_be_compared_when_they_are_of_one_kind() -> None:
    simulated = changed({"target": "sim"})
    assert check(simulated, simulated.model_copy(update={"id": "A"}), None) == {}
    with pytest.raises(SweepError, match="are simulated"):
        check(simulated, a_sweep("A", target="fake"), "target")


def test_a_sweep_is_not_compared_with_itself() -> None:
    with pytest.raises(SweepError, match="Sweep A cannot be compared with itself"):
        check(a_sweep("A"), a_sweep("A"), None)


def test_an_unknown_aspect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=f"--across 'weather' is unknown. Allowed: {', '.join(ACROSS)}"):
        check(a_sweep("A"), a_sweep("B"), "weather")


def test_a_value_that_only_one_sweep_has_is_a_difference() -> None:
    metadata = {key: value for key, value in METADATA.items() if key != "tool.soci"}
    without = a_sweep("B").model_copy(update={"key_metadata": metadata})
    assert aspects(a_sweep("A"), without) == {"tools": ["tool.soci: 0.16.0 / none"]}


def test_another_draw_of_a_simulation_is_no_difference_and_an_image_that_one_alone_has_is_none() -> None:
    before = {"target": "sim", "seed": "1", "parameter.workload.movie": "1/1", "parameter.workload.parquet": "2/1"}
    after = {"target": "sim", "seed": "2", "parameter.workload.movie": "1/1"}
    assert aspects(changed(before), changed(after)) == {}
    other = aspects(changed(before), changed({**after, "parameter.workload.movie": "3/1"}))
    assert other == {"other": ["parameter.workload.movie: 1/1 / 3/1"]}
