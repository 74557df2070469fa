"""Spans and entries of real zTOCs, against what the soci command says of them."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.oci import soci
from infra.oci.containerd import import_image, private_containerd
from infra.oci.regctl import Deadline
from infra.oci.spans import touched
from infra.oci.ztoc import read_entries, read_spans
from kit.toolchain.toolbox import tool
from tests.support.field_images import OCI, FieldImage, Layer, Tar, digest_of, gzip_layer, image, noise

pytestmark = pytest.mark.lab
SPAN = 256 << 10


def tree(seed: str) -> Tar:
    """Some 4 MB in 300 files, partly compressible, with a link of each kind."""
    tar = Tar().folder("a")
    for number in range(300):
        part = noise(f"{seed}{number}", 1_000 + 97 * number % 9_000)
        tar.file(f"a/{number}", part * (1 + number % 5))
    return tar.link("a/soft", "0").link("a/hard", "a/1", hard=True)


def of_two_members() -> Layer:
    """gzip allows to put one stream behind another (pigz and mgzip do)."""
    archive = tree("members").end()
    half = len(archive) // 2
    members = (gzip.compress(part, 6, mtime=0) for part in (archive[:half], archive[half:]))
    return Layer(b"".join(members), digest_of(archive))


def uncompressed() -> Layer:
    archive = tree("tar").end()
    return Layer(archive, digest_of(archive), f"{OCI}.layer.v1.tar")


def ztocs_of(made: FieldImage, room: Path) -> list[tuple[bytes, dict[str, Any]]]:
    """Each zTOC that soci makes of the image, and what it says of it."""
    made.write(room / "layout")
    subprocess.run(["tar", "-C", room / "layout", "-cf", room / "image.tar", "."], check=True)
    with private_containerd(room) as socket:
        import_image(room / "image.tar", "lab/spans", socket, Deadline(60))
        soci.create("lab/spans:latest", socket, room / "soci", soci.IndexOptions(SPAN, 0, "linux/amd64"), Deadline(60))

        def output(*words: str) -> bytes:
            words = (str(tool(words[0])), "--address", str(socket), *words[1:])
            return subprocess.run(words, capture_output=True, check=True).stdout

        told = ("soci", "--root", str(room / "soci"), "ztoc")
        digests = output(*told, "list", "--quiet").decode().split()
        return [(output("ctr", "content", "get", it), json.loads(output(*told, "info", it))) for it in digests]


def test_spans_are_those_of_the_soci_command(tmp_path: Path) -> None:
    layers = {layer.digest: layer for layer in (gzip_layer(tree("gzip")), of_two_members(), uncompressed())}
    found = ztocs_of(image(layers.values()), tmp_path)
    assert len(found) == len(layers)
    blobs = [layer.blob for layer in layers.values()]
    for ztoc, info in found:
        spans, entries = read_spans(ztoc), read_entries(ztoc)
        assert info["num_spans"] == len(spans.starts) > 10
        told = [(file["filename"], file["type"], file["offset"], file["size"]) for file in info["files"]]
        assert told == [(entry.name, entry.kind, entry.offset, entry.size) for entry in entries]
        for file in info["files"]:
            if file["size"]:
                first, last = file["start_span"], file["end_span"]
                assert touched(spans, [(file["offset"], file["offset"] + file["size"])]) == list(range(first, last + 1))
        assert next(entry.link for entry in entries if entry.kind == "hardlink") == "a/1"
        # The zTOC holds the digest of each span's compressed bytes: they lie where we say.
        (blob,) = (blob for blob in blobs if len(blob) == spans.stored[-1][1])
        for start, end in spans.stored:
            assert hashlib.sha256(blob[start:end]).hexdigest().encode() in ztoc
