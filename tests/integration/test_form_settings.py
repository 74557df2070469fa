"""Forms with settings made for real: what lies in the registry is what each form promises."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from infra.forms import FormSpec
from infra.oci.forms import FormRequest, FormResult, make
from infra.oci.index import read_index
from infra.oci.manifest import PREFETCH_TYPE, Manifest, Reference
from infra.oci.pushed import present, remove
from infra.oci.regctl import Access, Deadline, Regctl
from infra.settings.attached import key_of, prefetch_files
from kit.errors import ImageError, MachineError
from kit.toolchain.toolbox import tool
from tests.support import field_images as field
from tests.support.forms import LAZY, MORE, PREFETCH, PREFETCH_LIST, attached
from tests.support.images import MIB, SourceImage, push_image
from tests.support.registry import TestRegistry, registry

pytestmark = pytest.mark.lab
HTTP = Access(plain_http=True)
GZIP, ZSTD, TAR = (f"application/vnd.oci.image.layer.v1.tar{suffix}" for suffix in ("+gzip", "+zstd", ""))


@pytest.fixture(scope="module")
def lab() -> Iterator[TestRegistry]:
    with registry() as running:
        yield running


@pytest.fixture(scope="module")
def source(lab: TestRegistry) -> SourceImage:
    return push_image(f"{lab.host}/source", [24 * MIB, 12 * MIB, MIB])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("kit.scratch.cache_dir", lambda: tmp_path / "cache")  # the tools stay where they are
    return tmp_path / "cache"


def made(lab: TestRegistry, source: str, form: str, **more: Any) -> FormResult:
    repository = f"{lab.host}/{more.pop('name', 'form')}-{FormSpec.parse(form).slug}"
    request = FormRequest(source, repository, form, access=HTTP, **{"attached": attached(form), **more})
    return make(request, timeout_seconds=180)


def image_of(lab: TestRegistry, result: FormResult) -> Manifest:
    """The manifest that a task would run."""
    regctl, repository = Regctl(HTTP, Deadline(60)), result.image.partition("@")[0]
    for digest in result.manifests:
        document = regctl.manifest(Reference(repository, digest))
        if isinstance(document, Manifest) and "image.config" in document.config.media_type:
            return document
    raise AssertionError(f"{result.image} names no image")


def contents(lab: TestRegistry, image: Manifest) -> list[str]:
    """The digest of each layer's tar, by other programs than those that made it."""
    return [digest_of_tar(lab.blob_path(layer.digest), layer.media_type) for layer in image.layers]


def digest_of_tar(blob: Path, media_type: str) -> str:
    command = {GZIP: ["gzip", "-dc"], ZSTD: ["zstd", "-dcq"], TAR: ["cat"]}[media_type]
    with blob.open("rb") as packed:
        content = subprocess.run(command, stdin=packed, capture_output=True, check=True).stdout
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("form", MORE)
def test_a_form_with_settings_is_found_made_again_without_pushing_and_removed(
    lab: TestRegistry, source: SourceImage, cache: Path, form: str
) -> None:
    first = made(lab, source.reference, form)
    assert present(first.pushed, HTTP)
    again = made(lab, source.reference, form)
    assert (again.pushed, again.pushed_bytes) == (first.pushed, 0)
    remove(first.pushed, HTTP)
    assert not present(first.pushed, HTTP)
    assert not [path for path in (cache / "scratch").glob("*") if path.is_dir()]


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("zstd", ZSTD),
        ("zstd(level=9)", ZSTD),
        ("gzip(level=9)", GZIP),
        ("uncompressed", TAR),
        ("soci-v2(compression=none)", TAR),
        ("soci-v2(compression=gzip-1)", GZIP),
    ],
)
def test_every_layer_is_compressed_anew_and_its_content_stays(
    lab: TestRegistry, source: SourceImage, form: str, media_type: str
) -> None:
    result = made(lab, source.reference, form)
    image = image_of(lab, result)
    assert {layer.media_type for layer in image.layers} == {media_type}
    assert image.config.digest == source.config
    diff_ids = json.loads(lab.blob_path(image.config.digest).read_text())["rootfs"]["diff_ids"]
    assert contents(lab, image) == diff_ids
    assert result.recompressed
    assert result.delivered_bytes == sum(lab.blob_path(layer.digest).stat().st_size for layer in image.layers)
    assert len(result.ztocs) == (2 if FormSpec.parse(form).lazy else 0)


