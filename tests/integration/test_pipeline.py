"""`ci.sh`, run: from a plain build it makes the form that was measured, to the digest where its tools can."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.oci import layout
from infra.oci.forms import FormRequest, FormResult, make
from infra.oci.manifest import Document, Index, Manifest, Reference
from infra.oci.regctl import Access, Deadline, Regctl
from infra.pipeline import TRACE_FILE, Made, ci_script, file_of
from infra.settings.attached import key_of, prefetch_files
from infra.trace.model import Trace, TracedFile, TracedLayer
from tests.support import field_images as field
from tests.support.field_images import FieldImage, Tar, gzip_layer, noise
from tests.support.programs import run_script
from tests.support.registry import TestRegistry, registry

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
MIB, PLATFORM = 1 << 20, "linux/amd64"
HTTP = Access(plain_http=True)
EXACTLY = (
    "plain",
    "soci-v2(span=1MiB)",
    "soci-v2-prefetch(files=KEY)",
    "soci-v2-exact(trace=KEY)",
    "soci-v2-layout(trace=KEY,span=1MiB)",
    "soci-v2-layout(trace=KEY,prefetch=no)",
    "soci-v2-own-layer(trace=KEY)",
    "soci-v2-own-layer(trace=KEY,prefetch=no)",
)
COMPRESSED = ("zstd", "soci-v2(compression=none)")
READ = range(3, 20, 8)


def built() -> FieldImage:
    """Ten megabytes of files over a small layer; boot reads some of them."""
    tar = Tar().folder("app")
    for number in range(20):
        tar.file(f"app/{number:02}", noise(f"app{number}", 512 << 10))
    return field.image([field.base(), gzip_layer(tar)])


def traced(image: FieldImage) -> str:
    layers = tuple(
        TracedLayer(digest=it.digest, diff_id=it.diff_id, media_type=it.media_type, size_bytes=len(it.blob))
        for it in image.layers
    )
    files = tuple(
        TracedFile(path=f"app/{number:02}", layer=1, size_bytes=512 << 10, ranges=((0, 512 << 10),)) for number in READ
    )
    return Trace(
        image="oci:built", digest=image.digest, platform=PLATFORM, ready="exit:0", ready_ms=1, layers=layers,
        files=files,
    ).model_dump_json()  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def image() -> FieldImage:
    return built()


@pytest.fixture
def content(image: FieldImage) -> dict[str, str]:
    """What a form's file has, by its kind."""
    listed = prefetch_files(json.dumps([f"/app/{number:02}" for number in READ]))
    return {"soci-v2-prefetch": listed, "other": traced(image)}


def measured(lab: TestRegistry, image: FieldImage, text: str, content: dict[str, str]) -> tuple[FormResult, str | None]:
    """The form as a stack has it, and what its file holds."""
    kind = text.partition("(")[0]
    attached = content.get(kind, content["other"]) if "KEY" in text else None
    form = text.replace("KEY", key_of(attached)) if attached else text
    source = image.push(f"{lab.host}/source")
    request = FormRequest(
        source, f"{lab.host}/{key_of(form)}", form, min_layer_bytes=MIB, access=HTTP, attached=attached
    )
    return make(request, timeout_seconds=120), attached


def in_a_pipeline(form: str, attached: str | None, image: FieldImage, room: Path) -> Path:
    """The layout that the script makes of the image, as of a plain build."""
    source, target = image.write(room / "built"), room / "made"
    (room / "ci.sh").write_text(ci_script(Made(form, 4 * MIB, MIB, PLATFORM), ["--ready", "exit:0"]))
    words: list[str | Path] = ["sh", room / "ci.sh", f"ocidir://{source}:latest", f"ocidir://{target}:it"]
    if attached is not None:
        (room / (file_of(form) or "")).write_text(attached)
    if file_of(form) == TRACE_FILE:
        words.append(room / TRACE_FILE)
    run_script(*words, SOCIOMETER_DATA=str(room / "data"))
    return target


@pytest.mark.parametrize("text", EXACTLY)
def test_the_script_makes_the_measured_form_to_the_digest(
    text: str, lab: TestRegistry, image: FieldImage, content: dict[str, str], tmp_path: Path
) -> None:
    result, attached = measured(lab, image, text, content)
    target = in_a_pipeline(result.form, attached, image, tmp_path)
    assert layout.only_digest(target) == result.image_digest


@pytest.mark.parametrize("text", COMPRESSED)
def test_layers_that_regctl_compresses_hold_the_same_as_the_measured_ones(
    text: str, lab: TestRegistry, image: FieldImage, content: dict[str, str], tmp_path: Path
) -> None:
    result, _ = measured(lab, image, text, content)
    target = in_a_pipeline(result.form, None, image, tmp_path)
    top = layout.read(target, layout.only_digest(target))
    entries = top.manifests if isinstance(top, Index) else ()
    made = the_image([top, *(layout.read(target, entry.digest) for entry in entries)])
    regctl, repository = Regctl(HTTP, Deadline(60)), result.image.partition("@")[0]
    ours = the_image([regctl.manifest(Reference(repository, digest)) for digest in result.manifests])
    assert [layer.media_type for layer in made.layers] == [layer.media_type for layer in ours.layers]
    assert contents(layout.blob_path(target, made.config.digest)) == contents(lab.blob_path(ours.config.digest))


def the_image(documents: Iterable[Document]) -> Manifest:
    """The one that a task would run, and not an index."""
    return next(it for it in documents if isinstance(it, Manifest) and "image.config" in it.config.media_type)


def contents(config: Path) -> Any:
    """The digests of the layers' tars, which a configuration names."""
    return json.loads(config.read_text())["rootfs"]["diff_ids"]
