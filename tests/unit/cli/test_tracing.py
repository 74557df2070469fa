"""`sociometer trace` before anything is booted, and what it prints."""

from __future__ import annotations

import pytest

from infra.trace.assemble import assemble
from sociometer.cli import trace_table
from sociometer.cli.trace_table import sentences
from tests.unit.cli.conftest import Sociometer
from tests.unit.infra.trace.test_assemble import ABOUT, LAYERS, made, seen


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--picture", "it.gif"), "--picture it.gif: its name must end with .html, .svg, .png."),
        (("--output", "absent/it.json"), "absent/it.json cannot be written: name a file in a folder that exists."),
        (("--output", "it.json", "--prefetch-list", "./it.json"), "Two results would go into one file"),
        (("--ready", "tcp:x"), "'x' is not a port"),
        (("--profile", "absent"), "There is no lab profile 'absent'"),
        (("--span-size", "much"), "Setting spanSize: 'much' cannot be used"),
        (("--env", "novalue"), "--env 'novalue' cannot be used"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_made(
    sociometer: Sociometer, words: tuple[str, ...], complaint: str
) -> None:
    done = sociometer("trace", "oci:image", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and complaint in line


def test_a_name_that_is_no_image_is_refused(sociometer: Sociometer) -> None:
    done = sociometer("trace", "http://example.com/web")
    assert done.exit_code == 2
    assert "leave out http://" in done.stderr


def test_the_table_has_layers_folders_and_sentences(capfd: pytest.CaptureFixture[str]) -> None:
    trace_table.show(made())
    lines = [" ".join(line.split()) for line in capfd.readouterr().out.splitlines()]
    assert lines[0] == "web:dev: ready (http:80/) 3.50 s after the pull"
    assert "0 111111111111 1 of 3 4.1 of 12.4 kB 33 % 1 of 3 0.1 of 1.0 kB" in lines
    assert "2 333333333333 whole 1.0 kB" in lines
    assert "usr/lib/a 0 1 of 2 4.1 of 12.3 kB 33 %" in lines
    assert "1 folder of which nothing is read 0 of 1 0.0 of 0.1 kB 0.0 %" in lines
    assert lines[-len(made().not_seen) :] == [*made().not_seen]


def test_the_sentences_say_the_share_the_spans_and_the_network() -> None:
    said = list(sentences(made(received_bytes=5_000_000, whole_bytes=300_000)))
    assert said[0] == "The boot reads 4.1 kB of 12.4 kB (33 % of the image), in 2 of 5 files."
    assert said[1] == (
        "It touches 2 of 4 spans of 4 MiB: 0.2 kB are fetched, which hold 8.0 kB. 48 % of that is not needed (1.9 "
        "bytes fetched for each that is)."
    )
    assert said[2].startswith("5.0 MB came over the network until it was ready, 0.3 MB of them")
    assert "not needed" not in next(line for line in sentences(made(read={}, first_ns={})) if "spans" in line)


def test_of_many_layers_those_that_are_not_read_are_one_row(capfd: pytest.CaptureFixture[str]) -> None:
    trace_table.show(assemble(ABOUT, [LAYERS[0], *[LAYERS[1]] * 30], seen(read={}, first_ns={})))
    lines = [" ".join(line.split()) for line in capfd.readouterr().out.splitlines()]
    assert "31 more none none none 0.0 of 31.1 kB" in lines
    assert sum(line.startswith(("0 1111", "1 2222", "2 2222")) for line in lines) == 0
