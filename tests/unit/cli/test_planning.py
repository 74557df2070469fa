"""Claims about the plan of a stack that is yet to be made: it follows the settings; what cannot be is said first."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from experiments.executors.choose import simulated_outputs
from experiments.forecast.costs import Part
from experiments.plan.plan import Payload
from experiments.records.model import Round
from kit.errors import SettingsError
from sociometer.cli.options import Changes
from sociometer.cli.target_kinds import Fargate, Lab
from sociometer.cli.targets import Forecast, Target
from tests.support.images import image_layout

ANYTHING = Changes(None, None, None, None, None)
ONE_EACH = Changes(None, None, "1", 1, None)
PAYLOAD = Payload()
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


def layout(folder: Path, size: int) -> dict[str, object]:
    """Settings of a stack whose image is an OCI layout of that size for Fargate's platform."""
    image_layout(folder, [size], architecture="arm64")
    return {**OPEN, "images": {"web": {"image": f"oci:{folder}", "bootReport": True}}, "variants": []}


def forecast(settings: dict[str, object], store: Path) -> Forecast:
    plan = fargate().plan_to_make(ONE_EACH, settings)
    return fargate().forecast(plan, store, None, settings)


def part(found: Forecast, name: str) -> Part:
    assert found.bill is not None
    assert found.bill.estimate is not None
    [wanted] = [part for part in found.bill.estimate.parts if part.name == name]
    return wanted


@pytest.mark.slow
def test_an_own_image_s_time_storage_and_transfer_on_fargate_follow_its_manifest(tmp_path: Path) -> None:
    small, large = (
        forecast(layout(tmp_path / str(size), size), tmp_path / "none.sqlite") for size in (2_000_000, 8_000_000)
    )
    for found, size in ((small, 2_000_000), (large, 8_000_000)):
        layer_bytes = found.weights.layer_bytes["web"]
        assert size < layer_bytes < size + 20_000
        hour = 0.1 / 730 / 2**30
        assert part(found, "images in ECR").usd == pytest.approx(3 * layer_bytes * hour)
        stored, pulled = (count * layer_bytes / 2**30 for count in (3, 2))
        assert (
            part(found, "image transfer").quantity == f"{stored:.2f} GB into ECR, at most {pulled:.2f} GB to the tasks"
        )
    plain = Round(block=0, index=0, variant="web", form="plain", task_count=1)
    pull, more = 17.0 / 725e6, large.weights.layer_bytes["web"] - small.weights.layer_bytes["web"]
    most = [found.model.seconds(plain, PAYLOAD) for found in (small, large)]
    least = [found.model.least().seconds(plain, PAYLOAD) for found in (small, large)]
    assert least[1] - least[0] == pytest.approx(more * pull)
    assert most[1] - most[0] == pytest.approx(more * (pull + 4 * 3.3 / 725e6))


def test_what_a_run_will_cost_is_asked_with_the_own_image_s_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = layout(tmp_path / "web", 2_000_000)
    plan = fargate().plan_to_make(ONE_EACH, settings)
    with pytest.raises(SettingsError, match="This costs money"):
        fargate().confirm(plan, plan.rounds, tmp_path / "none.sqlite", settings, yes=False)
    said = " ".join(capsys.readouterr().err.split())
    assert f"web: 2.0 MB of layers, by the manifest of oci:{tmp_path}/web." in said
    assert "0.01 GB x 1/730 month" in said


def on_file(folder: Path, settings: dict[str, object]) -> None:
    """The stack's settings where commands keep them."""
    config = {f"sociometer:{key}": value for key, value in {"target": "fargate", **settings}.items()}
    (folder / "project/Pulumi.web.yaml").write_text(yaml.safe_dump({"config": config}))


def test_a_sweep_on_a_stack_that_is_up_takes_the_sizes_of_its_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on_file(tmp_path, {**OPEN, "images": {"web": {"image": "oci:/nowhere", "bootReport": True}}, "variants": []})
    plan = fargate().plan_to_make(ONE_EACH._replace(variants="web"), {})
    simulated = simulated_outputs(plan.design)
    web = simulated.variants["web"].model_copy(update={"image_bytes": 30 * 2**30})
    outputs = simulated.model_copy(update={"variants": {"web": web}})
    with pytest.raises(SettingsError, match="This costs money"):
        fargate().confirm(plan, plan.rounds, tmp_path / "none.sqlite", outputs, yes=False)
    said = " ".join(capsys.readouterr().err.split())
    assert "90.00 GB x" in said
    assert "at most 60.00 GB to the tasks" in said
    assert "into ECR" not in said


@pytest.mark.parametrize("is_up", [True, False])
def test_a_plan_for_a_stack_takes_the_sizes_of_its_outputs_once_it_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_up: bool
) -> None:
    on_file(tmp_path, layout(tmp_path / "web", 2_000_000))
    plan = fargate().plan_to_make(ONE_EACH._replace(variants="web"), {})
    outputs = simulated_outputs(plan.design) if is_up else None
    monkeypatch.setattr("infra.automation.stack.outputs_if_up", lambda _stack: outputs)
    found = fargate().forecast(plan, tmp_path / "none.sqlite", None, {}).weights.layer_bytes["web"]
    assert found == 765_000_000 if outputs else 2_000_000 < found < 2_020_000
