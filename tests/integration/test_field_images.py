"""Odd images, made into every form for real: registry, regctl, soci and containerd; and one of them booted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.automation import stack
from infra.oci.forms import FormRequest, FormResult, make
from infra.oci.index import read_index
from infra.oci.manifest import Reference
from infra.oci.names import parse as parse_name
from infra.oci.regctl import Access, Deadline, Regctl
from infra.sources import own
from kit.errors import ImageError
from tests.support import field_images as field
from tests.support.field_images import AMD64, CASES, FieldImage
from tests.support.forms import FORMS, LAZY
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
HTTP = Access(plain_http=True)


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("kit.scratch.cache_dir", lambda: tmp_path / "cache")  # the tools stay where they are
    return tmp_path / "cache"


def made(lab: TestRegistry, source: str, form: str, min_layer_bytes: int = 0) -> FormResult:
    name = source.partition("@")[0].rpartition("/")[2]
    request = FormRequest(
        source=source,
        repository=f"{lab.host}/{name}-{form}",
        form=form,
        min_layer_bytes=min_layer_bytes,
        access=HTTP,
    )
    return make(request, timeout_seconds=120)


def pushed(lab: TestRegistry, name: str, image: FieldImage | None = None) -> str:
    return (image or CASES[name]()).push(f"{lab.host}/{name.replace('_', '-')}")


def in_repository(lab: TestRegistry, name: str) -> list[Path]:
    place = lab.storage / "docker/registry/v2/repositories" / name / "_manifests/revisions/sha256"
    return list(place.glob("*/link"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["ordinary", "index_without_platform", "attestation_first"])
def test_whatever_the_index_says_the_same_image_is_made(lab: TestRegistry, name: str, form: str) -> None:
    form_of = made(lab, pushed(lab, name), form)
    assert len(form_of.ztocs) == (1 if form in LAZY else 0)
    assert form_of.layer_bytes == len(field.base().blob)
    if form == "plain":
        assert form_of.image_digest == field.ordinary().digest


@pytest.mark.parametrize("form", FORMS)
def test_another_platform_is_refused_with_those_that_there_are(lab: TestRegistry, form: str) -> None:
    with pytest.raises(ImageError, match=f"arm64-only-index as {form}: .*it has: linux/arm64"):
        made(lab, pushed(lab, "arm64_only_index"), form)
    assert in_repository(lab, f"arm64-only-index-{form}") == []


@pytest.mark.parametrize("form", FORMS)
def test_a_configuration_without_platform_is_refused(lab: TestRegistry, form: str) -> None:
    with pytest.raises(ImageError, match=f"config-without-platform as {form}: .*names no platform"):
        made(lab, pushed(lab, "config_without_platform"), form)


@pytest.mark.parametrize("form", LAZY)
@pytest.mark.parametrize("name", ["zstd_over_gzip", "all_zstd"])
def test_zstd_layers_are_indexed_as_gzip_and_plain_leaves_them(lab: TestRegistry, name: str, form: str) -> None:
    image = CASES[name]()
    source = pushed(lab, name, image)
    form_of = made(lab, source, form)
    assert (form_of.recompressed, form_of.skipped_layers) == (True, ())
    kept = {layer.digest for layer in image.layers if "zstd" not in layer.media_type}
    assert {ztoc.layer_digest for ztoc in form_of.ztocs} & {layer.digest for layer in image.layers} == kept
    plain = made(lab, source, "plain")
    assert (plain.recompressed, plain.ztocs) == (False, ())


@pytest.mark.parametrize("form", LAZY)
def test_a_layer_that_soci_fails_on_is_named_and_its_way_out_works(
    lab: TestRegistry, tmp_path: Path, form: str
) -> None:
    image = field.global_header()
    source, layer = pushed(lab, "global_header", image), image.layers[1]
    with pytest.raises(ImageError) as caught:
        made(lab, source, form)
    told = str(caught.value)
    assert f"global-header as {form}: SOCI cannot index layer {layer.digest}" in told
    assert "unsupported input tar entry 'g'" in told
    assert "\n" not in told and "time=" not in told and str(tmp_path) not in told
    assert in_repository(lab, f"global-header-{form}") == []
    least = int(told.partition("Set minLayerSize to ")[2].partition(",")[0])
    form_of = made(lab, source, form, min_layer_bytes=least)
    assert [ztoc.layer_digest for ztoc in form_of.ztocs] == [image.layers[0].digest]
    assert made(lab, source, "plain").layer_bytes == form_of.layer_bytes


def test_a_foreign_layer_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    image = field.foreign_layer()
    name = parse_name(f"oci:{image.write(tmp_path / 'layout')}")
    with pytest.raises(ImageError, match=f"foreign layer, {image.layers[1].digest}"):
        own.resolve(name, "linux/amd64")


@pytest.mark.parametrize("form", FORMS)
def test_an_image_that_has_an_index_already_is_measured_as_what_it_was_before(lab: TestRegistry, form: str) -> None:
    ordinary = field.ordinary()
    converted = made(lab, pushed(lab, "converting", ordinary), "soci-v2")
    name = parse_name(f"{lab.host}/converting-soci-v2@{converted.image_digest}")
    chosen = own.resolve(name, "linux/amd64").digest
    assert chosen != converted.image_digest
    form_of = made(lab, f"{name.place}@{chosen}", form)
    assert len(form_of.ztocs) == (1 if form in LAZY else 0)
    if form == "plain":
        assert read_index(form_of.image, HTTP) is None
        raw = Regctl(HTTP, Deadline(60)).manifest(Reference.parse(form_of.image)).raw
        assert b"soci" not in raw


def test_a_tag_that_is_not_there_is_told_with_those_that_are(lab: TestRegistry) -> None:
    image = field.index((field.ordinary(), AMD64))
    for tag in ("1", "2"):
        image.push(f"{lab.host}/tagged", tag)
    with pytest.raises(ImageError, match=f"no tag 3 in {lab.host}/tagged; it has 1, 2"):
        own.resolve(parse_name(f"{lab.host}/tagged:3"), "linux/amd64")


def test_of_three_images_two_bad_ones_are_both_told_and_the_third_stays_usable(own_data: Path, tmp_path: Path) -> None:
    cases = {"header": field.global_header(), "zstd": field.zstd_of_another_content(), "good": field.ordinary()}
    places = {name: case.write(tmp_path / name) for name, case in cases.items()}
    images = {name: {"image": f"oci:{place}", "ready": "exit:0"} for name, place in places.items()}
    name = f"test-field-{os.getpid()}"
    small = ["variants=", "forms=plain,soci-v2", "minLayerSize=0"]
    try:
        failed = program_up(name, f"images={json.dumps(images)}", *small)
        assert failed.returncode == 1
        lines = failed.stderr.splitlines()
        assert "error: 2 things failed:" in lines
        assert len([line for line in lines if "header/source as soci-v2: SOCI cannot index layer" in line]) == 1
        assert len([line for line in lines if "zstd/source as soci-v2: Layer sha256:" in line]) == 1
        assert "SociImage good-soci-v2: made" in lines
        mended = program_up(name, f"images={json.dumps({'good': images['good']})}")
        assert mended.returncode == 0
        assert "SociImage good-soci-v2: making" not in mended.stderr
        assert set(stack.outputs(name).variants["good"].treatments) == {"plain", "soci-v2"}
    finally:
        stack.down(name, lambda _line: None)


def program_up(name: str, *settings: str) -> subprocess.CompletedProcess[str]:
    """``sociometer up`` as a process of its own: Pulumi leaves sockets open in one where a run failed."""
    words = [str(Path(sys.executable).with_name("sociometer")), "up", "--stack", name]
    words += [word for setting in settings for word in ("--set", setting)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
