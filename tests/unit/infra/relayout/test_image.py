"""Manifest and configuration with new layers: everything else stays as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.oci.manifest import Manifest, as_image, digest_of, parse
from infra.relayout import image
from infra.relayout.layer import Rewritten
from kit.errors import ImageError
from tests.support.field_images import Tar, base, gzip_layer
from tests.support.field_images import image as image_of

NEW = Rewritten("sha256:" + "e" * 64, 77, "sha256:" + "f" * 64, 1, 1)
CONFIG = {"Cmd": ["/run"], "Entrypoint": ["/start"], "Labels": {"who": "me"}, "Env": ["ÄTHER=<&>"]}


def parts() -> tuple[Manifest, bytes]:
    made = image_of([base(), gzip_layer(Tar().file("a", b"x"))], config=CONFIG, annotations={"org.example": "yes"})
    return as_image(parse(made.manifests[0][0], name="it"), "it"), made.configs[0]


def changed(manifest: Manifest, **more: Any) -> Manifest:
    """With more in the descriptor of its second layer."""
    value = json.loads(manifest.raw)
    value["layers"][1].update(more)
    return as_image(parse(json.dumps(value).encode(), name="it"), "it")


def test_only_the_new_layer_and_what_names_it_change() -> None:
    manifest, config = parts()
    after, new_config = image.rebuilt(manifest, config, {1: NEW})
    before, now = json.loads(manifest.raw), json.loads(after.raw)
    assert now["layers"][0] == before["layers"][0]
    assert now["layers"][1] == {**before["layers"][1], "digest": NEW.digest, "size": 77}
    assert now["config"]["digest"] == digest_of(new_config)
    assert now["config"]["size"] == len(new_config)
    assert {key: now[key] for key in now if key not in ("layers", "config")} == {
        key: before[key] for key in before if key not in ("layers", "config")
    }
    settings = json.loads(new_config)
    assert settings["rootfs"]["diff_ids"] == [json.loads(config)["rootfs"]["diff_ids"][0], NEW.diff_id]
    del settings["rootfs"]
    assert settings == {key: value for key, value in json.loads(config).items() if key != "rootfs"}


def test_what_was_said_of_the_former_blob_goes_and_what_was_said_of_the_layer_stays() -> None:
    manifest, config = parts()
    notes = {"containerd.io/uncompressed": "sha256:0", "org.example.layer": "base"}
    after, _ = image.rebuilt(changed(manifest, annotations=notes, data="AAAA"), config, {1: NEW})
    entry = json.loads(after.raw)["layers"][1]
    assert entry["annotations"] == {"org.example.layer": "base"}
    assert "data" not in entry
    only = image.rebuilt(changed(manifest, annotations={"containerd.io/uncompressed": "x"}), config, {1: NEW})[0]
    assert "annotations" not in json.loads(only.raw)["layers"][1]


def test_a_configuration_that_names_fewer_layers_is_refused() -> None:
    manifest, config = parts()
    value = json.loads(config)
    assert image.diff_ids(config.decode(), manifest) == tuple(value["rootfs"]["diff_ids"])
    value["rootfs"]["diff_ids"].pop()
    with pytest.raises(ImageError, match="has 2 layers, and its configuration names 1"):
        image.diff_ids(json.dumps(value), manifest)


def test_a_layer_on_top_is_one_more_and_the_history_tells_of_it_at_the_images_own_time() -> None:
    manifest, config = parts()
    told = {**json.loads(config), "created": "2026-01-02T03:04:05Z", "history": [{"created_by": "a"}, {"comment": "b"}]}
    after, new_config = image.rebuilt(manifest, json.dumps(told).encode(), {1: NEW}, NEW)
    settings = json.loads(new_config)
    assert settings["rootfs"]["diff_ids"][1:] == [NEW.diff_id, NEW.diff_id]
    assert settings["history"] == [*told["history"], {"created": told["created"], **image.ON_TOP}]
    assert [layer.digest for layer in after.layers][1:] == [NEW.digest, NEW.digest]
    assert after.layers[-1].media_type == image.OCI_LAYER
    without = json.loads(image.rebuilt(manifest, config, {1: NEW}, NEW)[1])
    assert without.get("history", []) == json.loads(config).get("history", [])
