"""Which image is chosen behind a digest, and which are refused: on whole images in memory, without a registry."""

from __future__ import annotations

import pytest

from infra.oci.blame import BadLayer, candidates, complaint
from infra.oci.manifest import Descriptor, Manifest, as_image, normalized, parse
from infra.oci.source import Chosen, Documents, choose, require_indexable
from kit.errors import ImageError
from tests.support import field_images as field
from tests.support.field_images import AMD64, ARM64, UNKNOWN, FieldImage


def chosen(image: FieldImage, platform: str = "linux/amd64") -> Chosen:
    documents = {field.digest_of(raw): raw for raw, _ in image.manifests}
    return choose(
        Documents(lambda digest: parse(documents[digest], name=digest), lambda digest: image.blobs[digest].decode()),
        image.digest,
        platform,
        "web:dev",
    )


def manifest_of(image: FieldImage) -> Manifest:
    return as_image(parse(image.manifests[0][0], name="it"), "it")


def refusal(image: FieldImage, platform: str = "linux/amd64") -> str:
    with pytest.raises(ImageError) as caught:
        chosen(image, platform)
    return str(caught.value)


def test_an_image_without_an_index_is_itself() -> None:
    image = field.ordinary()
    assert chosen(image).digest == image.digest


@pytest.mark.parametrize("case", [field.index_without_platform, field.attestation_first])
def test_in_an_index_the_image_is_found_that_its_configuration_says_it_is(case: object) -> None:
    assert callable(case)
    assert chosen(case())[0] == field.ordinary().digest


def test_of_several_entries_without_platform_the_right_one_is_taken() -> None:
    arm = field.image([field.base("arm")], platform=ARM64)
    both = field.index((arm, None), (field.ordinary(), None))
    assert chosen(both)[0] == field.ordinary().digest
    assert chosen(both, "linux/arm64")[0] == arm.digest


def test_an_index_that_lies_about_the_platform_is_found_out() -> None:
    arm = field.image([field.base("arm")], platform=ARM64)
    assert "is for linux/arm64, not for linux/amd64" in refusal(field.index((arm, AMD64)))


def test_the_platforms_that_there_are_are_listed_without_attestations() -> None:
    assert "has no image for platform linux/amd64; it has: linux/arm64." in refusal(field.arm64_only_index())
    assert "it has: none." in refusal(field.index((field.attestation(), UNKNOWN)))


def test_a_configuration_without_platform_is_said_to_name_none() -> None:
    assert "names no platform" in refusal(field.config_without_platform())
    assert "names no platform" in refusal(field.index((field.config_without_platform(), None)))


def test_a_foreign_layer_is_refused_beforehand_and_named() -> None:
    image = field.foreign_layer()
    told = refusal(image)
    assert image.layers[1].digest in told
    assert "foreign layer" in told
    oci = field.Layer(b"x", field.digest_of(b"x"), "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
    assert oci.digest in refusal(field.image([field.base(), oci]))


def test_zstd_is_refused_only_where_nothing_is_left_to_index() -> None:
    require_indexable(manifest_of(field.zstd_over_gzip()), 0)
    with pytest.raises(ImageError, match="none of the image's 2 layers"):
        require_indexable(manifest_of(field.all_zstd()), 0)


def test_the_image_inside_a_converted_one_is_the_control_without_its_index() -> None:
    lazy = field.image([field.base()], annotations={"com.amazon.soci.index-digest": "sha256:" + "a" * 64})
    manifest = chosen(field.index((lazy, AMD64))).manifest
    assert b"soci" not in normalized(manifest).raw


def bad(*layers: Descriptor) -> list[BadLayer]:
    return [BadLayer(layer, "unsupported input tar entry 'g'") for layer in layers]


def test_the_way_out_is_a_minimum_size_where_that_leaves_a_layer() -> None:
    manifest = manifest_of(field.global_header())
    told = complaint(bad(manifest.layers[1]), manifest)
    assert f"layer {manifest.layers[1].digest} ({manifest.layers[1].size_bytes} bytes)" in told
    assert f"Set minLayerSize to {manifest.layers[1].size_bytes + 1}, which leaves 1 of 2 layers" in told
    assert "unsupported input tar entry 'g'" in told


def test_the_way_out_is_plain_alone_where_no_minimum_size_helps() -> None:
    manifest = manifest_of(field.global_header())
    told = complaint(bad(manifest.layers[0]), manifest)
    assert "minLayerSize" not in told
    assert "Measure it as plain alone" in told


def test_only_layers_that_soci_tries_are_suspected_and_each_once() -> None:
    small, large = field.gzip_layer(field.Tar().file("s", b"s")), field.base()
    image = field.image([small, large, large, *field.all_zstd().layers])
    assert [layer.digest for layer in candidates(manifest_of(image), 10_000)] == [large.digest]
