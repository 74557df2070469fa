from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.oci.manifest import digest_of
from infra.sources import archives
from kit import expansion
from kit.errors import ImageError
from tests.support.images import image_layout

CONFIG = b'{"os": "linux", "architecture": "amd64"}'
NAME = f"{digest_of(CONFIG).removeprefix('sha256:')}.json"


def entry(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in fields.items():
        setattr(member, key, value)
    return member, content


def listing(*entries: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry("manifest.json", json.dumps(entries).encode())


def saved(*names: str, config: str = NAME) -> dict[str, Any]:
    return {"Config": config, "RepoTags": list(names), "Layers": []}


def tar(file: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    file.write_bytes(written.getvalue())
    return file


def layout_tar(file: Path, layout: Path) -> Path:
    with tarfile.open(file, "w") as archive:
        archive.add(layout, arcname=".")
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.tar"


def refusal(file: Path, wanted: str | None = None) -> str:
    with pytest.raises(ImageError) as refused:
        archives.of_docker(file, wanted)
    said = str(refused.value)
    assert "\n" not in said and str(file) in said
    return said


def test_the_configuration_of_the_one_image_is_found(file: Path) -> None:
    tar(file, [listing(saved("web:dev")), entry(NAME, CONFIG)])
    assert archives.of_docker(file, None) == CONFIG
    assert archives.of_docker(file, "web:dev") == CONFIG


@pytest.mark.parametrize("packed", [gzip.compress, lzma.compress])
def test_a_compressed_archive_is_read_as_docker_load_reads_it(file: Path, packed: Any) -> None:
    tar(file, [listing(saved("web:dev")), entry(NAME, CONFIG)])
    file.write_bytes(packed(file.read_bytes()))
    assert archives.of_docker(file, None) == CONFIG


def test_of_several_images_one_is_named(file: Path) -> None:
    other = b'{"os": "linux"}'
    tar(file, [listing(saved("a:1"), saved("b:latest", config="b")), entry(NAME, CONFIG), entry("b", other)])
    assert archives.of_docker(file, "a:1") == CONFIG
    assert archives.of_docker(file, "b:latest") == other
    assert refusal(file) == f"{file} holds 2 images. Say which: a:1, b:latest."
    assert refusal(file, "c") == f"{file} holds no image c; it has a:1, b:latest."


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "layers/../../x"])
def test_an_entry_that_climbs_out_is_refused_whatever_else_is_there(file: Path, name: str) -> None:
    tar(file, [listing(saved("web:dev")), entry(NAME, CONFIG), entry(name, b"x")])
    assert f"its entry {name!r} climbs out of it" in refusal(file)


def test_a_document_that_is_there_twice_is_refused_because_readers_differ_in_which_they_take(file: Path) -> None:
    tar(file, [listing(saved("web:dev")), entry(NAME, CONFIG), entry("./manifest.json", b"[]")])
    assert "has two entries './manifest.json'" in refusal(file)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_document_that_is_a_link_or_a_device_is_refused(file: Path, kind: bytes) -> None:
    tar(file, [listing(saved("web:dev")), entry(NAME, type=kind, linkname="/etc/shadow")])
    assert f"its entry {NAME} is not a file" in refusal(file)


def test_a_document_of_a_huge_size_is_refused_unread(file: Path) -> None:
    huge = archives.MOST_DOCUMENT_BYTES + 1
    tar(file, [listing(saved("web:dev")), entry(NAME, bytes(huge))])
    assert f"its document {NAME} claims {huge} bytes" in refusal(file)


@pytest.mark.parametrize("size", [1 << 40, 1 << 62])
def test_a_size_that_the_file_does_not_have_is_named_as_a_cut(file: Path, size: int) -> None:
    lying, content = entry(NAME, CONFIG)
    lying.size = size
    list_head, list_content = listing(saved("web:dev"))
    heads = list_head.tobuf() + list_content.ljust(512 * -(-len(list_content) // 512), b"\0")
    file.write_bytes(heads + lying.tobuf() + content)
    assert "is cut" in refusal(file)


@pytest.mark.parametrize("packed", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_truncated_archive_is_refused_compressed_or_not(file: Path, packed: Any, part: float) -> None:
    layer = bytes(range(256)) * 400
    tar(file, [entry("layer.tar", layer), listing(saved("web:dev")), entry(NAME, CONFIG), entry("more", layer)])
    whole = packed(file.read_bytes())
    file.write_bytes(whole[: int(len(whole) * part)])
    assert "cut" in refusal(file) or "no archive" in refusal(file)


def test_damaged_compression_is_refused(file: Path) -> None:
    tar(file, [entry("layer.tar", bytes(range(256)) * 4000), listing(saved("web:dev")), entry(NAME, CONFIG)])
    damaged = bytearray(gzip.compress(file.read_bytes()))
    damaged[len(damaged) // 2 : len(damaged) // 2 + 40] = b"\xff" * 40
    file.write_bytes(damaged)
    assert "cut or corrupt" in refusal(file)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b", bytes(range(256)) * 8])
def test_a_file_that_is_no_archive_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "no archive" in refusal(file)


def test_no_file_and_no_ordinary_file_are_told_apart(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.tar") == f"There is no file {tmp_path / 'none.tar'}."
    assert "is a folder or a device" in refusal(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"not json", b"{}", b"[1]", b'[{"RepoTags": ["web:dev"]}]', b'[{"Config": 3}]', b"[" * 100_000, b"\xff"],
)
def test_a_list_of_images_of_another_shape_is_refused(file: Path, content: bytes) -> None:
    tar(file, [entry("manifest.json", content)])
    assert "is corrupt: its manifest.json is no list of images" in refusal(file)


def test_an_archive_without_image_or_configuration_says_what_is_missing(file: Path) -> None:
    assert "holds no image" in refusal(tar(file, [listing()]))
    assert f"its configuration {NAME} is missing" in refusal(tar(file, [listing(saved("web:dev"))]))
    assert "For OCI: oci-archive:FILE" in refusal(tar(file, [entry("index.json", b"{}")]))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "layout"


def test_a_layout_is_read_as_a_folder_and_as_an_archive(layout: Path, file: Path) -> None:
    digest = image_layout(layout, [1000])
    for place in (layout, layout_tar(file, layout)):
        with archives.of_oci(place, None) as (found, blob):
            assert found == digest
            assert digest_of(blob(digest)) == digest


def name_images(layout: Path, *names: str) -> None:
    index = json.loads((layout / "index.json").read_text())
    [only] = index["manifests"]
    key = archives.REFERENCE_NAMES[0]
    index["manifests"] = [only | {"annotations": {key: name}} for name in names]
    (layout / "index.json").write_text(json.dumps(index))


def test_a_tag_chooses_among_the_images_of_a_layout(layout: Path) -> None:
    digest = image_layout(layout, [1000])
    name_images(layout, "v1", "v2")
    with archives.of_oci(layout, "v2") as (found, _):
        assert found == digest
    for tag, said in ((None, "holds 2 images. Say which: v1, v2."), ("v3", "holds no image v3; it has v1, v2.")):
        with pytest.raises(ImageError, match=said), archives.of_oci(layout, tag):
            pass


@pytest.mark.parametrize("packed", [False, True])
def test_a_blob_whose_content_has_another_digest_is_refused(layout: Path, file: Path, packed: bool) -> None:
    digest = image_layout(layout, [1000])
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).write_bytes(b"{}")
    place = layout_tar(file, layout) if packed else layout
    with archives.of_oci(place, None) as (_, blob), pytest.raises(ImageError, match="has another content"):
        blob(digest)


def test_a_missing_blob_is_named(layout: Path) -> None:
    digest = image_layout(layout, [1000])
    (layout / "blobs/sha256" / digest.removeprefix("sha256:")).unlink()
    with archives.of_oci(layout, None) as (_, blob), pytest.raises(ImageError, match=f"{digest} is missing"):
        blob(digest)


def test_a_digest_that_would_be_another_path_is_no_digest(layout: Path) -> None:
    image_layout(layout, [1000])
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["digest"] = "sha256:../../../etc/passwd"
    (layout / "index.json").write_text(json.dumps(index))
    with pytest.raises(ImageError, match="not an image manifest"), archives.of_oci(layout, None):
        pass


def test_a_folder_that_is_no_layout_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"it has no index\.json"), archives.of_oci(tmp_path, None):
        pass


@pytest.mark.parametrize("place", ["in an entry", "behind the end"])
def test_an_archive_that_unpacks_without_end_is_given_up(
    file: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "ALWAYS_BYTES", 100_000)
    zeros = bytes(10_000_000)
    entries = [listing(saved("web:dev")), entry(NAME, CONFIG)]
    tar(file, [*entries, entry("layer", zeros)] if place == "in an entry" else entries)
    content = file.read_bytes() + (b"" if place == "in an entry" else zeros)
    file.write_bytes(gzip.compress(content))
    assert "unpack to more than" in refusal(file)


def test_an_archive_of_a_million_entries_is_given_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_ENTRIES", 10)
    tar(file, [listing(saved("web:dev")), entry(NAME, CONFIG), *(entry(f"{number}", b"") for number in range(20))])
    assert "more than 10 entries" in refusal(file)
