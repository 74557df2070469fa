import shutil
from pathlib import Path

import pytest

from infra.sources import hasher, programs
from kit import paths
from kit.errors import ImageError, MachineError


@pytest.fixture
def copied_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of images/hasher that is used instead of it."""
    images = tmp_path / "images"
    shutil.copytree(paths.asset("images") / "hasher", images / "hasher")
    monkeypatch.setattr(programs, "asset", lambda name: tmp_path / name)
    return images / "hasher"


def test_unknown_architecture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not built for 'riscv64', only for amd64 and arm64"):
        hasher.build("riscv64", tmp_path)


def test_source_key_changes_with_the_sources_and_not_with_the_tests(copied_sources: Path) -> None:
    before = hasher.source_key()
    (copied_sources / "sums_test.go").write_text("package main\n")
    assert hasher.source_key() == before
    with (copied_sources / "sums.go").open("a") as file:
        file.write("// changed\n")
    assert hasher.source_key() != before


def test_source_key_does_not_depend_on_where_the_sources_lie(copied_sources: Path) -> None:
    here = hasher.source_key()
    copied_sources.parent.rename(copied_sources.parent.with_name("elsewhere"))
    (copied_sources.parent.with_name("elsewhere")).rename(copied_sources.parent)
    assert hasher.source_key() == here


def test_missing_go_is_an_error_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path))
    with pytest.raises(MachineError, match=r"go is .*tools install"):
        hasher.build("amd64", tmp_path)
