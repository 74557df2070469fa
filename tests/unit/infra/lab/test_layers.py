"""The layers of a host: what its folder, its mounts and its snapshotter's log show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from infra.lab.layers import HostLayers
from infra.lab.sandbox import Sandbox
from kit.machine.mountinfo import Mount, parse

OF_ONE = """\
40 1 0:40 / {folder}/soci/snapshotter/snapshots/1/fs ro - fuse.rawBridge soci rw
41 1 0:41 / {folder}/rootfs rw - overlay overlay rw,lowerdir={folder}/soci/a:{folder}/soci/b,upperdir={folder}/soci/c
"""


class FakeSandbox:
    """A host whose root is somewhere else, seen from outside."""

    def __init__(self, text: str) -> None:
        self._text = text

    def mounts(self) -> list[Mount]:
        return list(parse(self._text))

    def inside(self, path: Path) -> Path:
        return Path("/proc/1/root") / path.relative_to("/")


def layers(folder: Path) -> HostLayers:
    return HostLayers(folder, cast(Sandbox, FakeSandbox(OF_ONE.format(folder=folder))))


def test_the_mounts_say_which_are_lazy_and_where_they_are(tmp_path: Path) -> None:
    seen = layers(tmp_path)
    assert (seen.snapshotter(), seen.lazy(), len(seen.lazy_devices())) == ("soci", 1, 1)
    assert [str(folder).removeprefix(f"/proc/1/root{tmp_path}/") for folder in seen.folders()] == ["soci/b", "soci/a"]


def test_blobs_of_both_stores_and_nothing_else_were_fetched_whole(tmp_path: Path) -> None:
    kept = {
        "containerd/io.containerd.content.v1.content/blobs/sha256/a": 10,
        "soci/content/blobs/sha256/b": 200,
        "soci/content/ingest/c": 3000,
        "soci/snapshotter/blobs/d": 4000,
    }
    for name, size in kept.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    assert layers(tmp_path).whole_bytes() == 210


def test_the_log_says_what_was_asked_and_a_broken_character_hides_nothing(tmp_path: Path) -> None:
    asked = {"msg": "FUSE operation", "operation": "node.Open", "path": "bin/x", "time": "2026-11-26T19:00:01Z"}
    seen = layers(tmp_path)
    seen.soci_log.write_bytes(b"\xff\n" + json.dumps(asked, separators=(",", ":")).encode() + b"\n")
    assert [access.path for access in seen.accesses()] == ["bin/x"]
    assert (seen.why_not_lazy(), seen.failed_reads(0), seen.loading().prefetched) == ("", "", 0)
