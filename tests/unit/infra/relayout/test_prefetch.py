"""Prefetch lists in a SOCI index: as Go writes them, with every digest that changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.oci import layout
from infra.oci.manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    PREFETCH_TYPE,
    SOCI_INDEX_V2,
    Index,
    as_image,
    digest_of,
    parse,
    split,
)
from infra.oci.soci import Converted
from infra.relayout.prefetch import artifact, with_prefetch
from kit.errors import ImageError

ARM64 = {"os": "linux", "architecture": "arm64"}
LAYERS = ["sha256:" + letter * 64 for letter in "abc"]


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def descriptor(media_type: str, digest: str, size: int, **annotations: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": size}
    return {**entry, "annotations": annotations} if annotations else entry


def converted(folder: Path, spaces: bool = False) -> Converted:
    """As `soci convert` writes it, with a list that it already has."""
    config = layout.write_blob(folder, b"{}", "application/vnd.oci.image.config.v1+json")
    ztocs = [
        descriptor("application/octet-stream", "sha256:" + "1" * 64, 9, **{"com.amazon.soci.image-layer-digest": each})
        for each in LAYERS[:2]
    ]
    former = descriptor(PREFETCH_TYPE, "sha256:" + "2" * 64, 9, **{"com.amazon.soci.image-layer-digest": LAYERS[0]})
    value = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": SOCI_INDEX_V2, "config": config,
        "layers": [*ztocs, former], "annotations": {"com.amazon.soci.build-tool-identifier": "AWS SOCI CLI v0.2"},
    }  # fmt: skip
    index = json.dumps(value).encode() if spaces else compact(value)
    image = compact(
        {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", each, 9) for each in LAYERS],
            "annotations": {"com.amazon.soci.index-digest": digest_of(index), "who": "me"},
        }
    )  # fmt: skip
    entries = [
        descriptor(OCI_MANIFEST, digest_of(image), len(image)) | {"platform": ARM64},
        {
            "mediaType": OCI_MANIFEST, "artifactType": SOCI_INDEX_V2, "digest": digest_of(index), "size": len(index),
            "annotations": {"com.amazon.soci.image-manifest-digest": digest_of(image)},
        },
    ]  # fmt: skip
    top = compact({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    for raw in (index, image):
        layout.write_blob(folder, raw, OCI_MANIFEST)
    layout.write_image(folder, top, OCI_INDEX)
    parsed = parse(top, name="top")
    assert isinstance(parsed, Index)
    return Converted(folder, parsed, *(as_image(parse(raw, name="it"), "it") for raw in (image, index)), {})


def test_neighbouring_spans_are_one_range_with_both_ends_in_it() -> None:
    assert artifact([0, 1, 2, 7, 9, 10]) == (
        b'{"version":"1.0","prefetch_spans":[{"start_span":0,"end_span":2},{"start_span":7,"end_span":7},'
        b'{"start_span":9,"end_span":10}]}'
    )


def test_every_digest_that_changes_is_followed(tmp_path: Path) -> None:
    before = converted(tmp_path)
    after = with_prefetch(before, {LAYERS[1]: [3], LAYERS[0]: [0, 1]})
    assert layout.only_digest(tmp_path) == after.top.digest
    index, image = split(after.top, "it")
    assert index is not None
    assert (index.digest, image.digest) == (after.index.digest, after.image.digest)
    assert (index.size_bytes, image.size_bytes) == (after.index.size_bytes, after.image.size_bytes)
    assert index.annotation("com.amazon.soci.image-manifest-digest") == image.digest
    notes = json.loads(after.image.raw)["annotations"]
    assert notes == {"com.amazon.soci.index-digest": index.digest, "who": "me"}
    assert image.platform == "linux/arm64"
    assert [layout.read(tmp_path, document.digest) for document in after.documents] == list(after.documents)


def test_lists_follow_the_ztocs_in_the_order_of_the_layers_and_replace_former_ones(tmp_path: Path) -> None:
    after = with_prefetch(converted(tmp_path), {LAYERS[1]: [3], LAYERS[0]: [0, 1], LAYERS[2]: []})
    entries = json.loads(after.index.raw)["layers"]
    assert [entry["mediaType"] for entry in entries] == ["application/octet-stream"] * 2 + [PREFETCH_TYPE] * 2
    lists = entries[2:]
    assert [entry["annotations"]["com.amazon.soci.image-layer-digest"] for entry in lists] == LAYERS[:2]
    assert all(list(entry) == ["mediaType", "digest", "size", "annotations"] for entry in lists)
    assert layout.blob_path(tmp_path, lists[1]["digest"]).read_bytes() == artifact([3])


def test_documents_that_nothing_names_any_more_are_removed(tmp_path: Path) -> None:
    before = converted(tmp_path)
    after = with_prefetch(before, {LAYERS[0]: [0]})
    assert not any(layout.blob_path(tmp_path, document.digest).exists() for document in before.documents)
    assert len({document.digest for document in (*before.documents, *after.documents)}) == 6


def test_an_index_that_go_writes_in_another_way_is_not_touched(tmp_path: Path) -> None:
    before = converted(tmp_path, spaces=True)
    with pytest.raises(ImageError, match="is not written as Go writes it"):
        with_prefetch(before, {LAYERS[0]: [0]})
    assert layout.only_digest(tmp_path) == before.top.digest


@pytest.mark.parametrize("layers", [{}, {"layers": None}, {"layers": []}])
def test_an_index_without_a_ztoc_is_not_touched(tmp_path: Path, layers: dict[str, None]) -> None:
    before = converted(tmp_path)
    value = {name: each for name, each in json.loads(before.index.raw).items() if name != "layers"} | layers
    without = replace(before, index=as_image(parse(compact(value), name="it"), "it"))
    with pytest.raises(ImageError, match="has no zTOC"):
        with_prefetch(without, {})
    assert layout.only_digest(tmp_path) == before.top.digest


def test_an_entry_whose_annotations_are_null_has_none(tmp_path: Path) -> None:
    before = converted(tmp_path)
    value = json.loads(before.top.raw)
    value["manifests"][0]["annotations"] = None
    top = parse(compact(value), name="top")
    assert isinstance(top, Index)
    layout.write_image(tmp_path, top.raw, OCI_INDEX)
    after = with_prefetch(replace(before, top=top), {LAYERS[0]: [0]})
    assert layout.only_digest(tmp_path) == after.top.digest


def test_a_layer_that_the_image_does_not_have_is_named(tmp_path: Path) -> None:
    stranger = "sha256:" + "d" * 64
    with pytest.raises(ImageError, match=f"has no layer {stranger}"):
        with_prefetch(converted(tmp_path), {stranger: [0]})
