"""Claims about the plan of a stack that is yet to be made: it follows the settings; what cannot be is said first."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import SettingsError
from sociometer.cli.options import Changes
from sociometer.cli.targets import Fargate, Lab, Target

ANYTHING = Changes(None, None, None, None, None)
OPEN = {"loadbalancerAllowCidrs": ["198.51.100.7/32"]}
IMAGE = {"image": "registry.example/web:1", "bootReport": True}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: sociometer\nruntime: python\n")
    monkeypatch.setattr("infra.automation.files.asset", lambda name: folder / name)
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))


def fargate() -> Fargate:
    return Fargate("web", "fargate")


def test_without_settings_it_is_the_preset_s() -> None:
    plan = Lab("lab", "default").plan_to_make(ANYTHING, {})
    assert (plan.design.variants, plan.design.forms) == (("movie", "parquet"), ("plain", "soci-v2"))
    assert plan.design.payload.movie_megabytes == 200


def test_an_own_image_is_planned_and_the_built_in_ones_are_not_where_they_were_taken_out() -> None:
    plan = fargate().plan_to_make(ANYTHING, {**OPEN, "images": {"web": IMAGE}, "variants": []})
    assert plan.design.variants == ("web",)


def test_sizes_that_are_set_are_those_that_are_planned_and_priced() -> None:
    plan = Lab("lab", "default").plan_to_make(ANYTHING, {"movieMegabytes": 60})
    assert plan.design.payload.movie_megabytes == 60


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        (ANYTHING, {"forms": ["plain"]}, "The settings leave out the form soci-v2, which the plan measures"),
        (Changes("movie", None, None, None, None), {"variants": ["parquet"]}, "would have no variant 'movie'"),
    ],
)
def test_what_could_not_be_measured_is_refused_before_it_is_paid_for(
    changes: Changes, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        fargate().plan_to_make(changes, {**OPEN, **settings})


@pytest.mark.parametrize("target", [Lab, Fargate])
def test_an_own_image_needs_no_boot_report_and_no_load_balancer(target: type[Target]) -> None:
    plan = target("web", "default").plan_to_make(ANYTHING, {"images": {"web": "x:1"}, "variants": []})
    assert plan.design.variants == ("web",)
