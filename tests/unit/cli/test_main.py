"""What the operating system refuses ends a command in one line, with every command."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sociometer.cli import main
from tests.support.programs import SOCIOMETER


@pytest.mark.slow
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*SOCIOMETER, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: No space left on device. SOCIOMETER_DEBUG=1 shows where.\n"


@pytest.mark.slow
def test_a_reader_that_has_enough_is_no_error() -> None:
    script = f"{shlex.join(SOCIOMETER)} run --help | true"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_what_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        raise PermissionError(13, "Permission denied", "/data")

    monkeypatch.delenv("SOCIOMETER_DEBUG", raising=False)
    monkeypatch.setattr(main, "app", refused)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: /data: Permission denied. SOCIOMETER_DEBUG=1 shows where.\n"
    monkeypatch.setenv("SOCIOMETER_DEBUG", "1")
    with pytest.raises(PermissionError):
        main.main()


@pytest.mark.parametrize("words", [["--store", "{file}/x"], ["--target", "sim", "--results", "{file}/x"]])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_made(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["sociometer", "run", *(word.format(file=tmp_path / "file") for word in words)])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert not (tmp_path / "data").exists()
