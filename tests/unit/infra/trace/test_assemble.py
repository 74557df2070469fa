"""From what was seen to a trace, its figures and its prefetch list."""

from __future__ import annotations

import dataclasses
import json

import pytest

from infra.oci.spans import Spans
from infra.trace.assemble import assemble
from infra.trace.contents import LayerFiles
from infra.trace.model import Trace, parse
from infra.trace.seen import About, Observation, SeenLayer
from infra.trace.summary import prefetch_list, summary
from tests.unit.infra.trace.test_contents import entries

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
DIGESTS = ["sha256:" + letter * 64 for letter in "0123456789"]
ABOUT = About("web:dev", DIGESTS[0], "linux/amd64", "http:80/", 4 << 20, recompressed=False)
BEGAN = 10**18
LOWER = LayerFiles(
    0, entries(("usr/lib/a/b/c/one", "reg", 8_192), ("usr/lib/a/d/two", "reg", 4_096), ("usr/bin/x", "reg", 100))
)
UPPER = LayerFiles(1, entries(("main", "reg", 50), ("empty", "reg", 0)))
SPANS = Spans((0, 6_000, 10_000), 14_848, ((10, 110), (109, 200), (200, 260)))


def layer(number: int, files: LayerFiles | None, spans: Spans | None) -> SeenLayer:
    return SeenLayer(DIGESTS[number], DIGESTS[number + 4], GZIP, 1_000 + number, files, spans)


LAYERS = [
    layer(1, LOWER, SPANS), layer(2, UPPER, Spans((0,), 2_048, ((10, 90),))), layer(3, None, None),
]  # fmt: skip


def seen(**more: object) -> Observation:
    one, main, empty = LOWER.named("usr/lib/a/b/c/one"), UPPER.named("main"), UPPER.named("empty")
    assert one and main and empty
    observed = Observation(
        began_ns=BEGAN,
        ready_ns=BEGAN + 3_500_000_000,
        first_ns={one: BEGAN + 2_000_000, main: BEGAN + 1_000_000, empty: BEGAN - 5},
        read={one: [(0, 4_096)], main: [(0, 50)], empty: []},
        received_bytes=5_000,
        whole_bytes=300,
    )
    return dataclasses.replace(observed, **more)  # type: ignore[arg-type]


def made(**more: object) -> Trace:
    return assemble(ABOUT, LAYERS, seen(**more))


def test_files_are_in_order_of_first_access_and_nothing_was_accessed_before_the_beginning() -> None:
    assert [(file.path, file.layer, file.first_ms) for file in made().files] == [
        ("empty", 1, 0.0),
        ("main", 1, 1.0),
        ("usr/lib/a/b/c/one", 0, 2.0),
    ]
    assert made().ready_ms == 3500


def test_a_layer_tells_the_spans_that_are_needed_and_what_they_hold() -> None:
    lazy = made().layers[0].lazy
    assert lazy is not None
    assert (lazy.spans, lazy.span_count, lazy.fetched_bytes) == ((0,), 3, 100)
    assert (lazy.unpacked_bytes, lazy.fetched, lazy.tar_bytes) == (6_000, ((0, 6_000),), 14_848)
    assert (lazy.files, lazy.file_bytes) == (3, 12_388)


def test_spans_beside_each_other_are_one_part_of_the_tar() -> None:
    one = LOWER.named("usr/lib/a/b/c/one")
    assert one is not None
    lazy = made(read={one: [(0, 8_192)]}, first_ns={one: BEGAN}).layers[0].lazy
    assert lazy is not None
    assert (lazy.spans, lazy.fetched) == ((0, 1), ((0, 10_000),))


def test_a_layer_that_was_not_lazy_is_unknown_and_said_to_be() -> None:
    trace = made()
    assert trace.layers[2].lazy is None
    assert any(line.startswith("Layer 2 (tar+gzip, 0.0 MB) was loaded whole") for line in trace.not_seen)


def test_folders_sum_up_what_lies_below_them() -> None:
    found = {(it.layer, it.path): (it.files, it.file_bytes, it.read_files, it.read_bytes) for it in made().folders}
    assert found == {
        (0, "usr/lib/a"): (2, 12_288, 1, 4_096),
        (0, "usr/bin"): (1, 100, 0, 0),
        (1, ""): (2, 50, 1, 50),
    }


def test_the_summary_compares_what_is_fetched_with_what_is_needed() -> None:
    found = summary(made())
    assert (found.read_files, found.files, found.read_bytes, found.file_bytes) == (2, 5, 4_146, 12_438)
    assert (found.needed_spans, found.spans, found.fetched_bytes, found.unpacked_bytes) == (2, 4, 180, 8_048)
    assert found.share == pytest.approx(4_146 / 12_438)
    assert found.amplification == pytest.approx(8_048 / 4_146)
    assert found.needless == pytest.approx(1 - 4_146 / 8_048)


def test_a_boot_that_reads_nothing_has_no_amplification() -> None:
    found = summary(made(read={}, first_ns={}))
    assert (found.amplification, found.needless, found.share) == (None, 0, 0)


def test_the_prefetch_list_has_what_was_read_in_order_and_not_what_was_only_opened() -> None:
    assert json.loads(prefetch_list(made())) == ["/main", "/usr/lib/a/b/c/one"]


def test_what_went_wrong_is_among_what_was_not_seen() -> None:
    lines = " ".join(made(short_of_memory=True, gone=("a", "b", "c", "d"), strangers=("x",)).not_seen)
    assert "met its memory limit" in lines
    assert "'a', 'b', 'c' and 1 more" in lines
    assert "belong to no file of a layer: 'x'" in lines
    assert "recompressed" not in lines
    recompressed = assemble(dataclasses.replace(ABOUT, recompressed=True), LAYERS, seen())
    assert any("recompressed" in line for line in recompressed.not_seen)


def test_a_trace_is_read_as_it_was_written() -> None:
    assert parse(made().model_dump_json(indent=1), "it") == made()
