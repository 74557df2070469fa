from __future__ import annotations

from pathlib import Path

import pytest

from kit.toolchain.pins import Version
from kit.toolchain.programs import parse_version, version_of
from tests.support.programs import script


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v3.258.0\n", (3, 258, 0)),
        ("containerd github.com/containerd/containerd/v2 2.2.9+unknown ", (2, 2, 9)),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1", (1, 6, 20)),
        ("buildkitd github.com/moby/buildkit v0.31.2 ", (0, 31, 2)),
        ("VCSTag:     v0.11.7\nVCSRef:     unknown\nGoVer:      go1.26.8", (0, 11, 7)),
        ("runc version 1.1.5+ds1\nspec: 1.0.2-dev", (1, 1, 5)),
        ("tc utility, iproute2-6.1.0, libbpf 1.1.2", (6, 1, 0)),
        ("go version go1.26 linux/amd64", (1, 26)),
        ("docker-registry github.com/docker/distribution 2.8.2+ds1", (2, 8, 2)),
        ("soci version <unknown> <unknown>", None),
        ("", None),
    ],
)
def test_version_is_found_in_what_programs_say(said: str, version: Version | None) -> None:
    assert parse_version(said) == version


def test_an_answer_is_remembered_while_the_program_is_the_same(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", f"echo asked >> {tmp_path}/log; echo v1.2.3")
    answers = tmp_path / "cache" / "answers.json"
    assert [version_of(program, ("--version",), answers) for _ in range(2)] == [(1, 2, 3)] * 2
    assert (tmp_path / "log").read_text() == "asked\n"
    script(program, "echo v1.10.0")
    assert version_of(program, ("--version",), answers) == (1, 10, 0)


def test_damaged_answers_are_asked_for_again(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", "echo v1.2.3")
    answers = tmp_path / "answers.json"
    answers.write_text('{"half')
    assert version_of(program, (), answers) == (1, 2, 3)
    answers.write_text("[]")
    assert version_of(program, (), answers) == (1, 2, 3)


def test_program_for_another_machine_has_no_version(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    assert version_of(program, (), tmp_path / "answers.json") is None


def test_version_on_standard_error_counts(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", "echo v4.5.6 >&2; exit 2")
    assert version_of(program, (), tmp_path / "answers.json") == (4, 5, 6)
