"""What soci prints is read: it says nowhere else which layers it skips."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from infra.oci import soci
from infra.oci.regctl import Deadline
from infra.oci.soci import IndexOptions, require_linux, skipped_layers
from kit.errors import CommandFailed, CommandTimeout, MachineError
from kit.machine import processes
from tests.support.programs import script

SMALL, ZSTD, INDEXED = ("sha256:" + letter * 64 for letter in "abc")
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OUTPUT = f"""ztoc skipped - layer {SMALL} ({GZIP}) size 9 is less than min-layer-size 10
ztoc skipped - layer {ZSTD} (application/vnd.oci.image.layer.v1.tar+zstd) is compressed in an unsupported format.
layer {INDEXED} -> ztoc {SMALL}
"""


def test_skipped_layers_are_told_with_their_reasons() -> None:
    assert skipped_layers(OUTPUT) == {
        SMALL: "size 9 is less than min-layer-size 10",
        ZSTD: "is compressed in an unsupported format.",
    }


def test_options_are_given_as_soci_takes_them() -> None:
    assert IndexOptions(4, 10, "linux/arm64").flags() == (
        "--span-size", "4", "--min-layer-size", "10", "--platform", "linux/arm64",
    )  # fmt: skip


@pytest.fixture
def failing_soci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], CommandFailed]:
    """What a soci that says some text and fails is told as."""

    def fail(text: str) -> CommandFailed:
        (tmp_path / "said").write_text(text)
        program = tmp_path / "soci"
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/said >&2\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setattr("infra.oci.soci.tool", lambda _name: program)
        with pytest.raises(CommandFailed) as caught:
            soci.create(
                "image", tmp_path / "socket", tmp_path / "root", IndexOptions(1, 1, "linux/amd64"), Deadline(60)
            )
        return caught.value

    return fail


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("soci: errors encountered while building soci layers; unsupported input tar entry 'g'\n",
         "unsupported input tar entry 'g'"),
        ('time="2026-11-26T16:13:06Z" level=fatal msg="no \\"room\\" left" error=x\n', 'no "room" left'),
        ("time=2026-11-26T16:13:06Z level=fatal msg=ended\n", "ended"),
        ("a warning\nsoci: image: not found.\n\n", "image: not found"),
        ("", "it said nothing"),
    ],
)  # fmt: skip
def test_a_failure_is_told_by_its_verb_and_cause_without_log_levels_times_and_paths(
    failing_soci: Callable[[str], CommandFailed], said: str, cause: str
) -> None:
    error = failing_soci(said)
    assert str(error) == f"soci create failed with exit code 1: {cause}"
    assert soci.cause_of(error) == cause


@pytest.mark.slow
def test_a_soci_that_hangs_is_killed_at_the_deadline_with_all_it_started_and_its_last_words_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does on a database that another soci has locked."""
    program = script(tmp_path / "soci", f"echo opening the database >&2; sleep 60 & echo $! >{tmp_path}/pid; wait")
    monkeypatch.setattr("infra.oci.soci.tool", lambda _name: program)
    with pytest.raises(CommandTimeout, match=r"soci .*did not end within (.|\n)*opening the database"):
        soci.create("image", tmp_path / "socket", tmp_path / "root", IndexOptions(1, 1, "linux/amd64"), Deadline(1))
    child = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while psutil.pid_exists(child) and processes.alive(psutil.Process(child)):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(("system", "name"), [("Darwin", "macOS"), ("Windows", "Windows")])
def test_where_soci_cannot_run_two_ways_around_are_named(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str
) -> None:
    monkeypatch.setattr("sys.platform", system.lower())
    monkeypatch.setattr("platform.system", lambda: system)
    with pytest.raises(MachineError, match=f"this is {name}.*Linux container.*bastion"):
        require_linux()


def test_linux_can_run_it() -> None:
    require_linux()
