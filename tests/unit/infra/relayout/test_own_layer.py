"""What boot reads in a layer of its own: the same file system, or it stays and the reason is said."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from infra.oci import layout
from infra.oci.manifest import Manifest, as_image
from infra.oci.regctl import Deadline
from infra.oci.soci import Converted
from infra.relayout import moving
from infra.relayout.facts import Entry
from infra.relayout.layer import Rewritten
from infra.relayout.laying import Laid, Original, read_layers
from infra.relayout.own_layer import move_out
from infra.relayout.touched import Touched
from infra.relayout.tree import Shown, differences, tree
from infra.trace.model import Trace, TracedFile
from kit.errors import ImageError
from tests.support.field_images import Layer, Tar, gzip_layer, noise
from tests.support.field_images import image as image_of
from tests.support.odd_layers import Packed, tars

READ = Touched(((0, 1),), (0,), 1, 1, 1)
Entries = dict[str, tuple[Entry, ...]]


def move(layers: Sequence[Layer], read: Sequence[tuple[int, str]], room: Path) -> tuple[Laid, Manifest, Entries]:
    """The image with what is read (layer, path) moved out, its former manifest, and the entries of all layers."""
    folder = image_of(list(layers), config={"Cmd": ["/x"]}).write(room / "image")
    digest = layout.only_digest(folder)
    manifest = as_image(layout.read(folder, digest), digest)
    files = tuple(TracedFile(path=path, layer=at, size_bytes=1, ranges=((0, 1),)) for at, path in read)
    trace = Trace(image="x", digest=digest, platform="linux/amd64", ready="exit:0", ready_ms=1, layers=(), files=files)
    original = Original(folder, manifest, cast(Converted, None), Deadline(60))
    entries = read_layers(folder, manifest, {})
    laid = move_out(original, trace, {at: READ for at, _ in read}, entries, room / "new")
    return laid, manifest, read_layers(laid.folder, laid.manifest, entries)


def shown(manifest: Manifest, entries: Entries) -> dict[str, Shown] | None:
    """The file system, None where no runtime would unpack it."""
    try:
        return tree(entries[layer.digest] for layer in manifest.layers)
    except ImageError:
        return None


def paths(laid: Laid, entries: Entries) -> list[str]:
    """The names in the layer on top."""
    return [entry.name for entry in entries[laid.manifest.layers[-1].digest]]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(layers=st.lists(tars(), min_size=2, max_size=3), picked=st.lists(st.integers(0, 99), min_size=1, max_size=6))
def test_whatever_layers_hold_nothing_shows_in_another_way(layers: list[Packed], picked: list[int]) -> None:
    names = [(at, moving.clean(name)) for at, layer in enumerate(layers) for name, kind in layer.entries]
    if not names:
        return
    read = list(dict.fromkeys(names[at % len(names)] for at in picked))
    with tempfile.TemporaryDirectory() as folder:
        try:
            laid, manifest, entries = move([each.layer for each in layers], read, Path(folder))
        except ImageError as error:
            event("all stays")
            assert "can have a layer of its own" in str(error)
            return
    event("moved")
    before, after = shown(manifest, entries), shown(laid.manifest, entries)
    if before is not None:
        assert after is not None
        assert differences(before, after) == []


def web() -> Tar:
    tar = Tar().folder("app").file("app/one", noise("one", 3000)).file("app/two", noise("two", 70_000))
    return tar.folder("lib").file("lib/x", noise("x", 900)).link("lib/y", "lib/x", hard=True).link("lib/z", "x")


def test_files_move_with_their_folders_and_other_names_in_order_of_first_access(tmp_path: Path) -> None:
    laid, manifest, entries = move([gzip_layer(web())], [(0, "lib/x"), (0, "app/two")], tmp_path)
    assert paths(laid, entries) == ["lib", "lib/x", "lib/y", "app", "app/two"]
    assert [entry.name for entry in entries[laid.manifest.layers[0].digest]] == ["app", "app/one", "lib", "lib/z"]
    assert differences(shown(manifest, entries) or {}, shown(laid.manifest, entries) or {}) == []
    assert [(file.layer, file.path) for file in laid.trace.files] == [(1, "lib/x"), (1, "app/two")]
    assert isinstance(laid.layers[0], Rewritten) and laid.on_top is not None and laid.on_top.files_first == 2


def test_files_of_several_layers_come_into_one_and_folders_are_as_the_uppermost_layer_says(tmp_path: Path) -> None:
    lower, upper = gzip_layer(web()), gzip_layer(Tar().folder("app").file("app/three", b"3"))
    laid, _, entries = move([lower, upper], [(1, "app/three"), (0, "app/one")], tmp_path)
    assert paths(laid, entries) == ["app", "app/three", "app/one"]
    folder = next(entry for entry in entries[laid.manifest.layers[-1].digest] if entry.name == "app")
    assert folder.facts == next(entry for entry in entries[upper.digest] if entry.name == "app").facts


STAYS: dict[str, tuple[Tar, str]] = {
    "a later file": (Tar().file("app/one", b"new"), "a layer above has that name"),
    "a whiteout": (Tar().file("app/.wh.one", b""), "a layer above has that name, hides it"),
    "an opaque folder": (Tar().file("app/.wh..wh..opq", b"").file("app/other", b""), "a layer above hides a folder"),
    "a hidden folder": (Tar().file(".wh.app", b""), "a layer above hides a folder"),
    "something beneath a link": (Tar().file("lib/z/below", b""), "beneath a symbolic link"),
}


@pytest.mark.parametrize("case", STAYS)
def test_a_file_stays_below(case: str, tmp_path: Path) -> None:
    above, reason = STAYS[case]
    with pytest.raises(ImageError, match=reason):
        move([gzip_layer(web()), gzip_layer(above)], [(0, "app/one")], tmp_path)


def test_a_file_stays_in_a_folder_that_a_layer_below_both_has_and_hides(tmp_path: Path) -> None:
    """Is it as the entry says, or a new one that nobody described? Only the order of the entries tells."""
    below = gzip_layer(Tar().folder("b", mode=0o700).file(".wh.b", b"").file("b/old", b"old"))
    with pytest.raises(ImageError, match="a layer both has and hides a folder of it"):
        move([below, gzip_layer(Tar().file("b/new", b"new"))], [(1, "b/new")], tmp_path)


def test_one_file_stays_and_the_others_move(tmp_path: Path) -> None:
    layers = [gzip_layer(web()), gzip_layer(Tar().file("app/one", b"new"))]
    laid, manifest, entries = move(layers, [(0, "app/one"), (0, "app/two")], tmp_path)
    assert paths(laid, entries) == ["app", "app/two"]
    (said,) = moving.shown(laid.stay[0])
    assert said.startswith("'app/one' stays, because a layer above")
    assert differences(shown(manifest, entries) or {}, shown(laid.manifest, entries) or {}) == []


def test_a_whiteout_is_nothing_that_could_move(tmp_path: Path) -> None:
    layers = [gzip_layer(web()), gzip_layer(Tar().file(".wh.lib", b"").file("new", b"new"))]
    laid, manifest, entries = move(layers, [(1, ".wh.lib"), (1, "new")], tmp_path)
    assert paths(laid, entries) == ["new"]
    assert differences(shown(manifest, entries) or {}, shown(laid.manifest, entries) or {}) == []


def test_configuration_stays_and_a_history_has_one_entry_more(tmp_path: Path) -> None:
    laid, manifest, _ = move([gzip_layer(web())], [(0, "app/one")], tmp_path)
    before, after = (
        json.loads(layout.blob_path(folder, each.config.digest).read_bytes())
        for folder, each in ((tmp_path / "image", manifest), (laid.folder, laid.manifest))
    )
    assert after["config"] == before["config"]
    assert len(after["rootfs"]["diff_ids"]) == 2
    assert len(after.get("history", ())) == len(before.get("history", ())) + bool(before.get("history"))
