"""Images in files that anybody may have made: what is read, and what is refused in one line."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.oci.manifest import OCI_INDEX, OCI_MANIFEST, digest_of, parse
from infra.sources import archives
from kit.errors import ImageError

CONFIG = b'{"os": "linux", "architecture": "amd64"}'
LAYER = b"a layer"


def tar_of(files: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda _entry: None) -> bytes:
    """A tar of these files, each entry changed before it is written."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            change(entry)
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return raw.getvalue()


def docker_files(*names: str, config: bytes = CONFIG) -> dict[str, bytes]:
    """What `docker save` writes for an image of these names."""
    manifest = [{"Config": "c.json", "RepoTags": list(names), "Layers": ["l/layer.tar"]}]
    return {"manifest.json": json.dumps(manifest).encode(), "c.json": config, "l/layer.tar": LAYER}


def oci_files(*tags: str) -> dict[str, bytes]:
    """An OCI layout of one image for each tag."""
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(content: bytes, media_type: str) -> dict[str, Any]:
        files[f"blobs/{digest_of(content).replace(':', '/')}"] = content
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    entries = []
    for number, tag in enumerate(tags):
        config = blob(CONFIG, "application/vnd.oci.image.config.v1+json")
        layer = blob(LAYER + bytes([number]), "application/vnd.oci.image.layer.v1.tar")
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}
        entry = blob(json.dumps(manifest).encode(), OCI_MANIFEST)
        entries.append({**entry, "annotations": {"org.opencontainers.image.ref.name": tag}})
    files["index.json"] = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    return files


def written(folder: Path, content: bytes) -> Path:
    file = folder / "image.tar"
    file.write_bytes(content)
    return file


