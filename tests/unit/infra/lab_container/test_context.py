from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from infra.lab_container import context
from kit.paths import asset

ROOT = asset("pyproject.toml").parent


def test_a_build_by_hand_sees_the_same_files() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert tuple(line.removeprefix("!") for line in lines if line.startswith("!")) == context.NAMES
    assert lines[1] == "*"


def test_a_wheel_has_all_of_them() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    beside = {name: f"kit/assets/{name}" for name in context.NAMES if name not in wheel["packages"]}
    assert wheel["force-include"] == beside


def test_what_is_laid_out_is_a_checkout_without_what_python_leaves(tmp_path: Path) -> None:
    context.lay_out(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(context.NAMES)
    assert (tmp_path / context.DOCKERFILE).read_bytes() == (ROOT / context.DOCKERFILE).read_bytes()
    assert list(tmp_path.rglob("__pycache__")) == []


def test_the_name_has_the_version_and_changes_with_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context.lay_out(tmp_path)
    monkeypatch.setattr(context, "asset", lambda name: tmp_path / name)
    before = context.image_name()
    assert before == context.image_name()
    assert before.startswith("sociometer-lab:0.")
    with (tmp_path / "kit" / "errors.py").open("a") as file:
        file.write("#\n")
    assert context.image_name() != before
