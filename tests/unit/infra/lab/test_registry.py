"""What the lab's registry leaves on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from infra.lab.registry import ROOT, forget_uploads


def test_half_an_upload_that_the_registry_still_holds_open_takes_no_room_and_layers_stay(tmp_path: Path) -> None:
    storage = tmp_path / "storage" / ROOT
    layer = storage / "blobs" / "sha256" / "ab" / "abcd" / "data"
    half = storage / "repositories" / "team" / "web" / "_uploads" / "1" / "data"
    for file in (layer, half):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 10_000)
    with half.open("rb") as held:
        forget_uploads(tmp_path)
        assert os.fstat(held.fileno()).st_size == 0
    assert layer.stat().st_size == 10_000
    assert not half.parent.parent.exists()
    assert half.parent.parent.parent.is_dir()


def test_a_stack_whose_registry_was_never_started_has_nothing_to_forget(tmp_path: Path) -> None:
    forget_uploads(tmp_path)
    assert list(tmp_path.iterdir()) == []
