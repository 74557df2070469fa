"""A layer in a new order shows the same file system, or it stays as it is and says why: never anything else."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from infra.oci import layout
from infra.oci.manifest import Descriptor
from infra.relayout import facts
from infra.relayout.layer import Kept, Rewritten, Wish, expected_spans, moved, rewrite, runs
from infra.relayout.laying import in_the_way
from infra.relayout.records import Record, scan
from infra.relayout.tree import Shown, differences, tree
from infra.trace.contents import clean
from kit import expansion
from kit.errors import ImageError
from tests.support.field_images import GZIP, OCI, Layer, Tar, digest_of, gzip_layer, noise
from tests.support.odd_layers import Packed, tars


def wish(*paths: str, below: Collection[bytes] = ()) -> Wish:
    """One whose layer always gains by a new order."""
    return Wish([path.encode(errors="surrogateescape") for path in paths], [(0, 1)], 1 << 40, 1e9, below)


def rewritten(layer: Layer, wanted: Wish, room: Path) -> Kept | Rewritten:
    """The outcome; a new blob lies in the layout ``room/new``."""
    for name in ("old", "new"):
        (room / name / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    layout.blob_path(room / "old", layer.digest).write_bytes(layer.blob)
    descriptor = Descriptor(layer.media_type, layer.digest, len(layer.blob))
    return rewrite(room / "old", descriptor, layer.diff_id, wanted, room / "new")


def new_layer(made: Rewritten, room: Path, media_type: str = GZIP) -> Layer:
    return Layer(layout.blob_path(room / "new", made.digest).read_bytes(), made.diff_id, media_type)


def entries(layer: Layer, room: Path) -> tuple[facts.Entry, ...]:
    (room / "blob").write_bytes(layer.blob)
    return facts.read(room / "blob", layer.media_type)


def shown(layers: Sequence[Layer], room: Path) -> dict[str, Shown] | None:
    """The file system, None where no runtime would unpack it."""
    try:
        return tree([entries(layer, room) for layer in layers])
    except ImageError:
        return None


def names_of(layer: Layer, room: Path) -> list[str]:
    return [entry.name for entry in entries(layer, room)]


def content(layer: Layer) -> bytes:
    return gzip.decompress(layer.blob) if layer.media_type == GZIP else layer.blob


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(below=tars(), above=tars(), picked=st.lists(st.integers(0, 9), max_size=4))
def test_whatever_a_layer_holds_it_shows_the_same_or_stays(below: Packed, above: Packed, picked: list[int]) -> None:
    first = [above.entries[-1 - at % len(above.entries)][0] for at in (0, *picked)] if above.entries else ["nothing"]
    with tempfile.TemporaryDirectory() as folder:
        room, base, layer = Path(folder), below.layer, above.layer
        in_way = in_the_way([entries(base, room), entries(layer, room)])[1]
        outcome = rewritten(layer, wish(*map(clean, first), below=in_way), room)
        if isinstance(outcome, Kept):
            event(outcome.reason.split("'")[0])
            assert outcome.reason
            return
        event("in a new order")
        new = new_layer(outcome, room)
        before, after = shown([base, layer], room), shown([base, new], room)
        assert (before is None) == (after is None)
        assert differences(before or {}, after or {}) == []
        assert sorted(names_of(layer, room)) == sorted(names_of(new, room))
        assert len(content(new)) == len(above.archive)


def test_a_folder_of_a_layer_below_that_a_late_whiteout_leaves_there_keeps_what_is_said_of_it(tmp_path: Path) -> None:
    """Behind the whiteout the folder would be a new one, with another mode. Few tools write one so late."""
    base = gzip_layer(Tar().folder("b", mode=0o700).file("b/old", b"old"))
    layer = gzip_layer(Tar().file("a", noise("a", 600)).file("b/g", b"g").file(".wh..wh..opq", b""))
    outcome = rewritten(layer, wish("b/g"), tmp_path)
    assert isinstance(outcome, Kept)
    assert "comes after a folder that it may leave as it was" in outcome.reason
    below = shown([base, layer], tmp_path)
    assert below is not None
    assert (below["b"].facts.mode, "b/old" in below) == (0o700, False)


def web() -> Tar:
    """A little of everything that may be moved."""
    tar = Tar().folder("app").file("app/one", noise("one", 3000)).file("app/two", noise("two", 70_000))
    return tar.folder("lib").file("lib/x", noise("x", 900)).link("lib/y", "lib/x", hard=True).link("lib/z", "x")


def test_what_boot_reads_comes_first_behind_its_folders(tmp_path: Path) -> None:
    layer = gzip_layer(web())
    made = rewritten(layer, wish("lib/x", "app/two"), tmp_path)
    assert isinstance(made, Rewritten)
    assert names_of(new_layer(made, tmp_path), tmp_path) == [
        "lib", "lib/x", "app", "app/two", "app/one", "lib/y", "lib/z",
    ]  # fmt: skip
    assert made.files_first == 2
    assert made.bytes_first == 512 + 1024 + 512 + 70_144


def test_a_hard_link_that_boot_reads_brings_its_target_to_the_front(tmp_path: Path) -> None:
    made = rewritten(gzip_layer(web()), wish("lib/y"), tmp_path)
    assert isinstance(made, Rewritten)
    assert names_of(new_layer(made, tmp_path), tmp_path)[:3] == ["lib", "lib/x", "app"]


def test_whiteouts_come_first(tmp_path: Path) -> None:
    tar = Tar().folder("a").file("a/new", noise("new", 600)).file("a/.wh..wh..opq", b"").file("b/.wh.gone", b"")
    made = rewritten(gzip_layer(tar), wish("a/new"), tmp_path)
    assert isinstance(made, Rewritten)
    assert names_of(new_layer(made, tmp_path), tmp_path) == ["a", "a/.wh..wh..opq", "b/.wh.gone", "a/new"]


def test_the_same_wish_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (rewritten(gzip_layer(web()), wish("lib/x"), tmp_path / name) for name in ("one", "other"))
    assert one == other


def test_the_bytes_are_those_of_every_machine(tmp_path: Path) -> None:
    """A new version of the compressor may change this digest: then images laid out by both differ."""
    text = b"".join(b"%d lines of some text, %d words\n" % (at * at % 977, at) for at in range(20_000))
    made = rewritten(gzip_layer(web().file("text", text)), wish("lib/x", "app/two"), tmp_path)
    assert isinstance(made, Rewritten)
    assert made.digest == "sha256:7f0d81bc73e1497fa898685af860d9033e040da3703a090a00f22fc498b51828"


def test_a_layer_that_is_not_compressed_stays_so(tmp_path: Path) -> None:
    archive = web().end()
    layer = Layer(archive, digest_of(archive), f"{OCI}.layer.v1.tar")
    made = rewritten(layer, wish("lib/x"), tmp_path)
    assert isinstance(made, Rewritten)
    assert made.digest == made.diff_id
    assert names_of(new_layer(made, tmp_path, layer.media_type), tmp_path)[:2] == ["lib", "lib/x"]


def test_a_layer_in_this_order_already_stays(tmp_path: Path) -> None:
    assert rewritten(gzip_layer(web()), wish("app/one"), tmp_path) == Kept("what boot reads is at its front already")


def test_a_layer_whose_spans_get_no_fewer_stays(tmp_path: Path) -> None:
    wanted = Wish([b"lib/x"], [(72_704, 73_604)], 1, 1e6)
    assert rewritten(gzip_layer(web()), wanted, tmp_path) == Kept("boot needs 1 of its spans in any order")


def test_a_layer_whose_content_is_another_is_corrupt(tmp_path: Path) -> None:
    layer = gzip_layer(web())
    other = Layer(layer.blob, digest_of(b"other"))
    with pytest.raises(ImageError, match=f"its content is {layer.diff_id}, not {other.diff_id}"):
        rewritten(other, wish("lib/x"), tmp_path)


def test_a_layer_that_is_cut_is_corrupt(tmp_path: Path) -> None:
    layer = gzip_layer(web())
    with pytest.raises(ImageError, match="is cut or corrupt"):
        rewritten(Layer(layer.blob[:-20], layer.diff_id), wish("lib/x"), tmp_path)


def test_a_layer_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "ALWAYS_BYTES", 1_000_000)
    layer = gzip_layer(Tar().file("zeros", bytes(20_000_000)))
    assert len(layer.blob) * expansion.MOST_TIMES < 20_000_000
    for give in (lambda: rewritten(layer, wish("zeros"), tmp_path), lambda: entries(layer, tmp_path)):
        with pytest.raises(ImageError, match=r"unpack to more than|claims"):
            give()


def test_ranges_move_with_their_records(tmp_path: Path) -> None:
    (tmp_path / "tar").write_bytes(web().end())
    with (tmp_path / "tar").open("rb") as tar:
        records = scan(tar).records
    at = {record.path: record for record in records}
    order = [records.index(at[path]) for path in (b"lib", b"lib/x")]
    order += [number for number in range(len(records)) if number not in order]
    start = at[b"lib/x"].start
    assert moved(records, order, [(start + 512, start + 600)]) == [(1024, 1112)]


def test_ranges_count_the_spans_that_they_touch() -> None:
    assert expected_spans([(0, 10), (5, 30), (95, 101)], 10) == 5
    assert expected_spans([], 10) == 0


def test_neighbours_are_copied_as_one_piece() -> None:
    records = [Record(at, at + 10, "file", b"%d" % at) for at in (0, 10, 20, 30)]
    assert list(runs(records, [2, 3, 0, 1])) == [(20, 40), (0, 20)]
    assert list(runs(records, [0, 1, 2, 3])) == [(0, 40)]
