from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.oci import buildkit
from kit.toolchain import toolbox
from kit.toolchain.pins import TOOLS
from tests.support.programs import script


def test_build_daemon_finds_a_runc_that_only_our_cache_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(toolbox, "SYSTEM_FOLDERS", ())
    script(tmp_path / "bin" / "buildkitd", "echo 0.31.2")
    script(tmp_path / "bin" / "buildctl", "true")
    [runc] = [tool for tool in TOOLS if tool.name == "runc"]
    place = toolbox.tools_dir() / runc.keys[0]
    size = script(place / "bin" / "runc", "true").stat().st_size
    (place / "manifest.json").write_text(json.dumps({"version": "1.5.1", "sizes": {"runc": size}}))
    given: dict[str, str] = {}

    @contextmanager
    def running(*_: Any, env: dict[str, str], **__: Any) -> Iterator[None]:
        given.update(env)
        yield

    monkeypatch.setattr(buildkit, "running", running)
    with buildkit.daemon():
        pass
    assert str(place / "bin") in given["PATH"].split(os.pathsep)
