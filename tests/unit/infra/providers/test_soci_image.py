"""The SOCI image's provider without its tools: what it compares, checks and keeps."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown
from pulumi.runtime import rpc

from infra.forms import FormSpec
from infra.oci import forms, pushed
from infra.oci.forms import FormResult
from infra.providers import soci_image
from infra.providers.soci_image import IMPLEMENTATION, SociImageProvider, compressed_anew, many_layers
from infra.settings.attached import key_of
from kit.errors import ImageError, RegistryUnreachable
from tests.support.ecr_api import REGION, ecr_api

DIGEST = "sha256:" + "a" * 64
INPUTS: dict[str, Any] = {
    "source": f"127.0.0.1:5000/a@{DIGEST}",
    "repository": "127.0.0.1:5000/b",
    "form": "soci-v2",
    "span_bytes": 4 << 20,
    "min_layer_bytes": 10 << 20,
    "platform": "linux/amd64",
    "plain_http": True,
    "implementation": IMPLEMENTATION,
}
STATE = {
    **{key: float(value) if type(value) is int else value for key, value in INPUTS.items()},
    "image": f"127.0.0.1:5000/b@{DIGEST}",
    "image_digest": DIGEST,
    "index_digest": DIGEST,
    "layer_bytes": 1000.0,
    "manifests": [DIGEST],
    "treatment": {"form": "soci-v2"},
}
PROVIDER = SociImageProvider()


def failures(**changes: Any) -> dict[str, str]:
    return {failure.property: failure.reason for failure in PROVIDER.check({}, {**INPUTS, **changes}).failures}


def test_sizes_that_come_back_as_floats_are_no_change() -> None:
    assert PROVIDER.diff("id", STATE, INPUTS).changes is False


def test_a_stack_made_before_forms_could_name_files_has_no_change() -> None:
    """Nor do its old form names mean another form."""
    assert "attached" not in STATE
    assert PROVIDER.diff("id", STATE, {**INPUTS, "attached": None}).changes is False
    for form in ("plain", "soci-v1", "soci-v2", "plain-again"):
        assert str(FormSpec.parse(form)) == FormSpec.parse(form).slug == form


def test_content_without_its_form_or_a_form_without_its_content_is_refused() -> None:
    content = '["/app"]'
    form = f"soci-v2-prefetch(files={key_of(content)})"
    assert failures(form=form, attached=content) == {}
    assert "needs the content of the file with key" in failures(form=form, attached='["/other"]')["attached"]
    assert "names no file" in failures(attached=content)["attached"]


@pytest.mark.parametrize(
    "change",
    [
        {"source": f"127.0.0.1:5000/a@sha256:{'b' * 64}"},
        {"form": "plain"},
        {"form": "soci-v2(span=1MiB)"},
        {"span_bytes": 8 << 20},
        {"min_layer_bytes": 0},
        {"platform": "linux/arm64"},
        {"implementation": IMPLEMENTATION + 1},
        {"storage_id": "another"},
    ],
)
def test_a_changed_input_is_an_update_in_place(change: dict[str, Any]) -> None:
    diff = PROVIDER.diff("id", STATE, {**INPUTS, **change})
    assert diff.changes
    assert not diff.replaces


def test_another_repository_is_a_replacement_made_before_the_old_goes() -> None:
    diff = PROVIDER.diff("id", STATE, {**INPUTS, "repository": "127.0.0.1:5000/c"})
    assert diff.replaces == ["repository"]
    assert diff.delete_before_replace is False


def test_unknown_forms_and_impossible_sizes_are_named() -> None:
    assert failures() == {}
    assert "soci-v3" in failures(form="soci-v3")["form"]
    assert "1.5" in failures(span_bytes=1.5)["span_bytes"]
    assert "-1" in failures(min_layer_bytes=-1.0)["min_layer_bytes"]


def test_what_is_not_known_yet_is_not_judged() -> None:
    assert failures(source=rpc.UNKNOWN, repository=rpc.UNKNOWN) == {}


def test_checked_sizes_are_whole_numbers() -> None:
    inputs = PROVIDER.check({}, {**INPUTS, "span_bytes": 4194304.0}).inputs
    assert type(inputs["span_bytes"]) is int


@pytest.mark.parametrize(("count", "warned"), [(39, False), (127, True)])
def test_very_many_lazy_layers_are_told_with_the_time_that_they_take(count: int, warned: bool) -> None:
    ztoc = {"digest": DIGEST, "size_bytes": 1, "layer_digest": DIGEST, "layer_bytes": 1}
    made = FormResult.model_validate(
        {
            "form": "soci-v2", "image": f"127.0.0.1:5000/b@{DIGEST}", "image_digest": DIGEST, "index_digest": DIGEST,
            "manifests": [DIGEST], "layer_bytes": 1, "ztocs": [ztoc] * count, "pushed_bytes": 1, "seconds": 1,
        }
    )  # fmt: skip
    told = many_layers(made)
    assert (told is not None) == warned
    if told:
        assert told.startswith("127.0.0.1:5000/b: 127 layers are loaded lazily.")
        assert "102 s for this image" in told


def unreachable(*_: Any, **__: Any) -> bool:
    raise RegistryUnreachable("nobody answers")


def test_a_registry_that_does_not_answer_is_not_a_deleted_image(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pushed, "present", unreachable)
    read = PROVIDER.read("id", STATE)
    assert (read.id, read.outs) == ("id", STATE)
    assert "its state is kept" in capsys.readouterr().err


def test_a_missing_image_is_a_deleted_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed, "present", lambda *_, **__: False)
    assert not PROVIDER.read("id", STATE).id


def test_an_error_of_the_registry_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    def corrupt(*_: Any, **__: Any) -> bool:
        raise ImageError("corrupt")

    monkeypatch.setattr(pushed, "present", corrupt)
    with pytest.raises(ImageError):
        PROVIDER.read("id", STATE)


def test_delete_succeeds_with_a_warning_when_the_registry_is_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pushed, "remove", unreachable)
    PROVIDER.delete("id", STATE)
    assert "its registry is gone" in capsys.readouterr().err


def test_credentials_that_expired_are_not_a_deleted_image_and_do_not_stop_destroy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    state = {**STATE, "ecr_region": REGION}
    with ecr_api(monkeypatch) as api:
        api.refusal = ("ExpiredTokenException", "The security token included in the request is expired")
        read = PROVIDER.read("id", state)
        PROVIDER.delete("id", state)
    assert (read.id, read.outs) == ("id", state)
    said = capsys.readouterr().err
    assert "its state is kept" in said
    assert "was not deleted, its registry lets nobody in" in said


def test_a_form_of_ecr_is_an_update_when_its_region_changes() -> None:
    assert PROVIDER.diff("id", STATE, {**INPUTS, "ecr_region": REGION}).changes


def test_another_way_to_the_registry_keeps_the_outputs_and_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "make", unreachable)
    updated = PROVIDER.update("id", STATE, {**INPUTS, "plain_http": False})
    assert updated.outs is not None
    assert updated.outs["image"] == STATE["image"]
    assert updated.outs["plain_http"] is False


def test_the_provider_is_pickled_by_reference() -> None:
    pickled = base64.b64decode(serialize_provider(PROVIDER))
    assert len(pickled) < 200
    assert soci_image.__name__.encode() in pickled


def test_what_a_preview_cannot_know_yet_is_neither_judged_nor_lost() -> None:
    unknown = {"source": Unknown(), "form": "soci-v2", "span_bytes": 4194304.0}
    checked = SociImageProvider().check({}, unknown)
    assert checked.failures == []
    assert checked.inputs == {"source": rpc.UNKNOWN, "form": "soci-v2", "span_bytes": 4194304}


def test_an_index_of_layers_compressed_anew_is_told() -> None:
    made = {
        "form": "soci-v2", "image": f"127.0.0.1:5000/b@{DIGEST}", "image_digest": DIGEST, "manifests": (DIGEST,),
        "layer_bytes": 70, "pushed_bytes": 0, "seconds": 0.0, "recompressed": True, "delivered_bytes": 80,
    }  # fmt: skip
    told = compressed_anew(FormResult.model_validate(made))
    assert told is not None and "127.0.0.1:5000/b: the image's zstd layers" in told and "70 bytes became 80" in told
    assert compressed_anew(FormResult.model_validate({**made, "recompressed": False})) is None
    assert compressed_anew(FormResult.model_validate({**made, "form": "zstd"})) is None
    assert compressed_anew(FormResult.model_validate({**made, "form": "soci-v2(compression=none)"})) is None
