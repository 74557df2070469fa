"""Claims about the place that `--target`, `--stack`, `--plan` and `--variant` name together."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import SettingsError
from sociometer.cli.choosing import chosen_target
from sociometer.cli.options import only_variant
from sociometer.cli.target_kinds import Fargate, Lab, Sim
from sociometer.cli.targets import Target
from tests.contracts.outputs import stack_outputs


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the shipped stack, one of the lab and one on Fargate that this machine made."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: sociometer\nruntime: python\n")
    (folder / "__main__.py").write_text("")
    on_fargate = "config:\n  sociometer:target: fargate\n  sociometer:loadbalancerAllowCidrs: [203.0.113.7/32]\n"
    (folder / "Pulumi.dev.yaml").write_text(on_fargate)
    (folder / "Pulumi.mine.yaml").write_text(on_fargate)
    (folder / "Pulumi.lab.yaml").write_text("config:\n  sociometer:seed: 1\n")
    monkeypatch.setattr("infra.automation.files.asset", lambda name: folder / name)
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    return folder


def refusal(**options: str | None) -> str:
    with pytest.raises(SettingsError) as caught:
        chosen_target(options.get("target"), options.get("stack"), options.get("plan"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("target", "stack", "plan", "place"),
    [
        (None, None, None, Lab("lab", "default")),
        (None, None, "full", Lab("lab-full", "full")),
        (None, None, "fargate", Fargate("dev", "fargate")),
        ("lab", None, "full", Lab("lab-full", "full")),
        ("lab", None, "fargate", Lab("lab", "fargate")),
        ("fargate", None, None, Fargate("dev", "fargate")),
        ("fargate", None, "full", Fargate("dev", "full")),
        ("fargate", "new", None, Fargate("new", "fargate")),
        (None, "mine", None, Fargate("mine", "fargate")),
        (None, "new", None, Lab("new", "default")),
        ("sim", None, None, Sim("sim", "fargate")),
        ("sim", None, "default", Sim("sim", "default")),
    ],
)
def test_options_name_one_place(target: str | None, stack: str | None, plan: str | None, place: Target) -> None:
    assert chosen_target(target, stack, plan) == place


def test_one_variant_has_a_stack_of_its_own() -> None:
    assert chosen_target("fargate", None, None, "movie").stack == "dev-movie"
    assert chosen_target("lab", None, None, "movie").stack == "lab-movie"
    assert chosen_target("fargate", "mine", None, "movie").stack == "mine"
    assert only_variant("movie", None) == "movie"


def test_a_stack_stays_on_its_target() -> None:
    assert "stack lab is on lab" in refusal(target="fargate", stack="lab")
    assert "stack mine is on fargate" in refusal(target="lab", stack="mine")


def test_outputs_of_another_target_than_asked_for_are_refused() -> None:
    with pytest.raises(SettingsError, match="up on lab, not on fargate"):
        Fargate("mine", "fargate").checked(stack_outputs())


def test_an_unknown_target_names_those_there_are() -> None:
    assert refusal(target="moon") == "There is no target 'moon'. Allowed: lab, fargate, sim."


def test_a_new_stack_on_fargate_begins_with_the_settings_that_ship() -> None:
    wanted = chosen_target("fargate", None, None, "movie").settings_to_set({"variants": "movie"})
    assert wanted == {"target": "fargate", "loadbalancerAllowCidrs": ["203.0.113.7/32"], "variants": "movie"}


def test_a_stack_that_has_settings_keeps_them_beside_what_is_asked_for() -> None:
    place = chosen_target(None, "mine")
    assert place.settings_to_set({"seed": 2}) == {"target": "fargate", "seed": 2}
    assert place.complete_settings({"seed": 2}).loadbalancer_allow_cidrs == ("203.0.113.7/32",)


def test_only_fargate_spends() -> None:
    assert [chosen_target(target, None).spends for target in ("lab", "fargate", "sim")] == [False, True, False]
