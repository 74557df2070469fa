"""What the tests of the campaign with hostile input share."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from benchmarks.hostile import campaign


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, as in the campaign."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "TMPDIR", "SOCIOMETER_DATA", "SOCIOMETER_CACHE", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(tempfile, "tempdir", None)
    return campaign.laid_out(tmp_path)[0]
