from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.oci import names
from infra.oci.manifest import OCI_INDEX, digest_of
from infra.sources import own
from kit.errors import ImageError
from tests.support.images import image_layout


def resolved(text: str, platform: str = "linux/amd64") -> str:
    return own.resolve(names.parse(text), platform).digest


def test_an_image_in_a_folder_has_its_manifests_digest(tmp_path: Path) -> None:
    digest = image_layout(tmp_path / "layout", [1000])
    assert resolved(f"oci:{tmp_path / 'layout'}") == digest


def test_an_image_for_another_platform_is_named_with_both(tmp_path: Path) -> None:
    image_layout(tmp_path / "layout", [1000], architecture="arm64")
    with pytest.raises(ImageError, match=r"is for linux/arm64, not for linux/amd64"):
        resolved(f"oci:{tmp_path / 'layout'}")


def put(layout: Path, content: bytes) -> str:
    digest = digest_of(content)
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return digest


def test_of_an_index_the_image_of_the_platform_is_taken_and_attestations_are_none(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    digest = image_layout(layout, [1000])
    top = json.loads((layout / "index.json").read_text())
    [image] = top["manifests"]
    attestation = image | {"platform": {"os": "unknown", "architecture": "unknown"}, "digest": "sha256:" + "0" * 64}
    inner = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [attestation, image]}).encode()
    entry = {"mediaType": OCI_INDEX, "digest": put(layout, inner), "size": len(inner)}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    assert resolved(f"oci:{layout}") == digest
    with pytest.raises(ImageError, match=r"has no image for platform linux/arm64; it has: linux/amd64\."):
        resolved(f"oci:{layout}", "linux/arm64")


def test_a_folder_and_an_archive_are_not_taken_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ImageError, match=r"There is no folder .*/file\. An archive of an OCI layout is oci-archive:"):
        resolved(f"oci:{tmp_path / 'file'}")
    for kind in ("oci-archive", "docker-archive"):
        image_layout(tmp_path / kind, [1000])
        with pytest.raises(ImageError, match=r"no archive\. A folder of OCI layout is oci:FOLDER"):
            resolved(f"{kind}:{tmp_path / kind}")


def test_a_configuration_that_is_no_text_is_refused(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    image_layout(layout, [1000])
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(layout, b"\xff\xfe"), "size": 2}
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": put(layout, manifest)}
    index = {"schemaVersion": 2, "manifests": [entry | {"size": len(manifest)}]}
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(ImageError, match="its configuration is no text"):
        resolved(f"oci:{layout}")
