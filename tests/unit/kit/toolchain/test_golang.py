from __future__ import annotations

from pathlib import Path

import pytest

from kit.toolchain import golang
from tests.support import tiny_tool
from tests.support.programs import script


def environment_of_build(go: Path, tmp_path: Path) -> dict[str, str]:
    """What a stand-in for Go is started with; it "builds" what the tiny module would give."""
    build = f'env > {tmp_path}/environment; mkdir -p "$3"; touch "$3/small"'
    script(go, f"case $1 in build) {build};; list) echo {tmp_path}/module/dependency;; esac")
    source = tiny_tool.write(tmp_path / "module").source
    golang.build(source.modules[0], tmp_path / "out", go)  # type: ignore[union-attr]
    lines = (tmp_path / "environment").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    for name in ("GOPATH", "GOCACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def test_go_of_ours_keeps_its_caches_in_our_cache(cache: Path, tmp_path: Path) -> None:
    environment = environment_of_build(cache / "tools" / "go-1" / "bin" / "go", tmp_path)
    assert environment["GOPATH"] == str(cache / "go")
    assert environment["GOCACHE"] == str(cache / "go" / "build")


def test_users_own_go_keeps_its_own_caches(cache: Path, tmp_path: Path) -> None:
    environment = environment_of_build(tmp_path / "bin" / "go", tmp_path)
    assert "GOPATH" not in environment
    assert "GOCACHE" not in environment


def test_users_own_settings_do_not_change_the_build(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"GOFLAGS": "-mod=vendor", "GOOS": "windows", "GOWORK": "/elsewhere", "GOROOT": "/old"}.items():
        monkeypatch.setenv(name, value)
    environment = environment_of_build(tmp_path / "bin" / "go", tmp_path)
    assert environment["GOFLAGS"] == "-buildvcs=false -modcacherw"
    assert environment["GOWORK"] == "off"
    assert (environment["GOOS"], environment["GOROOT"]) == ("", "")
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["HOME"] == str(Path.home())


def test_scripts_are_copied_beside_the_programs_and_can_be_run(cache: Path, tmp_path: Path) -> None:
    environment_of_build(tmp_path / "bin" / "go", tmp_path)
    assert (tmp_path / "out" / "tiny").exists()
    assert (tmp_path / "out" / "version.go").stat().st_mode & 0o777 == 0o755
