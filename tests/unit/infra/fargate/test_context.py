"""The folder that pulumi-docker builds from: everything that the Dockerfile asks for, made once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.fargate import context
from infra.settings.model import Settings
from kit.errors import SettingsError
from kit.paths import asset
from tests.support.fargate_stack import BASE


def settings(**changes: object) -> Settings:
    return Settings.parse({**BASE, **changes})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("variant", ["movie", "parquet"])
def test_every_path_that_the_dockerfile_copies_is_there(variant: str) -> None:
    folder = context.prepare(variant, settings())
    dockerfile = (folder / "Dockerfile").read_text()
    assert dockerfile == (asset("images") / variant / "Dockerfile").read_text()
    from_context = re.findall(r"^COPY (\S+)/ ", dockerfile, re.MULTILINE)
    from_payload = re.findall(r"^COPY --from=payload \S+ (\S+) ", dockerfile, re.MULTILINE)
    assert sorted(from_context) == ["hasher", "payload", "rootfs"]
    assert all((folder / name).is_dir() for name in from_context)
    assert from_payload
    assert all((folder / "payload" / name).is_file() for name in from_payload)


def test_the_payload_is_linked_and_not_copied(cache: Path) -> None:
    folder = context.prepare("movie", settings())
    (payload,) = (cache / "payloads").glob("movie-*/movie.mov")
    assert (folder / "payload" / "movie.mov").samefile(payload)


def test_the_folder_is_made_once_and_another_content_is_another_folder() -> None:
    first = context.prepare("movie", settings())
    (first / "mark").touch()
    assert (context.prepare("movie", settings(platform="linux/amd64")) / "mark").exists()
    assert context.prepare("movie", settings(seed=2)) != first


def test_the_hashers_tests_are_no_part_of_an_image() -> None:
    names = {path.name for path in (context.prepare("movie", settings()) / "hasher").iterdir()}
    assert {"main.go", "go.mod"} <= names
    assert not any(name.endswith("_test.go") for name in names)


def test_the_base_is_what_docker_can_pull() -> None:
    assert context.build_arguments(settings()) == {"BASE_IMAGE": "nginx:alpine-slim"}
    assert context.build_arguments(settings(base="nginx:1.29")) == {"BASE_IMAGE": "nginx:1.29"}
    with pytest.raises(SettingsError, match=r"Setting base: 'debian'.*builder to buildkit"):
        context.build_arguments(settings(base="debian"))