def read_oci(place: Path, tag: str | None) -> str:
    with archives.of_oci(place, tag) as (digest, _blob):
        return digest


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / "layout" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "layout" / name).write_bytes(content)
    return folder / "layout"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_configuration_of_a_saved_image_is_found(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert archives.of_docker(written(tmp_path, pack(tar_of(docker_files("web:1")))), None) == CONFIG


def test_one_of_several_saved_images_is_chosen_by_name(tmp_path: Path) -> None:
    entries = [{"Config": f"{name}.json", "RepoTags": [f"{name}:1"], "Layers": []} for name in ("a", "b")]
    files = {"manifest.json": json.dumps(entries).encode(), "a.json": CONFIG, "b.json": b"{}"}
    file = written(tmp_path, tar_of(files))
    assert archives.of_docker(file, "b:1") == b"{}"
    with pytest.raises(ImageError, match=r"holds 2 images. Say which: a:1, b:1"):
        archives.of_docker(file, None)
    with pytest.raises(ImageError, match=r"holds no image c:1; it has a:1, b:1"):
        archives.of_docker(file, "c:1")


@pytest.mark.parametrize("as_folder", [True, False])
def test_the_image_of_a_layout_is_found_in_a_folder_and_in_an_archive(tmp_path: Path, as_folder: bool) -> None:
    files = oci_files("v1", "v2")
    place = unpacked(tmp_path, files) if as_folder else written(tmp_path, tar_of(files))
    with archives.of_oci(place, "v2") as (digest, blob):
        assert digest_of(blob(digest)) == digest
        assert parse(blob(digest), name="it").size_bytes == len(blob(digest))
    with pytest.raises(ImageError, match=r"holds 2 images. Say which: v1, v2"):
        read_oci(place, None)
    with pytest.raises(ImageError, match=r"holds no image v3; it has v1, v2"):
        read_oci(place, "v3")


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../outside"])
def test_an_entry_that_climbs_out_is_refused_by_name(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, tar_of(docker_files("web:1") | {name: b"evil"}))
    with pytest.raises(ImageError, match=r"is not to be trusted: its entry"):
        archives.of_docker(file, None)
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_document_that_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    def change(entry: tarfile.TarInfo) -> None:
        if entry.name == "manifest.json":
            entry.type, entry.linkname, entry.size = kind, "/etc/passwd", 0

    with pytest.raises(ImageError, match=r"its entry manifest.json is not a file"):
        archives.of_docker(written(tmp_path, tar_of(docker_files("web:1"), change)), None)


def test_a_document_that_claims_to_be_huge_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_DOCUMENT_BYTES", 1000)
    big = docker_files("web:1", config=b"x" * 1001)
    with pytest.raises(ImageError, match=r"its document c.json claims 1001 bytes"):
        archives.of_docker(written(tmp_path, tar_of(big)), None)
    layout = unpacked(tmp_path, oci_files("v1") | {"index.json": b"x" * 1001})
    with pytest.raises(ImageError, match=r"its document index.json has 1001 bytes"):
        read_oci(layout, None)


def test_an_archive_without_its_documents_says_which(tmp_path: Path) -> None:
    docker, oci = tar_of(docker_files("web:1")), tar_of(oci_files("v1"))
    with pytest.raises(ImageError, match=r"has no manifest.json.*oci-archive:FILE"):
        archives.of_docker(written(tmp_path, oci), None)
    with pytest.raises(ImageError, match=r"is no OCI layout: it has no index.json"):
        read_oci(written(tmp_path, docker), None)
    without = {name: content for name, content in docker_files("web:1").items() if name != "c.json"}
    with pytest.raises(ImageError, match=r"is incomplete: its configuration c.json is missing"):
        archives.of_docker(written(tmp_path, tar_of(without)), None)


def test_a_blob_with_another_content_or_none_is_named(tmp_path: Path) -> None:
    files = oci_files("v1")
    digest = read_oci(unpacked(tmp_path, files), None)
    (tmp_path / "layout/blobs" / digest.replace(":", "/")).write_bytes(b"{}")
    with archives.of_oci(tmp_path / "layout", None) as (_, blob):
        with pytest.raises(ImageError, match=f"is corrupt: {digest} has another content"):
            blob(digest)
        with pytest.raises(ImageError, match=r"is incomplete"):
            blob("sha256:" + "0" * 64)


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, "md5:1", ""])
def test_a_digest_that_is_none_never_becomes_a_path(tmp_path: Path, digest: str) -> None:
    index = {"schemaVersion": 2, "manifests": [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 2}]}
    layout = unpacked(tmp_path, {"index.json": json.dumps(index).encode()})
    with pytest.raises(ImageError, match=r"cannot be read|is not an image manifest"):
        read_oci(layout, None)


@pytest.mark.parametrize(
    "content", [b"", b"no tar at all", b"\x1f\x8b\x08broken", b"\0" * 1024, tar_of({"manifest.json": b"{"})]
)
def test_what_is_no_archive_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    file = written(tmp_path, content)
    for read in (archives.of_docker, read_oci):
        with pytest.raises(ImageError) as error:
            read(file, None)
        assert str(file) in str(error.value)


@pytest.mark.parametrize("manifest", [b"{}", b"[]", b"[1]", b"null", b'"x"', b'[{"Config": null}]', b'[{"Config": 3}]'])
def test_a_list_of_images_that_makes_no_sense_is_one_clear_error(tmp_path: Path, manifest: bytes) -> None:
    with pytest.raises(ImageError):
        archives.of_docker(written(tmp_path, tar_of({"manifest.json": manifest})), None)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_an_archive_that_is_cut_is_said_to_be(tmp_path: Path, share: float) -> None:
    whole = tar_of(docker_files("web:1") | {"l/layer.tar": b"x" * 100_000})
    with pytest.raises(ImageError, match=r"cut|incomplete|no archive"):
        archives.of_docker(written(tmp_path, whole[: int(len(whole) * share)]), None)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=f"^There is no file {tmp_path}/none.$"):
        archives.of_docker(tmp_path / "none", None)
    with pytest.raises(ImageError, match=f"^There is no file {tmp_path}/none.$"):
        read_oci(tmp_path / "none", None)
