"""The stand-in for pulumi-docker with the real engine, BuildKit and a real registry: it does what the real one does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pulumi
import pulumi_docker as docker
import pytest

from infra.oci.manifest import DOCKER_MANIFEST, Manifest, Reference
from infra.oci.regctl import Access, Deadline, Regctl
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer
from tests.support.engine import EngineStack, failure
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
REGCTL_SECONDS = 60.0
NOWHERE = AwsServer("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def images() -> Iterator[TestRegistry]:
    with registry() as running, provider_standins(NOWHERE):
        yield running


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nARG NAME\nCOPY content /$NAME\n")
    (folder / "content").write_text("first")
    return folder


@pytest.fixture
def stack(tmp_path: Path, images: TestRegistry, context: Path) -> EngineStack:
    folder = tmp_path / "stack"
    folder.mkdir()
    return EngineStack(folder, partial(program, images.host, context))


def program(host: str, context: Path) -> None:
    image = docker.Image(
        "image",
        image_name=f"{host}/app:v1",
        build=docker.DockerBuildArgs(
            context=str(context),
            dockerfile=str(context / "Dockerfile"),
            platform="linux/arm64",
            args={"NAME": "file"},
            builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
        ),
        registry=docker.RegistryArgs(server=host, username="user", password=pulumi.Output.secret("hush")),
    )
    pulumi.export("name", image.image_name)
    pulumi.export("digest", image.repo_digest)


def pushed(reference: str) -> Manifest:
    repository, _, digest = reference.partition("@")
    found = Regctl(Access(plain_http=True), Deadline(REGCTL_SECONDS)).manifest(Reference(repository, digest))
    assert isinstance(found, Manifest)
    return found


def test_image_is_pushed_once_changed_in_place_and_left_by_destroy(
    stack: EngineStack, images: TestRegistry, context: Path
) -> None:
    first = stack.up()
    assert first["name"] == f"{images.host}/app:v1"
    manifest = pushed(first["digest"])
    assert manifest.media_type == DOCKER_MANIFEST
    assert [layer.media_type for layer in manifest.layers] == ["application/vnd.docker.image.rootfs.diff.tar.gzip"]
    os.utime(context / "content")
    assert stack.preview() == {}
    (context / "content").write_text("second")
    assert stack.preview() == {"update": 1}
    assert stack.up()["digest"] != first["digest"]
    stack.destroy()
    assert pushed(first["digest"]) == manifest


def test_image_deleted_from_the_registry_is_not_noticed(
    stack: EngineStack, images: TestRegistry, context: Path
) -> None:
    digest = stack.up()["digest"].partition("@")[2]
    Regctl(Access(plain_http=True), Deadline(REGCTL_SECONDS)).delete_manifest(Reference(f"{images.host}/app", digest))
    assert stack.refresh() == {}
    assert stack.preview() == {}
    stack.destroy()


def test_missing_dockerfile_fails_in_the_preview(tmp_path: Path, images: TestRegistry, context: Path) -> None:
    (context / "Dockerfile").unlink()
    folder = tmp_path / "stack"
    folder.mkdir()
    assert "Dockerfile: no such file" in failure(folder, partial(program, images.host, context))
