"""Claims about a stack whose file is under version control, with the real Pulumi and the real git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.automation.files import FARGATE_STACK, SHIPPED
from infra.settings.model import BUILT_IN_VARIANTS
from kit.paths import asset
from tests.support.aws.plugins import provider_standins
from tests.support.aws.server import AwsServer, aws_server
from tests.support.programs import script

pytestmark = pytest.mark.lab

USE = """
from kit.paths import asset
from infra.automation import workspace
for name in ("dev", "mine"):
    stack = workspace.open_stack(name)
    workspace.configure(stack, {"seed": 7})
    print(asset(f"Pulumi.{name}.yaml").is_file())
    print(name, workspace.configure(workspace.existing_stack(name), {}).seed)
    stack.workspace.remove_stack(name)
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsServer]:
    """Plans make nothing there."""
    with aws_server() as server:
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project, committed to a repository of its own."""
    folder = tmp_path / "checkout"
    for name in ("sociometer", "experiments", "infra", "kit", "tools", "images"):
        shutil.copytree(asset(name), folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", *(f"Pulumi.{stack}.yaml" for stack in SHIPPED), "__main__.py", ".gitignore"):
        shutil.copyfile(asset(name), folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    git(folder, *identity, "commit", "--quiet", "--message", "Begin")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def test_making_setting_and_removing_stacks_writes_only_the_users_own_file_and_leaves_the_checkout_clean(
    checkout: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "SOCIOMETER_DATA": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "True\ndev 7\nTrue\nmine 7\n"
    assert git(checkout, "status", "--porcelain") == ""


@pytest.fixture
def by_hand(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Runs a line of shell in the checkout as docs/fargate.md says, on a machine that has no stack yet."""
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    script(checkout / ".venv/bin/python", f'echo "$@" >> {tmp_path / "asked"}; exec {sys.executable} "$@"')

    def run(line: str) -> str:
        words = ["bash", "-euo", "pipefail", "-c", f'eval "$(sociometer stack env)"; {line}']
        done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def documented(command: str) -> str:
    """A line of the guide that begins so."""
    lines = asset("docs/fargate.md").read_text().splitlines()
    return next(line.strip() for line in lines if line.strip().startswith(command))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_stack_is_made_by_hand_as_documented_and_leaves_the_checkout_clean(
    checkout: Path, by_hand: Callable[[str], str], name: str, aws: AwsServer
) -> None:
    make = documented("pulumi stack select --create").replace("dev", name)
    with provider_standins(aws):
        by_hand(make)
        planned = by_hand(f"pulumi preview --stack {name} --non-interactive")
    assert "aws:ecs:Service" in planned
    assert [variant for variant in BUILT_IN_VARIANTS if f"{variant}-soci-v2" in planned] == [
        variant for variant in BUILT_IN_VARIANTS if name in (variant, FARGATE_STACK)
    ]
    assert git(checkout, "status", "--porcelain") == ""


def test_the_environment_that_the_project_names_is_taken_and_a_users_own_file_is_shown(
    checkout: Path, by_hand: Callable[[str], str], tmp_path: Path
) -> None:
    by_hand("pulumi stack select --create --stack mine && pulumi config set seed 3 && pulumi preview --non-interactive")
    assert "-m pulumi.dynamic" in (tmp_path / "asked").read_text()
    assert git(checkout, "status", "--porcelain") == "?? Pulumi.mine.yaml\n"
