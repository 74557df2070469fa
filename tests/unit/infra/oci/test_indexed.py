"""An index that was made before is not made again, and what is taken from the cache is what soci made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.oci import indexed, layout, soci
from infra.oci.manifest import as_image
from infra.oci.regctl import Deadline
from infra.oci.soci import Converted, IndexOptions
from tests.support.field_images import Tar, gzip_layer, image

OPTIONS = IndexOptions(4 << 20, 0, "linux/amd64")
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Soci:
    """Makes a layout as soci does: links to the image's blobs, and a few documents of its own."""

    def __init__(self) -> None:
        self.times = 0

    def convert(self, source: Path, destination: Path, options: IndexOptions, _deadline: Deadline) -> Converted:
        self.times += 1
        made = as_image(layout.read(source, layout.only_digest(source)), "it")
        layout.claim(destination)
        layout.write_blob(destination, b"a zTOC", "")
        empty = layout.write_blob(destination, b"{}", "application/vnd.oci.empty.v1+json")
        text = {"schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [], "span": options.span_bytes}
        entries = [
            layout.write_blob(destination, made.raw, MANIFEST) | {"mediaType": MANIFEST},
            layout.write_blob(destination, json.dumps(text).encode(), MANIFEST)
            | {"mediaType": MANIFEST, "artifactType": "application/vnd.amazon.soci.index.v2+json"},
        ]
        top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        layout.write_image(destination, json.dumps(top).encode(), INDEX)
        for blob in made.blobs:
            layout.blob_path(destination, blob.digest).symlink_to(layout.blob_path(source, blob.digest))
        return soci.read_converted(destination, {"sha256:x": "too small"})


@pytest.fixture
def made_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Soci:
    fake = Soci()
    (tmp_path / "program").write_text("soci")
    monkeypatch.setattr(indexed, "tool", lambda _name: str(tmp_path / "program"))
    monkeypatch.setattr(indexed, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(indexed, "LEAST_BYTES", 0)
    monkeypatch.setattr(indexed.soci, "convert", fake.convert)
    return fake


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return image([gzip_layer(Tar().file("a", b"x"))], config={"Cmd": ["/a"]}).write(tmp_path / "source")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def convert(source: Path, name: str, options: IndexOptions = OPTIONS) -> Converted:
    return indexed.convert(source, source.parent / name, options, Deadline(60))


def test_the_second_time_gives_the_same_layout_without_soci(made_by: Soci, source: Path) -> None:
    one, other = convert(source, "one"), convert(source, "other")
    assert made_by.times == 1
    assert files(one.folder) == files(other.folder)
    assert (other.top, other.reasons) == (one.top, one.reasons)
    assert all(layout.blob_path(other.folder, blob.digest).is_symlink() for blob in other.image.layers)


def test_other_options_another_program_and_damage_ask_soci_again(made_by: Soci, source: Path, tmp_path: Path) -> None:
    convert(source, "one")
    convert(source, "two", IndexOptions(1 << 20, 0, "linux/amd64"))
    assert made_by.times == 2
    (tmp_path / "program").write_text("a newer soci")
    convert(source, "three")
    assert made_by.times == 3
    for kept in (tmp_path / "cache/indexes").glob("*.tar"):
        kept.write_bytes(kept.read_bytes().replace(b"a zTOC", b"broken"))
    assert files(convert(source, "four").folder) == files(tmp_path / "one")
    assert made_by.times == 4


def test_what_was_not_asked_for_the_longest_is_forgotten(
    made_by: Soci, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed, "MOST_KEPT", 2)
    for number in range(1, 5):
        convert(source, f"{number}", IndexOptions(number, 0, "linux/amd64"))
    assert len(list((tmp_path / "cache/indexes").glob("*.tar"))) == 2
    convert(source, "again", IndexOptions(4, 0, "linux/amd64"))
    assert made_by.times == 4


def test_a_small_image_is_not_kept(made_by: Soci, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "LEAST_BYTES", 1 << 20)
    convert(source, "one")
    convert(source, "two")
    assert made_by.times == 2
