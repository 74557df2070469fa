"""Claims about the settings: what is accepted, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings.model import KEYS, Settings, machine_platform
from kit.errors import SettingsError
from kit.paths import asset


def _refusal(**raw: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(raw)
    return str(caught.value)


def test_no_settings_at_all_are_a_complete_lab_stack() -> None:
    settings = Settings.parse({})
    assert (settings.target, settings.variants, settings.platform) == ("lab", ("movie", "parquet"), machine_platform())


def test_text_as_pulumi_hands_it_over_is_read_as_what_the_key_holds() -> None:
    settings = Settings.parse(
        {"sociometer:variants": '["movie"]', "sociometer:seed": "7", "sociometer:images": '{"shop": "shop:1"}'}
    )
    assert (settings.variants, settings.seed, settings.images["shop"].image) == (("movie",), 7, "shop:1")


def test_words_between_commas_are_a_list_without_repeats() -> None:
    assert Settings.parse({"forms": "plain, soci-v2,plain"}).forms == ("plain", "soci-v2")


@pytest.mark.parametrize(
    ("text", "size_bytes"), [("4MiB", 4 << 20), ("65536", 65536), (1 << 20, 1 << 20), ("1 GiB", 1 << 30)]
)
def test_sizes_are_bytes_or_have_a_binary_unit(text: object, size_bytes: int) -> None:
    assert Settings.parse({"spanSize": text}).span_size == size_bytes


def test_an_own_image_becomes_a_variant_after_the_built_in_ones() -> None:
    settings = Settings.parse(
        {"variants": ["movie"], "images": {"shop": {"image": "shop:1", "port": 8080, "healthPath": "/up"}}}
    )
    assert settings.all_variants == ("movie", "shop")
    assert (settings.images["shop"].port, settings.images["shop"].boot_report) == (8080, False)


def test_only_own_images_are_enough() -> None:
    assert Settings.parse({"variants": [], "images": {"shop": "shop:1"}}).all_variants == ("shop",)


def test_a_secret_is_refused_in_the_lab_by_its_name() -> None:
    image = {"image": "shop:1", "secrets": {"KEY": "arn:aws:ssm:eu-west-2:123456789012:parameter/key"}}
    settings = Settings.parse({"variants": [], "images": {"shop": image}})
    with pytest.raises(SettingsError, match=r"^Setting images.shop.secrets: the lab .* Leave out KEY,"):
        settings.require_lab()
    Settings.parse({"variants": [], "images": {"shop": "shop:1"}}).require_lab()


def test_a_variable_that_is_meant_to_be_secret_is_noticed_by_its_name() -> None:
    environment = {"DB_PASSWORD": "x", "MODE": "fast", "KEYBOARD": "de"}
    settings = Settings.parse({"images": {"web": {"image": "web:1", "environment": environment}}})
    assert settings.shown_to_all() == ["images.web.environment.DB_PASSWORD"]


@pytest.mark.parametrize(
    "image", [{"environment": {"KEY": ["hunter2"]}}, {"environment": {"KEY": "hunter2"}, "ready": "x", "port": 1}]
)
def test_no_refusal_repeats_the_value_of_a_variable(image: dict[str, Any]) -> None:
    said = _refusal(images={"web": {"image": "web:1", **image}})
    assert "images.web" in said and "hunter2" not in said


def test_an_unknown_key_is_named_with_the_one_that_was_meant() -> None:
    message = _refusal(movieMegabyte="24")
    assert "'movieMegabyte' is unknown (did you mean 'movieMegabytes'?)" in message
    assert "registryPort" in message


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"forms": "soci-v3"}, ("forms.0", "'soci-v3'", "did you mean", "plain, soci-v1, soci-v2")),
        ({"forms": []}, ("forms", "at least 1")),
        ({"variants": "movy"}, ("variants", "'movy'", "did you mean 'movie'", "allowed: movie, parquet")),
        ({"variants": []}, ("variants", "at least one")),
        ({"platform": "linux/riscv64"}, ("platform", "'linux/riscv64'", "linux/amd64", "linux/arm64")),
        ({"target": "mars"}, ("target", "'mars'", "'lab'")),
        ({"seed": "one"}, ("seed", "'one'", "integer")),
        ({"movieMegabytes": 0}, ("movieMegabytes", "0", "greater than or equal to 1")),
        ({"spanSize": "4MB"}, ("spanSize", "'4MB'", "MiB")),
        ({"spanSize": "1B"}, ("spanSize", "greater than or equal to 65536")),
        ({"registryPort": "70000"}, ("registryPort", "'70000'", "65535")),
        ({"images": "{"}, ("images", "not JSON")),
        ({"images": {"movie": "x"}}, ("images", "'movie' cannot name an image of your own")),
        ({"images": {"Shop": "x"}}, ("images", "'Shop' cannot name an image of your own")),
        ({"images": {"shop": {"image": "x", "prt": 1}}}, ("images.shop.prt", "allowed: image, ready, port")),
        ({"images": {"shop": {"image": "x", "port": 0}}}, ("images.shop.port", "0")),
    ],
)
def test_an_impossible_value_is_named_with_key_value_and_what_is_allowed(
    raw: dict[str, object], parts: tuple[str, ...]
) -> None:
    message = _refusal(**raw)
    for part in parts:
        assert part in message
    assert "\n" not in message


def _project_config() -> dict[str, dict[str, Any]]:
    project: dict[str, Any] = yaml.safe_load(Path(asset("Pulumi.yaml")).read_text())
    return {key.removeprefix("sociometer:"): value for key, value in project["config"].items()}


def test_the_project_file_declares_exactly_the_keys_with_descriptions() -> None:
    config = _project_config()
    assert set(config) == set(KEYS)
    assert all(entry.get("description") for entry in config.values())


def test_the_project_files_defaults_are_the_programs_defaults() -> None:
    declared = {key: entry["default"] for key, entry in _project_config().items() if "default" in entry}
    assert Settings.parse(declared) == Settings.parse({})
