"""The SOCI image as a resource of a real Pulumi stack: inline program, file backend, real registry and tools."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto

from infra.oci.manifest import Reference
from infra.oci.pushed import Pushed, present
from infra.oci.regctl import Access, Deadline, Regctl
from infra.outputs import TreatmentOutput
from infra.providers.soci_image import SociImage, SociImageArgs
from kit.toolchain.toolbox import tools_path
from tests.support.images import MIB, SourceImage, push_image
from tests.support.registry import TestRegistry, free_port, registry

pytestmark = pytest.mark.lab
HTTP = Access(plain_http=True)


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def source(lab: TestRegistry) -> SourceImage:
    return push_image(f"{lab.host}/source", [12 * MIB, 11 * MIB, MIB])


class Lab:
    """One stack whose program is one SociImage per form; ``args`` may be changed between runs."""

    def __init__(self, folder: Path, args: dict[str, SociImageArgs]) -> None:
        self.args = args
        for name in ("state", "home", "work"):
            (folder / name).mkdir()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{tools_path()}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.state = folder / "state"
        self.stack = auto.create_or_select_stack(
            stack_name="test",
            project_name="forms",
            program=self.program,
            opts=auto.LocalWorkspaceOptions(work_dir=str(folder / "work"), env_vars=environment),
        )

    def program(self) -> None:
        for name, args in self.args.items():
            made = SociImage(name, args)
            pulumi.export(name, made.treatment)

    def up(self) -> dict[str, Any]:
        return {name: output.value for name, output in self.stack.up().outputs.items()}

    def planned(self) -> set[str]:
        return {str(getattr(kind, "value", kind)) for kind in self.stack.preview().change_summary}

    def resource(self, name: str) -> dict[str, Any]:
        found = [entry for entry in self.everything() if entry["urn"].endswith(f"::{name}")]
        outputs: dict[str, Any] = found[0]["outputs"]
        return outputs

    def everything(self) -> list[dict[str, Any]]:
        return list((self.stack.export_stack().deployment or {}).get("resources", []))


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: TestRegistry, source: SourceImage) -> Iterator[Lab]:
    monkeypatch.setenv("PATH", tools_path())  # the Automation API looks for its CLI there
    args = {
        form: SociImageArgs(source.reference, f"{lab.host}/stack-{form}", form, plain_http=True)
        for form in ("plain", "soci-v1", "soci-v2")
    }
    running = Lab(tmp_path, args)
    yield running
    running.stack.destroy()


def there(lab: Lab, form: str) -> bool:
    outputs = lab.resource(form)
    return present(Pushed(outputs["image"], outputs.get("index_digest"), tuple(outputs["manifests"])), HTTP)


def links(lab: TestRegistry, repository: str) -> set[str]:
    found = (lab.storage / "docker/registry/v2/repositories" / repository).glob("_manifests/revisions/sha256/*/link")
    return {link.read_text() for link in found}


def test_forms_go_up_stay_come_back_and_go_away(stack: Lab, lab: TestRegistry) -> None:
    outputs = stack.up()
    made = {form: TreatmentOutput.model_validate(value) for form, value in outputs.items()}
    assert {form: len(treatment.ztocs) for form, treatment in made.items()} == {"plain": 0, "soci-v1": 2, "soci-v2": 2}
    assert all(there(stack, form) for form in made)
    assert stack.planned() == {"same"}

    for form in ("soci-v1", "soci-v2"):
        Regctl(HTTP, Deadline(30)).delete_manifest(Reference.parse(made[form].image))
    stack.stack.refresh()
    assert {entry["urn"].split("::")[-1] for entry in stack.everything()} >= {"plain"}
    assert not any(entry["urn"].endswith("::soci-v2") for entry in stack.everything())
    assert stack.planned() == {"same", "create"}
    again = stack.up()
    assert again["soci-v2"]["image"] == made["soci-v2"].image
    assert all(there(stack, form) for form in made)

    stack.stack.destroy()
    assert [links(lab, f"stack-{form}") for form in made] == [set(), set(), set()]


def test_other_spans_change_the_form_in_place_and_keep_what_both_share(
    stack: Lab, lab: TestRegistry, source: SourceImage
) -> None:
    stack.args = {"soci-v1": stack.args["soci-v1"]}
    small = stack.up()["soci-v1"]
    stack.args = {
        "soci-v1": SociImageArgs(
            source.reference, f"{lab.host}/stack-soci-v1", "soci-v1", span_bytes=MIB, plain_http=True
        )
    }
    assert stack.planned() == {"same", "update"}
    large = stack.up()["soci-v1"]
    assert (small["image"], small["index_digest"]) != (large["image"], large["index_digest"])
    assert small["image"] == large["image"]
    assert there(stack, "soci-v1")
    assert small["index_digest"] not in links(lab, "stack-soci-v1")
    assert stack.planned() == {"same"}


def test_another_repository_is_another_resource(stack: Lab, lab: TestRegistry, source: SourceImage) -> None:
    stack.args = {"soci-v2": stack.args["soci-v2"]}
    stack.up()
    stack.args = {"soci-v2": SociImageArgs(source.reference, f"{lab.host}/moved", "soci-v2", plain_http=True)}
    assert stack.planned() == {"same", "replace"}
    stack.up()
    assert there(stack, "soci-v2")
    assert links(lab, "stack-soci-v2") == set()
    assert len(links(lab, "moved")) == 3


def failed_up(folder: Path, args: SociImageArgs) -> tuple[str, list[str]]:
    """What a failing `up` says, and the names of the resources then in the state."""
    os.environ["PATH"] = tools_path()
    stack = Lab(folder, {"refused": args})
    try:
        stack.up()
    except auto.CommandError as error:
        return str(error), [entry["urn"].split("::")[-1] for entry in stack.everything()]
    raise AssertionError("up succeeded")


def in_another_process(folder: Path, args: SociImageArgs) -> tuple[str, list[str]]:
    """A failed inline program leaves the SDK's event loop and sockets open: they end with a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(failed_up, folder, args).result()


