"""Layout folders: nothing is copied, nothing foreign is touched, the disk is asked first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.oci import layout
from infra.oci.manifest import OCI_MANIFEST, Manifest, digest_of, parse
from kit.errors import ImageError, MachineError

LAYER = b"a layer"


def image() -> Manifest:
    entry = {"digest": digest_of(LAYER), "size": len(LAYER)}
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **entry}],
    }
    manifest = parse(json.dumps(value).encode(), name="the image")
    assert isinstance(manifest, Manifest)
    return manifest


def test_layers_are_links_and_the_manifest_is_whole(tmp_path: Path) -> None:
    pulled = tmp_path / "pulled"
    layout.blob_path(pulled, digest_of(LAYER)).parent.mkdir(parents=True)
    layout.blob_path(pulled, digest_of(LAYER)).write_bytes(LAYER)
    layout.link_layout(tmp_path / "linked", image(), pulled)
    link = layout.blob_path(tmp_path / "linked", digest_of(LAYER))
    assert link.is_symlink()
    assert link.read_bytes() == LAYER
    assert layout.read(tmp_path / "linked", layout.only_digest(tmp_path / "linked")) == image()


def test_a_corrupt_manifest_is_named(tmp_path: Path) -> None:
    layout.link_layout(tmp_path / "linked", image(), tmp_path / "pulled")
    layout.blob_path(tmp_path / "linked", image().digest).write_bytes(b"{}")
    with pytest.raises(ImageError, match=image().digest):
        layout.read(tmp_path / "linked", image().digest)


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ImageError, match="Nothing was removed"):
        layout.claim(tmp_path)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_file_or_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for path in (tmp_path / "file", tmp_path / "link"):
        with pytest.raises(ImageError, match="not an empty folder"):
            layout.claim(path)


def test_too_small_a_disk_is_named_with_the_needed_size(tmp_path: Path) -> None:
    (tmp_path / "one" / "room").mkdir(parents=True)
    with pytest.raises(MachineError, match=rf"\({1 << 60} bytes\)"):
        layout.reserve(tmp_path / "one" / "room", 1 << 60)


def test_a_blob_that_is_missing_or_another_is_named(tmp_path: Path) -> None:
    layout.write_blob(tmp_path, b"{}", "")
    with pytest.raises(ImageError, match=f"{digest_of(LAYER)} is missing in"):
        layout.require_whole(tmp_path, image())
    layout.write_blob(tmp_path, LAYER, "")
    layout.require_whole(tmp_path, image())
    layout.blob_path(tmp_path, digest_of(LAYER)).write_bytes(b"other")
    with pytest.raises(ImageError, match=f"{digest_of(LAYER)} is corrupt in"):
        layout.require_whole(tmp_path, image())
