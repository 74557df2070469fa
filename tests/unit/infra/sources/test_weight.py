from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.oci import names
from infra.oci.manifest import digest_of
from infra.sources.weight import Weight, weigh
from kit.errors import ImageError
from tests.support.images import image_layout
from tests.unit.infra.sources.test_archives import CONFIG, NAME, entry, layout_tar, listing, saved, tar


def weighed(text: str, platform: str = "linux/amd64") -> Weight:
    return weigh(names.parse(text), platform)


def test_a_layout_and_its_archive_weigh_what_their_manifest_says(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    digest = image_layout(layout, [5000, 70_000])
    manifest = json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())
    wanted = sum(layer["size"] for layer in manifest["layers"])
    archive = layout_tar(tmp_path / "layout.tar", layout)
    for text in (f"oci:{layout}", f"oci-archive:{archive}"):
        assert weighed(text) == Weight(text, digest, wanted, exact=True)


def test_a_saved_image_weighs_about_its_layers_each_once(tmp_path: Path) -> None:
    file = tmp_path / "web.tar"
    image = saved("web:dev") | {"Layers": ["a/layer.tar", "b/layer.tar", "a/layer.tar"]}
    members = [listing(image), entry(NAME, CONFIG), entry("a/layer.tar", b"x" * 1000), entry("b/layer.tar", b"y" * 20)]
    tar(file, members)
    text = f"docker-archive:{file}"
    assert weighed(text) == Weight(text, digest_of(CONFIG), 1020, exact=False)


def test_a_saved_image_that_lacks_a_layer_is_incomplete(tmp_path: Path) -> None:
    file = tmp_path / "web.tar"
    tar(file, [listing(saved("web:dev") | {"Layers": ["a/layer.tar"]}), entry(NAME, CONFIG)])
    with pytest.raises(ImageError, match=r"web\.tar is incomplete: a/layer\.tar is missing"):
        weighed(f"docker-archive:{file}")


def test_an_image_of_another_platform_is_not_weighed(tmp_path: Path) -> None:
    image_layout(tmp_path / "layout", [5000])
    with pytest.raises(ImageError, match="is for linux/amd64, not for linux/arm64"):
        weighed(f"oci:{tmp_path / 'layout'}", "linux/arm64")
