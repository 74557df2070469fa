"""The `sociometer` command as its entry point runs it, on a machine with data and results folders of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sociometer.cli.main import main


class Ran(NamedTuple):
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


Sociometer = Callable[..., Ran]


@pytest.fixture
def sociometer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sociometer:
    """Runs `sociometer WORDS` in an empty folder; without a terminal, as a script would."""
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("kit.toolchain.install.install", lambda *_, **__: ())  # tests of commands install nothing
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["sociometer", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capfd.readouterr()
        return Ran(int(ended.value.code or 0), stdout, stderr)

    return run
