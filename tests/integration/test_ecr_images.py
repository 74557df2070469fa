"""Images from ECR to ECR in a real Pulumi stack: a registry that asks for a password, which only AWS's API knows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pulumi
import pytest
from pulumi import automation as auto

from infra.forms import slug
from infra.oci.entry import entered
from infra.oci.manifest import Reference
from infra.oci.regctl import Deadline, Regctl
from infra.outputs import TreatmentOutput
from infra.providers.first_push import FirstPush
from infra.providers.soci_image import SociImage, SociImageArgs
from infra.providers.source_image import SourceImageResource
from infra.settings.model import Settings
from infra.sources import images
from infra.sources.images import Destination, recipe
from kit.toolchain.toolbox import tools_path
from tests.support.ecr_api import REGION, EcrApi, ecr_api
from tests.support.forms import FORMS
from tests.support.images import MIB, push_image
from tests.support.registry import TestRegistry, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
PASSWORD = "not-so-secret"  # noqa: S105
PASSWORD_HASH = "$2b$04$EJCs4NiXhKC2BC6l3jky8OA48Cm5R1UNeYY0L5rkJ4tOwK/uBQfqW"  # noqa: S105
KEY = "3f2a9c01d4e5b6a7" + "0" * 48
SOME = (*FORMS, "zstd(level=1)", "soci-v2(span=1MiB,min-layer=0)")


def tags(host: str, repository: str) -> list[str]:
    answer = httpx.get(f"http://{host}/v2/{repository}/tags/list", auth=("AWS", PASSWORD))
    found: list[str] = answer.json().get("tags") or []
    return found


class Ecr:
    """A stack with an own image, copied, and every form of it, in a registry that stands in for ECR."""

    def __init__(self, folder: Path, host: str, image: str) -> None:
        self.host, self.image, self.state = host, image, folder / "state"
        self.temporary = folder / "tmp"
        for name in ("state", "home", "work", "tmp"):
            (folder / name).mkdir()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{tools_path()}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "TMPDIR": str(self.temporary),
        }
        options = auto.LocalWorkspaceOptions(work_dir=str(folder / "work"), env_vars=environment)
        self.stack = auto.create_or_select_stack(
            stack_name="test", project_name="ecr", program=self.program, opts=options
        )

    def program(self) -> None:
        repository = f"{self.host}/stack/web/source"
        push = FirstPush("web", KEY, repository, REGION)
        digest = self.image.rpartition("@")[2]
        recipe = {"variant": "web", "platform": "linux/amd64", "image": self.image, "digest": digest}
        source = SourceImageResource(
            "web-source", recipe, self.host, repository=repository, tag=push.tag, ecr_region=REGION
        )
        pulumi.export("tag", push.tag)
        for form in SOME:
            args = SociImageArgs(source.image, f"{self.host}/stack/web/{slug(form)}", form, ecr_region=REGION)
            pulumi.export(form, SociImage(f"web-{slug(form)}", args).treatment)

    def up(self) -> dict[str, Any]:
        return {name: output.value for name, output in self.stack.up(refresh=True).outputs.items()}

    def planned(self) -> set[str]:
        return {str(getattr(kind, "value", kind)) for kind in self.stack.preview().change_summary}

    def tags(self, kind: str) -> list[str]:
        return tags(self.host, f"stack/web/{kind}")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrApi]:
    with ecr_api(monkeypatch, "AWS", PASSWORD) as running:
        yield running


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[TestRegistry]:
    users = tmp_path / "htpasswd"
    users.write_text(f"AWS:{PASSWORD_HASH}\n")
    with registry(htpasswd=users) as running:
        yield running


@pytest.fixture
def ecr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: EcrApi, lab: TestRegistry) -> Iterator[Ecr]:
    monkeypatch.setenv("PATH", tools_path())  # the Automation API looks for its CLI there
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nobody"))
    docker_config = tmp_path / "docker"
    docker_config.mkdir()
    (docker_config / "config.json").write_text(json.dumps({"auths": {lab.host: {"auth": api.token}}}))
    image = push_image(f"{lab.host}/own/web", [12 * MIB, MIB], docker_config=docker_config)
    running = Ecr(tmp_path, lab.host, image.reference)
    yield running
    running.stack.destroy()


def test_forms_are_made_with_tokens_that_are_left_nowhere(ecr: Ecr, api: EcrApi) -> None:
    outputs = ecr.up()
    made = {form: TreatmentOutput.model_validate(outputs[form]) for form in SOME}
    assert ecr.tags("source") == [outputs["tag"]]
    for form, treatment in made.items():  # what has no tag is cleared away by ECR
        assert f"{slug(form)}-{treatment.image_digest.removeprefix('sha256:')[:12]}" in ecr.tags(slug(form))
    assert ecr.planned() == {"same"}
    states = [path.read_text() for path in ecr.state.rglob("*.json")]
    assert states
    assert not any(secret in state for state in states for secret in (PASSWORD, api.token))
    assert list(ecr.temporary.glob("sociometer-auth-*")) == []


def test_an_image_that_was_deleted_is_pushed_again_under_a_new_first_push(ecr: Ecr, lab: TestRegistry) -> None:
    before = ecr.up()
    assert ecr.up() == before, "nothing changed, so nothing is new"
    digest = before["plain"]["image_digest"]
    with entered(lab.host, REGION) as access:
        Regctl(access, Deadline(30)).delete_manifest(Reference(f"{lab.host}/stack/web/source", digest))
    assert ecr.tags("source") == []
    after = ecr.up()
    assert ecr.tags("source") == [after["tag"]]
    assert after["plain"] == before["plain"]


def test_expired_credentials_take_nothing_out_of_the_state(ecr: Ecr, api: EcrApi) -> None:
    ecr.up()
    api.refusal = ("ExpiredTokenException", "The security token included in the request is expired")
    shown: list[str] = []
    ecr.stack.refresh(on_output=shown.append)
    assert "could not be looked at, its state is kept" in "".join(shown)
    api.refusal = None
    assert ecr.planned() == {"same"}


def test_buildkit_builds_into_the_registry_once(api: EcrApi, lab: TestRegistry) -> None:
    made_from = recipe("movie", Settings.parse({"movieMegabytes": 1, "base": "debian", "platform": "linux/arm64"}), {})
    said: list[str] = []
    with entered(lab.host, REGION) as access:
        place = Destination(f"{lab.host}/stack/movie/source", access, "key-20260102-030405")
        built, found = (images.make(made_from, place, said.append) for _ in range(2))
    assert built == found
    assert said.count("movie: push") == 1
    assert tags(lab.host, "stack/movie/source") == ["key-20260102-030405"]