def test_impossible_values_are_named(tmp_path: Path, lab: TestRegistry, source: SourceImage) -> None:
    args = SociImageArgs(
        source.reference, f"{lab.host}/wrong", "soci-v3", span_bytes=0, min_layer_bytes=-1, platform="plan9/mips"
    )
    said, _ = in_another_process(tmp_path, args)
    for value in ("no form 'soci-v3': unknown form", "0 is not a size", "-1 is not a size", "'plan9/mips' is unknown"):
        assert value in said


def test_a_form_that_cannot_be_made_says_why_and_leaves_nothing(
    tmp_path: Path, lab: TestRegistry, source: SourceImage
) -> None:
    args = SociImageArgs(source.reference, f"{lab.host}/refused", "soci-v2", min_layer_bytes=100 * MIB, plain_http=True)
    said, resources = in_another_process(tmp_path, args)
    assert "no layer of 3 reaches min-layer-size 104857600" in said
    assert "refused" not in resources
    assert links(lab, "refused") == set()


def test_a_registry_that_does_not_answer_keeps_the_state_and_does_not_stop_destroy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", tools_path())
    port = free_port()
    with registry(port=port) as gone:
        image = push_image(f"{gone.host}/source", [11 * MIB])
        stack = Lab(tmp_path, {"v2": SociImageArgs(image.reference, f"{gone.host}/v2", "soci-v2", plain_http=True)})
        stack.up()
    stack.stack.refresh()
    assert stack.resource("v2")["image"].startswith(f"127.0.0.1:{port}/v2@")
    shown: list[str] = []
    stack.stack.destroy(on_output=shown.append)
    assert "was not deleted, its registry is gone" in "".join(shown)
    assert stack.everything() == []


def test_no_credential_is_in_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: TestRegistry) -> None:
    monkeypatch.setenv("PATH", tools_path())
    (tmp_path / "docker").mkdir()
    auth_file = tmp_path / "docker" / "config.json"
    auth_file.write_text(json.dumps({"auths": {lab.host: {"auth": "dXNlcjpub3Qtc28tc2VjcmV0"}}}))
    image = push_image(f"{lab.host}/source", [11 * MIB])
    args = SociImageArgs(image.reference, f"{lab.host}/auth", "soci-v2", plain_http=True, auth_file=str(auth_file))
    stack = Lab(tmp_path, {"v2": args})
    stack.up()
    states = [path.read_text() for path in stack.state.rglob("*.json")]
    assert any(str(auth_file) in state for state in states)
    assert not any("dXNlcjpub3Qtc28tc2VjcmV0" in state or "not-so-secret" in state for state in states)
    auth_file.write_text("{}")
    assert stack.planned() == {"same"}
    stack.stack.destroy()
    assert links(lab, "auth") == set()
