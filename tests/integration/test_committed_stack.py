"""Claims about a stack whose file is under version control, with the real Pulumi and the real git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.paths import asset

pytestmark = pytest.mark.lab

USE = """
from infra.automation import workspace
for name in ("dev", "mine"):
    stack = workspace.open_stack(name)
    workspace.configure(stack, {"seed": 7})
    print(name, workspace.configure(workspace.existing_stack(name), {}).seed)
    stack.workspace.remove_stack(name)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project, committed to a repository of its own."""
    folder = tmp_path / "checkout"
    for name in ("sociometer", "experiments", "infra", "kit", "tools"):
        shutil.copytree(asset(name), folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", ".gitignore"):
        shutil.copyfile(asset(name), folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    git(folder, *identity, "commit", "--quiet", "--message", "Begin")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def test_making_setting_and_removing_a_committed_stack_leaves_the_checkout_clean(
    checkout: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "SOCIOMETER_DATA": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "dev 7\nmine 7\n"
    assert git(checkout, "status", "--porcelain") == ""
