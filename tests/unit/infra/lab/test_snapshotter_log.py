"""Claims about what is read in the soci-snapshotter's log. The lines are those of a real one, 0.16.0."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.lab.snapshotter_log import FallenBack, Loading, failed_reads, fallen_back, loading, nanoseconds, told

LAYER, OTHER = "sha256:" + "b" * 64, "sha256:" + "c" * 64
IMAGE = "10.213.0.1:5000/sociometer/odd/soci-v2@sha256:" + "6" * 64
KEY = "default/2/extract-968324543-pxwG sha256:" + "a" * 64
WHOLE = "cannot get ztoc; download and unpack this layer in container runtime for now: "


def failed(cause: str, layer: str = LAYER) -> str:
    error = f'failed to resolve layer "{layer}" from "{IMAGE}": {cause}'
    return json.dumps(
        {
            "error": error, "key": KEY, "level": "warning", "msg": "failed to prepare remote snapshot",
            "remote-snapshot-prepared": "false", "time": "2026-11-26T16:13:06.973604413Z",
        }
    )  # fmt: skip


def local(layer: str = LAYER) -> str:
    return json.dumps({"layerDigest": layer, "level": "info", "msg": "preparing snapshot as local snapshot"})


PREPARED = json.dumps({"key": KEY, "msg": "remote snapshot successfully prepared.", "remote-snapshot-prepared": "true"})


def test_a_layer_that_fell_back_is_named_with_the_snapshotter_s_words() -> None:
    log = "\n".join((PREPARED, failed(f"{WHOLE}invalid toc entry"), local()))
    assert fallen_back(log) == (FallenBack(LAYER, "invalid toc entry"),)


def test_layers_that_were_served_lazily_are_not_among_them() -> None:
    assert fallen_back(f"{PREPARED}\n{PREPARED}\n") == ()


def test_a_layer_that_the_index_leaves_out_is_not_among_them() -> None:
    log = "\n".join((failed("no ztoc for layer"), local(), failed(f"{WHOLE}invalid toc entry", OTHER), local(OTHER)))
    assert [layer.layer_digest for layer in fallen_back(log)] == [OTHER]


def test_a_layer_that_its_error_does_not_name_is_named_by_the_next_line() -> None:
    line = json.dumps({"error": "no index for this image", "remote-snapshot-prepared": "false"})
    assert fallen_back(f"{line}\n{local(OTHER)}") == (FallenBack(OTHER, "no index for this image"),)
    assert fallen_back(line) == (FallenBack(None, "no index for this image"),)


def test_a_layer_is_told_once_and_a_half_written_line_is_no_error() -> None:
    log = "\n".join((failed("invalid toc entry"), local(), failed("invalid toc entry"), local(), failed("x")[:40]))
    assert len(fallen_back(log)) == 1


def test_the_words_name_a_few_layers_and_count_the_rest() -> None:
    layers = tuple(FallenBack(f"sha256:{number}", "gone") for number in range(5))
    assert told(layers) == (
        "The soci-snapshotter left to containerd: sha256:0 (gone); sha256:1 (gone); sha256:2 (gone) and 2 more."
    )
    assert told(()) == ""


@given(st.text(max_size=300))
def test_any_text_can_be_a_log(text: str) -> None:
    assert fallen_back(text) == ()


def said(message: str, **more: str) -> str:
    return json.dumps({"level": "info", "msg": message, **more})


def test_layers_of_which_parts_were_fetched_early_are_counted_once() -> None:
    one, other = said(f"Loading prefetch artifact {LAYER}"), said(f"Loading prefetch artifact {OTHER}")
    loaded = said("Successfully loaded prefetch artifact with 1 span ranges")
    assert loading("\n".join((one, loaded, one, loaded, other, loaded))) == Loading(prefetched=2)
    failure = said("Failed to execute prefetch, continuing without prefetch")
    assert loading("\n".join((one, failure, other, loaded))) == Loading(prefetched=1)
    assert loading(PREPARED) == Loading()


def test_layers_that_were_pulled_in_parallel_are_counted_once() -> None:
    message = "preparing snapshot with parallel pull/unpack"
    log = [said(message, layerDigest=LAYER), said(message, layerDigest=OTHER), said(message, layerDigest=LAYER)]
    assert loading("\n".join(log)) == Loading(in_parallel=2)


def read_failed(time: str, error: object = "file.Read: span digests do not match", msg: str = "statFile error") -> str:
    line = {"digest": LAYER, "error": error, "level": "error", "msg": msg, "time": time}
    return json.dumps(line, separators=(",", ":"))


BEFORE, AT, AFTER = (f"2026-11-26T16:13:0{second}.500000001Z" for second in (1, 2, 3))


def test_a_read_that_failed_until_the_moment_is_told_and_a_later_one_is_not() -> None:
    log = "\n".join((PREPARED, read_failed(BEFORE), read_failed(AFTER, "file.Read: context canceled")))
    said = "The soci-snapshotter could not read what was asked for: file.Read: span digests do not match."
    assert failed_reads(log, nanoseconds(AT)) == said
    assert failed_reads(log, nanoseconds(BEFORE) - 1000) == ""
    assert failed_reads(log, nanoseconds(AFTER)) == said.replace("match.", "match (and 1 more).")


@pytest.mark.parametrize(
    ("msg", "error"),
    [
        ("error trying to resolve layer, removing it from the queue", "error trying to fetch span with spanId = 3"),
        ("failed to prepare local snapshot; deferring to container runtime", "failed to ingest: mismatched digest"),
        (
            "failed to prepare remote snapshot",
            "unable to store ztoc in local store: failed to ingest: mismatched digest",
        ),
    ],
)
def test_spans_fetched_unasked_and_damaged_layers_and_ztocs_are_told(msg: str, error: str) -> None:
    assert error in failed_reads(read_failed(AT, error, msg), nanoseconds(AT))


def test_other_errors_and_half_written_lines_are_no_failed_reads() -> None:
    lines = (
        failed("statFile error"), local(), read_failed("soon"), read_failed(AT)[:-20], read_failed(AT, None),
        read_failed(AT, "cannot unpack the layer: link: no such file", "failed to prepare local snapshot"),
    )  # fmt: skip
    assert failed_reads("\n".join(lines), nanoseconds(AFTER)) == ""
