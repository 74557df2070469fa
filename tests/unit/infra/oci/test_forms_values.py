"""What may be asked of a form, and what is refused before any tool runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.forms import KINDS
from infra.oci.forms import FormRequest, FormResult, problems
from infra.oci.makers import MAKERS
from infra.oci.pushed import Pushed
from infra.oci.regctl import Access
from infra.outputs import SkippedLayer, TreatmentOutput, ZtocOutput
from kit.errors import SettingsError

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
GOOD: dict[str, Any] = {"source": f"127.0.0.1:5000/a@{DIGEST}", "repository": "127.0.0.1:5000/b", "form": "soci-v2"}


def test_every_kind_of_form_can_be_made() -> None:
    assert set(MAKERS) == set(KINDS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"form": "soci-v3"},
            r"form: There is no form 'soci-v3': unknown form \(did you mean 'soci-v2'\?\); allowed: plain, ",
        ),
        ({"platform": "windows/amd64"}, r"platform: 'windows/amd64' is unknown"),
        ({"span_bytes": 0}, r"span_bytes: 0 is not a size"),
        ({"span_bytes": 1.5}, r"span_bytes: 1.5 is not a size"),
        ({"span_bytes": True}, r"span_bytes: True is not a size"),
        ({"min_layer_bytes": -1}, r"min_layer_bytes: -1 is not a size"),
        ({"source": "127.0.0.1:5000/a:latest"}, r"does not name an image by digest"),
        ({"source": None}, r"source: None|source: .*"),
        ({"repository": "127.0.0.1:5000/b:tag"}, r"is not a repository"),
        ({"repository": "127.0.0.1:5000/../b"}, r"is not a repository"),
        ({"repository": "127.0.0.1:5000/a"}, r"repository of its own"),
    ],
)
def test_an_impossible_value_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        FormRequest(**{**GOOD, **change})


def test_no_minimum_layer_size_is_possible() -> None:
    assert FormRequest(**GOOD, min_layer_bytes=0).min_layer_bytes == 0


def test_every_problem_is_named_at_once() -> None:
    assert [name for name, _ in problems({"form": "x", "span_bytes": 0, "source": "y"})] == [
        "form",
        "span_bytes",
        "source",
    ]


def test_fields_that_are_not_known_yet_are_not_judged() -> None:
    assert list(problems({"form": "plain"})) == []


def test_an_auth_file_that_no_tool_would_read_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"named config\.json"):
        Access(auth_file=Path("/root/auth.json"))


def test_a_result_keeps_the_contract() -> None:
    result = FormResult(
        form="soci-v2",
        layer_bytes=2,
        image=f"127.0.0.1:5000/b@{DIGEST}",
        image_digest=DIGEST,
        index_digest=OTHER,
        manifests=(DIGEST, OTHER),
        ztocs=(ZtocOutput(digest=OTHER, size_bytes=1, layer_digest=DIGEST, layer_bytes=2),),
        skipped_layers=(SkippedLayer(digest=DIGEST, size_bytes=1, reason="small"),),
        span_bytes=4,
        min_layer_bytes=0,
        pushed_bytes=3,
        seconds=0.5,
    )
    treatment = TreatmentOutput.model_validate(result.treatment())
    assert set(result.treatment()) == set(TreatmentOutput.model_fields) - {"service"}, "a service is the target's"
    assert treatment.image_digest == DIGEST
    assert result.pushed == Pushed(f"127.0.0.1:5000/b@{DIGEST}", OTHER, (DIGEST, OTHER))
