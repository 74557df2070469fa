"""A user's own image from everywhere that a reference can name: Docker, archives, folders, registries with a login.

What Docker has is made by a real dockerd that the tests start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi import automation as auto

from infra.automation import stack, workspace
from infra.oci import names
from infra.oci.manifest import Manifest, Reference
from infra.oci.regctl import Access, Deadline, Regctl
from infra.settings.model import Settings
from infra.sources import images, own
from infra.sources.images import Destination, SourceImage
from kit.errors import ImageError, SociometerError
from kit.toolchain.toolbox import tool
from tests.support.docker import Docker, docker
from tests.support.images import MIB, image_layout, push_image
from tests.support.registry import TestRegistry, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
HTTP = Access(plain_http=True)
USER, PASSWORD = "me", "not-so-secret"
PASSWORD_HASH = "$2b$04$EJCs4NiXhKC2BC6l3jky8OA48Cm5R1UNeYY0L5rkJ4tOwK/uBQfqW"  # noqa: S105
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LINES = ("FROM scratch", "COPY first /first", "COPY second /second", "EXPOSE 8080", 'CMD ["/first"]')


@pytest.fixture(scope="module")
def here() -> Iterator[TestRegistry]:
    """The stack's registry."""
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> Iterator[Docker]:
    with docker() as running:
        running.build("web:dev", LINES, {"first": b"1" * MIB, "second": b"2" * 1000})
        yield running


@pytest.fixture
def daemon(engine: Docker, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    return engine


def copied(text: str, here: TestRegistry, repository: str) -> SourceImage:
    """What the resource does: the recipe at `preview`, the copy at `up`."""
    settings = Settings.model_validate({"variants": [], "images": {"web": {"image": text, "ready": "exit:0"}}})
    recipe = images.recipe("web", settings, images.found(settings))
    return images.make(recipe, Destination(f"{here.host}/{repository}", HTTP), lambda _line: None)


def manifest(image: SourceImage) -> Manifest:
    found = Regctl(HTTP, Deadline(30)).manifest(Reference(image.repository, image.digest))
    assert isinstance(found, Manifest)
    return found


def test_an_image_of_the_daemon_is_the_same_from_its_archive_and_each_time(
    daemon: Docker, here: TestRegistry, tmp_path: Path
) -> None:
    archive = tmp_path / "my web.tar"
    daemon("save", "--output", archive, "web:dev")
    identity = daemon("image", "inspect", "--format", "{{.Id}}", "web:dev")
    references = ("docker-daemon:web:dev", f"docker-daemon:{identity}", f"docker-archive:{archive}:web:dev")
    made = [copied(text, here, f"docker-{number}") for number, text in enumerate(references)]
    assert len({image.digest for image in made}) == 1
    found = manifest(made[0])
    assert found.config.digest == identity
    assert [layer.media_type for layer in found.layers] == [GZIP, GZIP]


def test_an_image_that_was_built_again_under_its_name_is_not_copied_for_the_one_that_was_resolved(
    daemon: Docker, here: TestRegistry
) -> None:
    first = daemon.build("moving:dev", LINES, {"first": b"a", "second": b"b"})
    resolved = own.resolve(names.parse("docker-daemon:moving:dev"), "linux/amd64")
    second = daemon.build("moving:dev", LINES, {"first": b"c", "second": b"d"})
    own.copy(resolved.name, resolved.digest, f"{here.host}/moving", "one", HTTP)
    regctl = Regctl(HTTP, Deadline(30))
    found = regctl.manifest(Reference(f"{here.host}/moving", str(regctl.digest(f"{here.host}/moving", "one"))))
    assert isinstance(found, Manifest)
    assert (found.config.digest, resolved.digest) == (first, first) and first != second


def test_a_name_that_no_registry_knows_and_the_daemon_has_comes_with_what_to_type(
    daemon: Docker, here: TestRegistry
) -> None:
    daemon("tag", "web:dev", f"{here.host}/absent:dev")
    with pytest.raises(ImageError) as refused:
        own.resolve(names.parse(f"{here.host}/absent:dev"), "linux/amd64")
    assert str(refused.value).endswith(f" The local daemon has it: docker-daemon:{here.host}/absent:dev.")


def test_a_folder_and_its_archive_keep_the_images_digest(here: TestRegistry, tmp_path: Path) -> None:
    folder = tmp_path / "ein Ort: für (Bilder)".replace(":", "")
    digest = image_layout(folder, [MIB, 1000])
    archive = tmp_path / "layout.tar"
    with tarfile.open(archive, "w") as packed:
        packed.add(folder, arcname=".")
    for number, text in enumerate((f"oci:{folder}", f"oci-archive:{archive}")):
        assert copied(text, here, f"layout-{number}").digest == digest


def damaged(archive: Path, into: Path, entry_end: str, content: bytes) -> Path:
    """The archive with another content in the first entry of such a name."""
    folder = into / "unpacked"
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    next(folder.rglob(f"*{entry_end}")).write_bytes(content)
    with tarfile.open(into / "damaged.tar", "w") as packed:
        for child in sorted(folder.iterdir()):
            packed.add(child, arcname=child.name)
    return into / "damaged.tar"


def test_a_layer_with_another_content_than_the_configuration_says_is_refused_and_leaves_no_tag(
    daemon: Docker, here: TestRegistry, tmp_path: Path
) -> None:
    daemon("save", "--output", tmp_path / "web.tar", "web:dev")
    other = tmp_path / "other.tar"
    with tarfile.open(other, "w") as packed:
        packed.add(__file__, arcname="first")
    archive = damaged(tmp_path / "web.tar", tmp_path, "layer.tar", other.read_bytes())
    with pytest.raises(ImageError, match="layer") as refused:
        copied(f"docker-archive:{archive}", here, "damaged")
    assert "\n" not in str(refused.value)
    assert Regctl(HTTP, Deadline(30)).tags(f"{here.host}/damaged") == []


@pytest.fixture
def private(tmp_path: Path) -> Iterator[TestRegistry]:
    (tmp_path / "htpasswd").write_text(f"{USER}:{PASSWORD_HASH}\n")
    with registry(htpasswd=tmp_path / "htpasswd") as running:
        yield running


def log_in(private: TestRegistry, folder: Path) -> Path:
    """A Docker configuration as `docker login` writes it."""
    folder.mkdir()
    auth = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {private.host: {"auth": auth}}}))
    return folder


