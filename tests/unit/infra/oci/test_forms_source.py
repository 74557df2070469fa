"""Manifests as registries give them, and what SOCI cannot index."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.oci.manifest import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    SOCI_INDEX_V2,
    Index,
    Manifest,
    Reference,
    normalized,
    parse,
    split,
)
from infra.oci.source import require_indexable
from infra.oci.ztoc import parse_ztoc
from kit.errors import ImageError

DIGESTS = ["sha256:" + letter * 64 for letter in "abcdef"]
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGESTS[0], "size": 2}
REFERENCE = Reference("127.0.0.1:5000/a", DIGESTS[5])


def manifest(*layers: tuple[str, int], **more: Any) -> Manifest:
    entries = [
        {"mediaType": kind, "digest": digest, "size": size}
        for (kind, size), digest in zip(layers, DIGESTS[1:], strict=False)
    ]
    value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": entries, **more}
    parsed = parse(json.dumps(value).encode(), name="it")
    assert isinstance(parsed, Manifest)
    return parsed


def index(*entries: dict[str, Any]) -> Index:
    value = {
        "mediaType": OCI_INDEX,
        "manifests": [{"mediaType": OCI_MANIFEST, "size": 1, **entry} for entry in entries],
    }
    parsed = parse(json.dumps(value).encode(), name="it")
    assert isinstance(parsed, Index)
    return parsed


def test_the_largest_layer_and_the_setting_are_named() -> None:
    with pytest.raises(ImageError) as caught:
        require_indexable(manifest((GZIP, 5), (GZIP, 9)), 10)
    assert "no layer of 2 reaches min-layer-size 10; the largest is 9 bytes" in str(caught.value)
    assert "Set minLayerSize to 9 or less" in str(caught.value)


def test_a_zstd_layer_is_only_skipped_while_another_can_be_indexed() -> None:
    require_indexable(manifest((GZIP, 20), (ZSTD, 20)), 10)
    with pytest.raises(ImageError, match=r"the largest is 5 bytes \(1 more are of a kind that SOCI cannot index\)"):
        require_indexable(manifest((GZIP, 5), (ZSTD, 20)), 10)


def test_where_no_layer_can_be_indexed_the_kind_and_two_ways_out_are_named() -> None:
    with pytest.raises(ImageError, match=r"none of the image's 2 layers \(kind: tar\+zstd\).*plain alone.*force-compr"):
        require_indexable(manifest((ZSTD, 20), (ZSTD, 20)), 10)


def test_a_layer_of_exactly_the_minimum_is_enough() -> None:
    require_indexable(manifest((GZIP, 10)), 10)


def test_no_layers_are_nothing_to_index() -> None:
    with pytest.raises(ImageError, match="no layers"):
        require_indexable(manifest(), 0)


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha512:" + "a" * 128, "sha256:" + "A" * 64, ""])
def test_a_digest_that_could_become_another_path_is_refused(digest: str) -> None:
    value = {"config": {**CONFIG, "digest": digest}, "layers": []}
    with pytest.raises(ImageError, match="is not an image manifest"):
        parse(json.dumps(value).encode(), name="it")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_an_image_error(content: bytes) -> None:
    try:
        parse(content, name="it")
    except ImageError:
        return


@given(st.binary(max_size=300))
def test_any_bytes_are_a_ztoc_or_an_image_error(content: bytes) -> None:
    try:
        parse_ztoc(content)
    except ImageError:
        return


def test_an_oci_image_keeps_its_bytes() -> None:
    assert normalized(manifest((GZIP, 1))) == manifest((GZIP, 1))


def test_a_docker_image_keeps_its_digests_and_loses_its_media_types() -> None:
    docker = manifest(("application/vnd.docker.image.rootfs.diff.tar.gzip", 1), mediaType=DOCKER_MANIFEST)
    converted = normalized(docker)
    assert [blob.digest for blob in converted.blobs] == [blob.digest for blob in docker.blobs]
    assert converted.layers[0].media_type == GZIP
    assert b"docker" not in converted.raw


def test_a_control_does_not_name_a_soci_index_of_its_source() -> None:
    lazy = manifest((GZIP, 1), annotations={"com.amazon.soci.index-digest": DIGESTS[3], "kept": "yes"})
    assert json.loads(normalized(lazy).raw)["annotations"] == {"kept": "yes"}
    only = manifest((GZIP, 1), annotations={"com.amazon.soci.index-digest": DIGESTS[3]})
    assert "annotations" not in json.loads(normalized(only).raw)


def test_an_index_is_split_into_image_and_soci_index() -> None:
    platform = {"os": "linux", "architecture": "amd64"}
    image = {"digest": DIGESTS[1], "platform": platform}
    soci = {"digest": DIGESTS[2], "platform": platform, "artifactType": SOCI_INDEX_V2}
    attestation = {"digest": DIGESTS[3], "platform": {"os": "unknown", "architecture": "unknown"}}
    found, chosen = split(index(image, soci, attestation), REFERENCE)
    assert found is not None
    assert (found.digest, chosen.digest) == (DIGESTS[2], DIGESTS[1])
    assert split(index(image), REFERENCE)[0] is None
    with pytest.raises(ImageError, match="holds 2 images"):
        split(index(image, {**image, "digest": DIGESTS[4]}), REFERENCE)


@pytest.mark.parametrize("text", ["a", "host/a:tag", "host/a@sha256:1", "host/A@" + DIGESTS[0], "a@" + DIGESTS[0]])
def test_only_an_image_by_digest_is_a_reference(text: str) -> None:
    with pytest.raises(ImageError):
        Reference.parse(text)


def test_a_reference_reads_as_it_was_written() -> None:
    assert str(Reference.parse(str(REFERENCE))) == str(REFERENCE)
    assert REFERENCE.registry == "127.0.0.1:5000"
