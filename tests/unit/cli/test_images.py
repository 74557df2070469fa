"""Own images on the command line: names, settings, and what is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.settings.values import machine_platform
from kit.errors import SettingsError
from sociometer.cli.images import ImageOptions, name_of
from tests.support.images import image_layout
from tests.unit.cli.conftest import Sociometer

HERE = machine_platform().partition("/")[2]
REGION = "eu-west-2"
SIZES = {"before": 1_000_000, "after": 3_000_000}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("web:dev", "web"),
        ("nginx", "nginx"),
        ("registry.example:5000/team/my_web.app:1.2", "my-web-app"),
        ("shop.example/web@sha256:" + "a" * 64, "web"),
        ("docker-daemon:web:dev", "web"),
        ("docker-archive:/tmp/shop.tar", "shop"),
        ("docker-archive:shop.tar:web:1", "shop"),
        ("oci:build/image:1", "image"),
        ("oci-archive:./My Image.tar", "my-image"),
        ("a" * 60, "a" * 20),
        ("oci:___", "image"),
    ],
)
def test_an_image_without_a_name_is_called_after_its_reference(reference: str, name: str) -> None:
    assert name_of(reference) == name


def test_every_option_becomes_a_setting_of_every_image() -> None:
    options = ImageOptions(
        image=["before=web:1", "after=web:2"],
        ready="tcp:8080",
        env=["A=1", "B=x=y"],
        secret=["KEY=arn:aws:secretsmanager:eu-west-2:123456789012:secret:key"],
        command="serve --port 80",
        entry_point='["/bin/sh", "-c"]',
        user="1000",
        working_directory="/srv",
        read_only_root=True,
    )
    settings: dict[str, Any] = options.settings(REGION)
    common = {
        "ready": "tcp:8080",
        "environment": {"A": "1", "B": "x=y"},
        "secrets": {"KEY": "arn:aws:secretsmanager:eu-west-2:123456789012:secret:key"},
        "command": "serve --port 80",
        "entryPoint": '["/bin/sh", "-c"]',
        "user": "1000",
        "workingDirectory": "/srv",
        "readOnlyRoot": True,
    }
    references = {"before": "web:1", "after": "web:2"}
    assert json.loads(settings["images"]) == {name: {"image": text, **common} for name, text in references.items()}
    assert options.names == ("before", "after")
    assert options.stack_suffix == "before-after"


def test_no_image_means_no_settings_and_no_stack_of_its_own() -> None:
    assert (ImageOptions().settings(REGION), ImageOptions().names, ImageOptions().stack_suffix) == ({}, (), None)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"ready": "tcp:80"}, "--ready is about images of your own. Name one with --image."),
        ({"read_only_root": True}, "--read-only-root is about images of your own."),
        ({"image": ["web:1", "web:2"]}, "Two images are called web. Name them: --image before=REF --image after=REF."),
        ({"image": ["web:1"], "env": ["A"]}, "--env 'A' cannot be used. Allowed: NAME=VALUE."),
        ({"image": ["web:1"], "env": ["=1"]}, "--env '=1' cannot be used."),
        ({"image": ["web:1"], "ready": "soon"}, "Setting images.web.ready: ready 'soon': it is none of http:"),
        ({"image": ["web:1"], "secret": ["KEY=hunter2"]}, "Setting images.web.secrets.KEY: "),
        ({"image": ["web:1"], "command": "'"}, "the words cannot be told apart: No closing quotation"),
        ({"image": ["movie=web:1"]}, "'movie' cannot name an image of your own"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as error:
        ImageOptions(**options).settings(REGION)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"secret": ["KEY=hunter2"]},
        {"secret": ["hunter2"]},
        {"env": ["KEY=hunter2"], "secret": ["KEY=arn:aws:ssm:eu-west-2:123456789012:parameter/key"]},
    ],
)
def test_a_value_that_nobody_should_see_is_not_repeated_in_the_refusal(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as error:
        ImageOptions(image=["web:1"], **options).settings(REGION)
    assert "hunter2" not in str(error.value)


def test_own_images_are_measured_alone(sociometer: Sociometer) -> None:
    refused = sociometer("run", "--target", "sim", "--image", "web:1", "--variants", "movie")
    assert refused.exit_code == 2
    assert refused.stderr == "error: --image measures your own images alone. Leave out --variants and --variant.\n"


def test_a_plan_of_own_images_needs_no_stack_and_says_what_they_weigh(sociometer: Sociometer, tmp_path: Path) -> None:
    digests = [image_layout(tmp_path / name, [size], architecture=HERE) for name, size in SIZES.items()]
    images = ("--image", f"oci:{tmp_path}/before", "--image", f"oci:{tmp_path}/after")
    planned = sociometer("plan", *images, "--blocks", "1", "--json")
    assert planned.exit_code == 0
    plan = json.loads(planned.stdout)
    assert {round_["variant"] for round_ in plan["rounds"]} == {"before", "after"}
    assert [image["digest"] for image in plan["images"].values()] == digests
    for name, size in SIZES.items():
        assert size < plan["images"][name]["layer_bytes"] < size + 20_000
    text = " ".join(sociometer("plan", *images, "--blocks", "1").stdout.split())
    assert "before: 1.0 MB of layers, by the manifest of oci:" in text
    assert "after: 3.0 MB of layers" in text
    assert "What the boot of before and after reads and computes is unknown" in text


def test_a_plan_of_an_image_that_is_not_there_is_one_clear_line(sociometer: Sociometer, tmp_path: Path) -> None:
    refused = sociometer("plan", "--image", f"oci:{tmp_path}/none")
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"error: There is no folder {tmp_path}/none. An archive of an OCI layout is oci-archive:FILE.\n"
    )


def test_a_simulation_asks_nobody_for_an_own_image_and_says_what_it_takes_for_it(sociometer: Sociometer) -> None:
    planned = sociometer("plan", "--target", "sim", "--image", "web:1", "--blocks", "1")
    assert planned.exit_code == 0
    said = "web: a simulation looks at no image; it counts as the movie, 765.0 MB."
    assert said in " ".join(planned.stdout.split())


@pytest.mark.slow
def test_a_simulation_runs_an_own_image(sociometer: Sociometer) -> None:
    done = sociometer("run", "--target", "sim", "--image", "web:1", "--counts", "1", "--blocks", "3", "--seed", "1")
    assert done.exit_code == 0
    assert "Use soci-v2 for web: it boots" in done.stdout