def test_a_private_registry_is_entered_with_the_users_docker_login(
    private: TestRegistry, here: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = log_in(private, tmp_path / "docker")
    pushed = push_image(f"{private.host}/team/web", [1000], docker_config=login)
    monkeypatch.setenv("DOCKER_CONFIG", str(login))
    assert copied(f"{private.host}/team/web@{pushed.digest}", here, "private").digest == pushed.digest


def test_a_private_registry_is_entered_with_a_credential_helper(
    private: TestRegistry, here: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = push_image(f"{private.host}/team/web", [1000], docker_config=log_in(private, tmp_path / "docker"))
    helper = tmp_path / "bin/docker-credential-ours"
    helper.parent.mkdir()
    answer = json.dumps({"ServerURL": private.host, "Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!{sys.executable}\nimport sys\nassert sys.argv[1] == 'get'\nprint('''{answer}''')\n")
    helper.chmod(0o755)
    (tmp_path / "helped").mkdir()
    (tmp_path / "helped/config.json").write_text(json.dumps({"credHelpers": {private.host: "ours"}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "helped"))
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    assert copied(f"{private.host}/team/web@{pushed.digest}", here, "helped").digest == pushed.digest


def test_a_private_registry_without_a_login_says_which_command_gives_one(
    private: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(SociometerError, match=f"`docker login {private.host}`"):
        own.resolve(names.parse(f"{private.host}/team/web:1"), "linux/amd64")


def test_a_tag_that_moved_shows_in_the_preview_and_the_new_image_is_brought_in(
    here: TestRegistry, own_data: Path
) -> None:
    def push(seed: int) -> str:
        pushed = push_image(f"{here.host}/team/web", [1000], seed=seed)
        words = ("image", "copy", pushed.reference, f"{here.host}/team/web:dev")
        plain = ("--host", f"reg={here.host},tls=disabled")
        subprocess.run([tool("regctl"), *words, *plain], check=True, capture_output=True)
        return pushed.digest

    def planned(opened: auto.Stack) -> set[str]:
        return {str(getattr(kind, "value", kind)) for kind in opened.preview().change_summary}

    name, image = f"moved-{os.getpid()}", {"image": f"{here.host}/team/web:dev", "ready": "exit:0"}
    settings = {"variants": [], "forms": ["plain"], "images": {"web": image}}
    try:
        first = push(1)
        before = stack.up(name, settings, lambda _line: None)
        opened = workspace.existing_stack(name)
        assert planned(opened) == {"same"}
        second = push(2)
        assert "update" in planned(opened)
        after = stack.up(name, settings, lambda _line: None)
        assert planned(opened) == {"same"}
    finally:
        stack.down(name, lambda _line: None)
    sources = [outputs.variants["web"].source_image.rpartition("@")[2] for outputs in (before, after)]
    assert sources == [first, second]


def test_a_stack_goes_down_when_its_images_registry_is_gone(own_data: Path) -> None:
    name = f"gone-{os.getpid()}"
    with registry() as theirs:
        pushed = push_image(f"{theirs.host}/web", [1000])
        image = {"image": f"{theirs.host}/web@{pushed.digest}", "ready": "exit:0"}
        stack.up(name, {"variants": [], "forms": ["plain"], "images": {"web": image}}, lambda _line: None)
    stack.down(name, lambda _line: None)
    assert stack.deployment(name) == {}