@pytest.mark.parametrize(("form", "level"), [("zstd", 3), ("zstd(level=19)", 19)])
def test_zstd_layers_are_those_of_the_level(lab: TestRegistry, tmp_path: Path, form: str, level: int) -> None:
    source = field.ordinary().push(f"{lab.host}/ordinary")
    image = image_of(lab, made(lab, source, form, name="ordinary"))
    packed = lab.blob_path(image.layers[0].digest).read_bytes()
    tar = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    compressor = zstandard.ZstdCompressor(level=level).compressobj()
    assert packed == compressor.compress(tar) + compressor.flush()


def test_levels_of_gzip_give_other_sizes(lab: TestRegistry) -> None:
    source = field.ordinary().push(f"{lab.host}/ordinary")
    sizes = [made(lab, source, f"gzip(level={level})", name="ordinary").delivered_bytes for level in (0, 1, 9)]
    assert sizes == sorted({size for size in sizes if size is not None}, reverse=True)


def test_forms_of_the_same_layers_as_their_source_are_not_called_recompressed(
    lab: TestRegistry, source: SourceImage
) -> None:
    for form in ("plain", "parallel-pull", "soci-v2(span=1MiB)", PREFETCH):
        result = made(lab, source.reference, form)
        assert not result.recompressed
        assert [layer.digest for layer in image_of(lab, result).layers] == list(source.layers)


def test_span_and_minimum_layer_size_of_a_form_go_before_those_of_the_stack(
    lab: TestRegistry, source: SourceImage
) -> None:
    result = made(lab, source.reference, "soci-v2(span=1MiB,min-layer=0)", span_bytes=2 * MIB, min_layer_bytes=MIB * 20)
    assert (result.span_bytes, result.min_layer_bytes, len(result.ztocs)) == (MIB, 0, 3)
    index = read_index(result.image, HTTP)
    assert index is not None
    assert [layer.info.span_count for layer in index.layers] == pytest.approx([24, 12, 1], abs=1)
    of_the_stack = made(lab, source.reference, "soci-v2", span_bytes=2 * MIB, min_layer_bytes=MIB * 20)
    assert (of_the_stack.span_bytes, len(of_the_stack.ztocs)) == (2 * MIB, 1)


def test_a_prefetch_list_is_in_the_index_as_spans_of_its_layer(lab: TestRegistry, source: SourceImage) -> None:
    result = made(lab, source.reference, PREFETCH)
    [artifact] = result.prefetch
    assert (artifact.layer_digest, artifact.spans) == (source.layers[0], 6)
    read = read_index(result.image, HTTP)
    assert read is not None
    assert [layer.prefetched_spans for layer in read.layers] == [6, *[0] * (len(read.layers) - 1)]
    assert result.index_digest is not None
    index = json.loads(lab.blob_path(result.index_digest).read_text())
    [entry] = [entry for entry in index["layers"] if entry["mediaType"] == PREFETCH_TYPE]
    assert entry["digest"] == artifact.digest
    assert entry["annotations"]["com.amazon.soci.image-layer-digest"] == source.layers[0]
    body = json.loads(lab.blob_path(artifact.digest).read_text())
    assert body["prefetch_spans"] == [{"start_span": 0, "end_span": 5}]
    plain = made(lab, source.reference, "soci-v2")
    assert plain.prefetch == ()
    assert result.ztocs == plain.ztocs


def test_a_prefetch_list_of_which_no_file_is_there_is_refused_and_nothing_is_pushed(
    lab: TestRegistry, source: SourceImage
) -> None:
    nothing = prefetch_files('["/nowhere", "/else"]')
    form = f"soci-v2-prefetch(files={key_of(nothing)})"
    with pytest.raises(ImageError, match="none of the 2 files of the prefetch list"):
        made(lab, source.reference, form, attached=nothing, name="unlisted")
    tags = httpx.get(f"http://{lab.host}/v2/unlisted-{FormSpec.parse(form).slug}/tags/list")
    assert tags.status_code == 404


@pytest.mark.parametrize("form", [*LAZY, PREFETCH])
def test_an_image_of_zstd_is_indexed_through_recompressed_layers_and_said_so(lab: TestRegistry, form: str) -> None:
    zstd = push_image(f"{lab.host}/zstd", [12 * MIB, MIB], flavor="zstd")
    result = made(lab, zstd.reference, form, name="from-zstd")
    image = image_of(lab, result)
    assert result.recompressed
    assert {layer.media_type for layer in image.layers} == {GZIP}
    assert image.config.digest == zstd.config
    assert [ztoc.layer_digest for ztoc in result.ztocs] == [image.layers[0].digest]
    assert present(result.pushed, HTTP)
    plain = made(lab, zstd.reference, "plain", name="from-zstd")
    assert (plain.recompressed, plain.image_digest) == (False, zstd.digest)


def test_layers_of_gzip_beside_zstd_keep_their_bytes(lab: TestRegistry) -> None:
    image = field.zstd_over_gzip()
    result = made(lab, image.push(f"{lab.host}/mixed"), "soci-v2", name="mixed", min_layer_bytes=0)
    layers = image_of(lab, result).layers
    assert layers[0].digest == image.layers[0].digest
    assert layers[1].digest != image.layers[1].digest
    assert result.skipped_layers == ()


def test_layers_that_are_too_small_once_recompressed_are_refused_before_a_push(lab: TestRegistry) -> None:
    zstd = push_image(f"{lab.host}/zstd", [12 * MIB, MIB], flavor="zstd")
    with pytest.raises(ImageError, match=r"no layer of 2 reaches .* Set the form.s min-layer to \d+ or less"):
        made(lab, zstd.reference, "soci-v2(min-layer=1GiB)", name="small-zstd")


@pytest.mark.parametrize("form", ["zstd", "soci-v2(compression=none)"])
def test_a_layer_with_another_content_than_its_configuration_says_is_refused(lab: TestRegistry, form: str) -> None:
    ordinary = field.ordinary()
    liar = field.image([field.Layer(each.blob, "sha256:" + "0" * 64, each.media_type) for each in ordinary.layers])
    with pytest.raises(ImageError, match=rf"Layer {ordinary.layers[0].digest} is corrupt: its content is sha256:"):
        made(lab, liar.push(f"{lab.host}/liar"), form, name="liar", min_layer_bytes=0)


def test_a_disk_that_a_layer_fills_once_it_is_not_compressed_is_told(
    lab: TestRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = field.image([field.gzip_layer(field.Tar().file("zeros", bytes(200 * MIB)))])
    source = zeros.push(f"{lab.host}/zeros")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "small", disk], check=True)
    monkeypatch.setattr("kit.scratch.cache_dir", lambda: disk)
    try:
        with pytest.raises(MachineError, match=rf"is full: layer {zeros.layers[0].digest} does not fit on it"):
            made(lab, source, "uncompressed", name="zeros")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_damaged_layer_is_named_when_it_is_recompressed(tmp_path: Path) -> None:
    with registry() as own:
        image = push_image(f"{own.host}/source", [2 * MIB])
        blob = own.blob_path(image.layers[0])
        blob.write_bytes(blob.read_bytes()[:1000])
        with pytest.raises(ImageError, match=image.layers[0]):
            made(own, image.reference, "zstd")


def test_what_containerd_reads_of_a_recompressed_image_is_what_regctl_made_of_it(
    lab: TestRegistry, source: SourceImage
) -> None:
    """regctl, which compresses with another library, gets the same configuration and the same contents."""
    target = f"{lab.host}/by-regctl"
    words = [str(tool("regctl")), "--host", f"reg={lab.host},tls=disabled", "image", "mod", source.reference]
    subprocess.run([*words, "--layer-compress", "zstd", "--create", f"{target}:it"], check=True, capture_output=True)
    regctl = Regctl(HTTP, Deadline(60))
    digest = regctl.digest(target, "it")
    assert digest is not None
    theirs = regctl.manifest(Reference(target, digest))
    assert isinstance(theirs, Manifest)
    ours = image_of(lab, made(lab, source.reference, "zstd"))
    assert ours.config.digest == theirs.config.digest
    assert contents(lab, ours) == contents(lab, theirs)


def test_the_prefetch_list_of_these_tests_is_what_its_key_says() -> None:
    assert FormSpec.parse(PREFETCH).file == key_of(PREFETCH_LIST)
